"""Every screen at every size, with hostile names and numbers, in every theme; and one picture of each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
from hypothesis import given, strategies as st
from textual.pilot import Pilot

from h2o_console.feed.agents import OutOfReach
from h2o_console.rows.description import child_lines
from h2o_console.rows.documents import json_lines
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.triage import finding_rows
from h2o_console.text import width as cells_of
from h2o_console.tui.acting.meaning import chosen, meant
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.memory import Memory
from h2o_console.tui.session import Session
from h2o_console.tui.themes import PALETTES
from tests.console.found_fleet import hostile_found, wrong
from tests.console.pictures import Pictures, lines_of, scrubbed
from tests.console.still_fleet import HOSTILE, StillFleet, hostile, troubled
from tests.console.still_register import somebody

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

T = TypeVar("T")
PACKAGES = Place(Kind.PACKAGES)
WIDE, USUAL, NARROW = (160, 40), (100, 30), (60, 20)


@dataclass
class Stage:
    """A console over a fleet that stands still, and a clock that is ours."""

    fleet: StillFleet = field(default_factory=troubled)
    theme: str = "dark"
    ascii_only: bool = False
    now_s: float = 1000.0
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    odd: tuple[str, ...] = ()
    memory: Memory | None = None
    remember: Callable[[Memory], str] = lambda _: ""
    home: Place = PACKAGES

    def __post_init__(self) -> None:
        self.session = Session(
            "prod",
            self.fleet.store(),
            ascii_only=self.ascii_only,
            keys=self.keys,
            odd=self.odd,
            clock=lambda: self.now_s,
            wall=lambda: 1_770_000_000.0,
            changing=somebody(),
        )
        self.app = H2OConsole(
            self.session, None, self.theme, memory=self.memory, remember=self.remember, home=self.home
        )

    @property
    def lines(self) -> list[str]:
        return lines_of(self.app)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def place(self) -> Place:
        return self.app.frame.seen.place

    async def settle(self, pilot: Pilot[int]) -> None:
        """A second later."""
        self.now_s += 1.0
        for _ in range(2):
            self.app.flush()
            await pilot.pause()

    async def go(self, pilot: Pilot[int], place: Place) -> None:
        self.app.frame.open(place)
        await self.settle(pilot)


@asynccontextmanager
async def staged(stage: Stage, size: tuple[int, int] = USUAL) -> AsyncGenerator[Pilot[int]]:
    async with stage.app.run_test(size=size) as pilot:
        await stage.settle(pilot)
        yield pilot


def places(fleet: StillFleet) -> list[Place]:
    """One of each kind of screen, the details of what is worst."""
    package, host, instance = next(iter(fleet.packages)), next(iter(fleet.hosts)), next(iter(fleet.running))
    failing = next((one.key for one in fleet.running.values() if "INTERNAL" in one.outcomes), instance)
    return [
        Place(Kind.PACKAGES),
        Place(Kind.PACKAGE, package),
        Place(Kind.HOSTS),
        Place(Kind.HOST, "host-2" if "host-2" in fleet.hosts else host),
        Place(Kind.INSTANCES),
        Place(Kind.INSTANCES, package),
        Place(Kind.INSTANCE, failing),
        Place(Kind.JSON, failing, Kind.INSTANCE),
        Place(Kind.DESCRIBE, failing, Kind.INSTANCE),
        Place(Kind.FEATURES),
        Place(Kind.FEATURE, next((one.feature for one in fleet.features(0.0)), "service/none/at-all")),
        Place(Kind.CALLERS),
        Place(Kind.CALLS, package),
        Place(Kind.TRIAGE),
        *(Place(Kind.FINDING, row.key) for row in finding_rows(fleet.insight, (), 0.0)[:1]),
        Place(Kind.JOURNAL),
        *(Place(Kind.ENTRY, one.change_id) for one in (fleet.control.entries[:1] if fleet.control else ())),
        Place(Kind.HELP, "hosts"),
    ]


async def test_the_status_line_names_what_can_be_changed_wherever_something_can() -> None:
    stage = Stage(wrong())
    async with staged(stage) as pilot:
        for place in (*places(stage.fleet), Place(Kind.LOGS, "host-1", Kind.HOST)):
            await stage.go(pilot, place)
            seen, cursor = stage.app.frame.seen, stage.app.frame.list.cursor
            about = meant(stage.session, seen, chosen(seen, cursor))
            changeable = place.kind not in {Kind.JSON, Kind.HELP, Kind.JOURNAL, Kind.ENTRY}
            assert (" a act " in stage.lines[-1]) is changeable, place
            assert not changeable or about.hosts or about.packages or not seen.order, place
            assert (" u undo " in stage.lines[-1]) is (place.kind in {Kind.JOURNAL, Kind.ENTRY}), place


async def test_where_nothing_can_be_changed_the_status_line_names_no_change() -> None:
    stage = Stage(wrong())
    stage.session.changing = None
    async with staged(stage) as pilot:
        for place in places(stage.fleet):
            await stage.go(pilot, place)
            assert " a act " not in stage.lines[-1]
            assert " u undo " not in stage.lines[-1]


SIZES = ((30, 8), (59, 15), (60, 20), (90, 24), (119, 40), (200, 60), (12, 3), (1, 1))


@pytest.mark.parametrize("fleet", [wrong, hostile_found], ids=["wrong", "hostile"])
async def test_every_screen_survives_every_size_and_breaks_no_line(fleet: object) -> None:
    stage = Stage(fleet() if callable(fleet) else StillFleet())  # pyright: ignore[reportArgumentType] - one of the two
    async with staged(stage) as pilot:
        for place in places(stage.fleet):
            await stage.go(pilot, place)
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await pilot.pause()
                await stage.settle(pilot)
                assert [len(line) <= size[0] for line in stage.lines] == [True] * size[1], (place, size)
                assert "".join(stage.lines).isprintable(), (place, size)
            await pilot.resize_terminal(*USUAL)
        assert stage.app.is_running


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["160", "60"])
async def test_what_is_hostile_is_inert_wherever_it_is_opened(size: tuple[int, int]) -> None:
    stage = Stage(hostile())
    async with staged(stage, size) as pilot:
        for view in "234":
            for _ in range(len(HOSTILE)):
                await pilot.press(view, "j", "enter", "j", "y")
                await stage.settle(pilot)
                shown = "".join(stage.lines)
                assert shown.isprintable()
                assert not set(shown) & {"\u202e", "\u2066", "\u200b"}
                await pilot.press("escape", "escape")
        await pilot.click("#list", offset=(10, 1), times=2)
        assert stage.app.is_running
        assert stage.app.title == "h2o-console"


async def test_narrow_lists_keep_sign_name_errors_and_why() -> None:
    stage = Stage()
    async with staged(stage, (59, 20)) as pilot:
        for view, head in (("2", "PACKAGE"), ("3", "HOST"), ("4", "INSTANCE")):
            await pilot.press(view)
            await stage.settle(pilot)
            heads = next(line for line in stage.lines if head in line).split()
            assert heads[0] == head
            assert heads[-2:] == ["ERR%", "WHY"]


async def test_unknown_is_a_grey_dash_and_never_a_zero() -> None:
    stage = Stage()
    async with staged(stage, WIDE) as pilot:
        await pilot.press("3")
        await stage.settle(pilot)
        silent = next(line for line in stage.lines if "host-5 " in line)
        assert silent.partition("link")[0].split().count("-") >= 8
        assert " 0 " not in silent
        await pilot.press("4")
        await stage.settle(pilot)
        quiet = next(line for line in stage.lines if "host-5 " in line)
        assert "no fresh stats" in quiet
        assert " 0 " not in quiet


async def test_from_a_host_to_its_instance_to_its_package_and_all_the_way_back() -> None:
    stage = Stage()
    async with staged(stage, WIDE) as pilot:
        await pilot.press("3", "enter")
        await stage.settle(pilot)
        assert stage.place == Place(Kind.HOST, "host-2")
        await pilot.press("enter")
        await stage.settle(pilot)
        assert stage.place.kind is Kind.INSTANCE
        await pilot.press("enter")
        await stage.settle(pilot)
        assert stage.place == Place(Kind.PACKAGE, "api/customer")
        assert "hosts > host-2 > " in stage.lines[0]
        for kind in (Kind.INSTANCE, Kind.HOST, Kind.HOSTS, Kind.PACKAGES):
            await pilot.press("escape")
            assert stage.place.kind is kind


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("hosts", Place(Kind.HOSTS)),
        ("host 4", Place(Kind.HOST, "host-4")),
        ("instances service/geo", Place(Kind.INSTANCES, "service/geo")),
        ("instances host-2", Place(Kind.INSTANCES, "host-2")),
        ("instance 5c55", Place(Kind.INSTANCE, "5c5581d400000014")),
        ("package payment", Place(Kind.PACKAGE, "service/payment")),
    ],
)
async def test_typing_leads_there(typed: str, place: Place) -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await pilot.press("colon", *typed, "enter")
        await stage.settle(pilot)
        assert stage.place == place


async def test_a_narrowed_list_shows_its_own_alone() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await stage.go(pilot, Place(Kind.INSTANCES, "service/geo"))
        assert len(stage.app.frame.list.order) == 4
        assert "instances > service/geo" in stage.lines[0] or "packages > service/geo" in stage.lines[0]


async def test_json_is_the_resource_s_and_a_key_copies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    stage = Stage()
    copied: list[str] = []
    async with staged(stage, WIDE) as pilot:
        stage.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await pilot.press("3", "c")
        await stage.settle(pilot)
        assert copied == ["host-2"]
        assert "copied 'host-2' to the clipboard" in stage.lines[-1]
        await pilot.press("y", "c")
        await stage.settle(pilot)
        assert '"name": "host-2"' in stage.text
        assert copied[1].startswith('{\n  "host": {')
        assert copied[1].isascii()


async def test_the_palette_finds_by_letters_and_runs() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await pilot.press("ctrl+p", *"hosts", "enter")
        await stage.settle(pilot)
        assert stage.place == Place(Kind.HOSTS)
        await pilot.press("ctrl+p", *"theme", "enter")
        await pilot.pause()
        assert stage.lines[-1].startswith(" :theme ")
        await pilot.press(*"light", "enter")
        await stage.settle(pilot)
        assert stage.app.theme == "h2o-light"
        await pilot.press("ctrl+p", "escape")
        await stage.settle(pilot)
        assert stage.place == Place(Kind.HOSTS)


CHILD = {
    "key": "service.notify-1",
    "state": "backoff",
    "restarts": 31,
    "failures": 7,
    "due_in_s": 4.0,
    "argv": ["/usr/bin/python3", "-m", "notify", "--motto", "carpe diem"],
    "cwd": "/srv/notify",
    "log": "/var/log/h2o/service.notify-1.log",
    "last_exit": {"text": "exit code 1", "time": "2026-02-02T02:39:58Z", "lines": ["Traceback", "\x1b[2JBoom"]},
}


class Answers:
    """A feed that answers what it was told to, and knows what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.given: Mapping[str, Any] | Exception = CHILD
        self.on_screen: frozenset[str] = frozenset()

    def look_at(self, hosts: Iterable[str]) -> None:
        self.on_screen = frozenset(hosts)

    def agents(self) -> Mapping[str, tuple[str, str]]:
        return {}

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        self.asked.append((host, path))
        future: Future[Mapping[str, Any]] = Future()
        if isinstance(self.given, Exception):
            future.set_exception(self.given)
        else:
            future.set_result(self.given)
        return future

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        self.asked.append((host, path))
        future: Future[T] = Future()
        future.set_exception(OutOfReach("connection refused"))
        return future


@pytest.mark.parametrize("large", [False, True])
async def test_whom_findings_are_about_is_asked_each_second_but_not_in_a_large_fleet(*, large: bool) -> None:
    stage, answers = Stage(fleet=replace(wrong(), thrifty=large), home=Place(Kind.TRIAGE)), Answers()
    stage.session.poller = answers
    async with staged(stage) as pilot:
        await stage.settle(pilot)
        assert bool(answers.on_screen) is not large
        await stage.go(pilot, Place(Kind.HOSTS))
        assert answers.on_screen, "who looks at hosts has them asked"


async def test_d_describes_a_child_by_what_its_own_agent_says() -> None:
    stage, answers = Stage(), Answers()
    stage.session.poller = answers
    async with staged(stage) as pilot:
        await stage.go(pilot, Place(Kind.INSTANCES))
        stage.app.frame.list.select("host-4/service.notify-1")
        await pilot.press("z", "d")
        await stage.settle(pilot)
        await stage.settle(pilot)
        assert answers.asked == [("host-4", "/children/service.notify-1")]
        for words in ("/usr/bin/python3 -m notify --motto 'carpe diem'", "exit code 1, at 2026-02-02", "  Boom", "31"):
            assert words in stage.text
        await pilot.press("z")
        answers.given = OutOfReach("no answer in 2 s")
        stage.now_s += 5
        await stage.settle(pilot)
        await stage.settle(pilot)
        assert "not fresh: no answer in 2 s" in stage.lines[-1]
        assert "carpe diem" in stage.text
        await pilot.press("escape")
        assert stage.place == Place(Kind.INSTANCES)


async def test_an_agent_that_can_t_describe_says_why_and_what_to_type() -> None:
    stage, answers = Stage(), Answers()
    answers.given = OutOfReach("this agent has started no abc", "its children: service.geo-1")
    stage.session.poller = answers
    async with staged(stage) as pilot:
        await stage.go(pilot, Place(Kind.DESCRIBE, "host-2", Kind.HOST))
        await stage.settle(pilot)
        assert answers.asked[0] == ("host-2", "/health")
        assert "host-2's agent: this agent has started no abc." in stage.text
        assert "its children: service.geo-1" in stage.text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*CHILD, "text", "lines"]), inner),
        max_leaves=20,
    ),
    st.integers(1, 200),
)
def test_any_description_is_lines_that_fit(value: Any, width: int) -> None:
    document = dict.fromkeys(CHILD, value) if not isinstance(value, dict) else cast("dict[str, Any]", value)
    for line in (*child_lines(document, width), *json_lines(cast("object", value), width)):
        text = "".join(cell.text for cell in line.cells)
        assert cells_of(text) <= width
        assert text.isprintable()


@pytest.mark.parametrize("theme", PALETTES)
async def test_every_theme_paints_every_screen_and_ascii_is_ascii(theme: str) -> None:
    stage = Stage(theme=theme, ascii_only=theme == "mono")
    async with staged(stage, WIDE) as pilot:
        for place in places(stage.fleet):
            await stage.go(pilot, place)
            assert stage.text.isascii() or theme != "mono", place
        await stage.go(pilot, Place(Kind.HOSTS))
        assert any(line.startswith("x host-2") for line in stage.lines)
        assert any("host-2  broken" in line for line in stage.lines), "the word beside the sign"


PICTURED = {
    "packages": Place(Kind.PACKAGES),
    "package": Place(Kind.PACKAGE, "api/customer"),
    "hosts": Place(Kind.HOSTS),
    "host": Place(Kind.HOST, "host-2"),
    "instances": Place(Kind.INSTANCES),
    "instance": Place(Kind.INSTANCE, "5c5581d400000014"),
    "json": Place(Kind.JSON, "host-2", Kind.HOST),
    "help": Place(Kind.HELP, "hosts"),
}


@pytest.mark.parametrize("size", [WIDE, USUAL, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURED)
async def test_it_looks_as_it_did(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    stage = Stage()
    async with staged(stage, size) as pilot:
        await stage.go(pilot, PICTURED[name])
        assert snapshot(extension_class=Pictures) == scrubbed(stage.app)
