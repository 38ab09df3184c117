"""The Logs screen under a hand on the keyboard, against real agents' HTTP: following, standing still, looking for."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from textual.pilot import Pilot

from h2o_console.rows.places import Kind, Place
from h2o_console.tui.screens.logs import LogLineScreen, LogsScreen
from h2o_core.logs import Entry, Severity
from tests.console.fake_fleet import FakeFleet
from tests.console.test_tui_packages import Pictures, Scene, scrubbed, shown
from tests.process.test_console_logs import KEY, Agent

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

NOW_S = 1_770_000_000.0
T = TypeVar("T")
RESOURCE = {"service.name": "/service/customer", "service.version": "2.4.0", "service.instance.id": "3f2a91c0ffee"}


@dataclass
class Poller:
    """Knows where the agents are."""

    at: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def look_at(self, hosts: object) -> None: ...

    def agents(self) -> Mapping[str, tuple[str, str]]:
        return self.at

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        raise NotImplementedError

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        raise NotImplementedError


@dataclass
class LogScene:
    scene: Scene
    agents: list[Agent]

    def write(
        self,
        *bodies: str,
        severity: Severity = Severity.INFO,
        host: int = 0,
        attributes: Mapping[str, object] = {},
    ) -> None:
        """Lines a tenth of a second apart, up to now by the console's clock."""
        with (self.agents[host].logs / f"{KEY}.log").open("ab") as file:
            for body in bodies:
                self.scene.fleet.now_s += 0.1
                resource = {**RESOURCE, "host.name": self.agents[host].host}
                entry = Entry(self.scene.fleet.now_s, severity, body, attributes=attributes, resource=resource)
                file.write(entry.line().encode() + b"\n")

    async def until(self, pilot: Pilot[int], holds: Callable[[str], bool], what: str) -> str:
        deadline_s = time.monotonic() + 10
        while not holds(text := self.scene.text()):
            assert time.monotonic() < deadline_s, f"not within 10 s: {what}\n{text}"
            await pilot.pause(0.05)
        return text

    async def shows(self, pilot: Pilot[int], *words: str) -> str:
        return await self.until(pilot, lambda text: all(word in text for word in words), f"shows {words}")

    @property
    def seen(self) -> LogsScreen:
        assert isinstance(self.scene.seen, LogsScreen)
        return self.scene.seen


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[LogScene]:
    agents = [Agent(tmp_path, host) for host in ("host-1", "host-2")]
    scene = Scene(FakeFleet(2, now_s=NOW_S))
    for host in ("host-1", "host-2"):
        scene.fleet.run("service/customer", "2.4.0", host, per_s=5)
    scene.picture()
    scene.run(5)
    scene.session.poller = Poller({agent.host: (agent.target.address, "") for agent in agents})
    yield LogScene(scene, agents)
    for agent in agents:
        await agent.stop()


async def test_l_opens_the_logs_of_what_the_cursor_is_on_and_follows(logs: LogScene) -> None:
    logs.write(*(f"line {number}" for number in range(300)))
    logs.write("from the other one", host=1)
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        text = await logs.shows(
            pilot, "logs service/customer", "from the other one", "following", "service/customer on 2 hosts", "line 299"
        )
        assert "line 50" not in text
        assert len(logs.seen.order) == 200
        logs.write("and one more")
        await logs.shows(pilot, "and one more")
        assert logs.scene.list.cursor == logs.seen.order[-1]
        await pilot.press("escape")
        await pilot.pause()
        assert not logs.scene.session.tails._tails, "what nobody can see is read no more"


async def test_l_reads_the_logs_of_marked_hosts_as_one(logs: LogScene) -> None:
    logs.write("from the first")
    logs.write("from the other one", host=1)
    async with shown(logs.scene, (120, 20)) as pilot:
        await pilot.press("3")
        await logs.shows(pilot, "hosts, by trouble")
        await pilot.press("colon", *"mark all", "enter", "l")
        text = await logs.shows(
            pilot, "logs 2 hosts", "host-1, host-2 on 2 hosts", "from the other one", "from the first"
        )
        assert text.index("from the first") < text.index("from the other one"), "merged by time"
        assert "host-2 service/customer" in text, "whose a line is"
        await pilot.press("G", "enter")
        await logs.shows(pilot, "hosts > 2 hosts > line")
        await pilot.press("escape", "escape")
        await logs.shows(pilot, " * 2 marked")


async def test_scrolling_up_stands_still_and_says_how_much_waits(logs: LogScene) -> None:
    logs.write(*(f"line {number}" for number in range(50)))
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "line 49")
        await pilot.press("k", "k")
        cursor = logs.scene.list.cursor
        logs.write("new 1", "new 2")
        text = await logs.shows(pilot, "PAUSED, 2 new lines wait (G goes on)")
        assert "new 1" not in text
        assert logs.scene.list.cursor == cursor
        await pilot.press("G")
        await logs.shows(pilot, "following", "new 2")


async def test_the_wheel_stands_still_too(logs: LogScene) -> None:
    logs.write(*(f"line {number}" for number in range(50)))
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "line 49")
        logs.scene.list.scroll_relative(y=-5, animate=False, immediate=True)
        logs.write("new 1")
        text = await logs.shows(pilot, "PAUSED, 1 new line waits")
        assert "line 49" not in text


async def test_f_stands_still_and_follows_again(logs: LogScene) -> None:
    logs.write("first")
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "first", "following")
        await pilot.press("f")
        logs.write("second")
        text = await logs.shows(pilot, "STANDING, 1 new line waits (f follows)")
        assert "second" not in text
        await pilot.press("f")
        await logs.shows(pilot, "second", "following")


async def test_a_filter_is_applied_at_the_agents(logs: LogScene) -> None:
    logs.write("the needle long ago")
    logs.write(*(f"line {number}" for number in range(250)))
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "line 249")
        await pilot.press("slash", *"needle", "enter")
        logs.scene.now_s += 1
        text = await logs.shows(pilot, "the needle long ago", "/needle", "following")
        assert "line 2" not in text
        logs.write("hay", "another needle")
        text = await logs.shows(pilot, "another needle")
        assert "hay" not in text
        await pilot.press("escape")
        logs.scene.now_s += 1
        await logs.shows(pilot, "line 249", "hay")
        assert isinstance(logs.scene.seen, LogsScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert logs.scene.seen.place.kind is Kind.PACKAGES


async def test_severity_is_cycled(logs: LogScene) -> None:
    logs.write("quiet", severity=Severity.INFO)
    logs.write("loud", severity=Severity.ERROR)
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "quiet", "loud")
        await pilot.press("v", "v", "v")
        logs.scene.now_s += 1
        await logs.until(pilot, lambda text: "WARN and worse" in text and "quiet" not in text, "only WARN and worse")
        await pilot.press("v", "v")
        logs.scene.now_s += 1
        await logs.shows(pilot, "quiet", "loud")


async def test_enter_shows_an_entry_whole_and_esc_leads_back_to_it(
    logs: LogScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.write("first", "second", "third", attributes={"request_id": "77", "exception.stacktrace": "Traceback\n  boom"})
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "third")
        await pilot.press("k", "k", "k")
        number = logs.scene.list.cursor
        await pilot.press("enter")
        text = await logs.shows(pilot, "BODY", "second", "TRACEBACK", "boom", "request_id", "3f2a91c0ffee")
        assert isinstance(logs.scene.seen, LogLineScreen)
        assert "third" not in text
        copied: list[str] = []
        monkeypatch.setattr(logs.scene.app, "copy_to_clipboard", copied.append)
        await pilot.press("c")
        await logs.until(pilot, lambda _: bool(copied), "it is copied")
        assert copied[0].endswith(f"INFO host-1/{KEY} second\nTraceback\n  boom")
        await pilot.press("escape")
        await pilot.pause()
        assert logs.scene.list.cursor == number
        await pilot.press("c")
        await logs.until(pilot, lambda _: len(copied) == 2, "it is copied from the list as well")
        assert copied[1] == copied[0]
        logs.write("fourth")
        await logs.shows(pilot, "PAUSED, 1 new line waits")


async def test_lines_are_wrapped_when_asked(logs: LogScene) -> None:
    logs.write("word " * 60 + "end")
    async with shown(logs.scene, (80, 20)) as pilot:
        await pilot.press("l")
        text = await logs.shows(pilot, "word", "…")
        assert "end" not in text
        await pilot.press("w")
        await logs.shows(pilot, "end", "wrapped")


async def test_a_host_that_does_not_answer_is_named(logs: LogScene) -> None:
    logs.write("here")
    assert logs.scene.session.poller is not None
    logs.scene.session.poller = Poller({**logs.scene.session.poller.agents(), "host-2": ("unix:/nowhere", "")})
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "here", "host-2 does not answer: no such file or directory")


async def test_hostile_lines_are_inert(logs: LogScene) -> None:
    for body in ("[/x] [@click=app.quit]", "\x1b[2J\x1b]0;owned\x07", "\u202egpj.exe", "日" * 500, "a\r\nb\x9b2J"):
        logs.write(body, attributes={body: body})
    with (logs.agents[0].logs / f"{KEY}.log").open("ab") as file:
        file.write(
            b"\xff\xfe raw \x1b[2J\n"
            + json.dumps({"body": 1, "severity_text": [], "severity_number": {}}).encode()
            + b"\n"
        )
    async with shown(logs.scene, (70, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "click=app.quit", "raw")
        for _ in range(12):
            assert "".join(logs.scene.lines()).isprintable()
            await pilot.press("enter")
            await pilot.pause()
            assert "".join(logs.scene.lines()).isprintable()
            await pilot.press("escape", "k")
            await pilot.pause()
        assert logs.scene.app.is_running


async def test_logs_by_name_of_a_package_a_host_and_of_nothing(logs: LogScene) -> None:
    logs.write("here")
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("colon", *"logs host-1", "enter")
        await logs.shows(pilot, "here", "service/customer 3f2a91c0")
        await pilot.press("colon", *"logs nobody", "enter")
        await logs.shows(pilot, "no package, host or instance matches 'nobody'")
        await pilot.press("escape", "question_mark", "l")
        await logs.shows(pilot, "nothing under the cursor has logs")


async def test_no_line_and_no_host_are_sentences(logs: LogScene) -> None:
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "No line yet.")
        logs.scene.session.poller = None
        logs.scene.app.frame.open(Place(Kind.LOGS, "service/geo", Kind.PACKAGE))
        await logs.shows(pilot, "Reading…")


async def test_two_thousand_lines_at_once_are_few_paints_and_keys_come_through(logs: LogScene) -> None:
    async with shown(logs.scene, (100, 20)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "No line yet.")
        logs.write(*(f"line {number}" for number in range(8000)))
        await logs.shows(pilot, "line 7999")
        assert len(logs.seen.order) == 5000
        await pilot.press("k")
        await logs.shows(pilot, "PAUSED")


def speak(logs: LogScene) -> None:
    logs.write("listening on 10.0.0.7:4100", "slots: 64", "connected to the broker")
    logs.write("cache is cold, the first requests will be slow", severity=Severity.WARN, host=1)
    logs.write("retrieve 4711 in 12.4 ms", "retrieve 4712 in 11.9 ms", severity=Severity.DEBUG)
    logs.write(
        "charging card ending in 1881 failed",
        severity=Severity.ERROR,
        host=1,
        attributes={
            "exception.type": "TimeoutError",
            "exception.stacktrace": 'Traceback (most recent call last):\n  File "/srv/customer/card.py", line 41, in'
            " charge\n    await gateway.charge(card, amount)\nTimeoutError: no answer in 2 s",
            "feature": "/service/customer/charge",
        },
    )
    logs.write("retrieve 4713 in 12.1 ms: " + "a very long line that does not fit " * 6)


@pytest.mark.parametrize("size", [(160, 40), (100, 30), (60, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_logs_screen_looks_as_it_did(
    logs: LogScene, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    speak(logs)
    async with shown(logs.scene, size) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "retrieve 4713", "following")
        assert snapshot(extension_class=Pictures) == scrubbed(logs.scene.app)


async def test_a_whole_entry_looks_as_it_did(logs: LogScene, snapshot: SnapshotAssertion) -> None:
    speak(logs)
    async with shown(logs.scene, (100, 30)) as pilot:
        await pilot.press("l")
        await logs.shows(pilot, "retrieve 4713", "following")
        await pilot.press("k", "enter")
        await logs.shows(pilot, "TRACEBACK")
        assert snapshot(extension_class=Pictures) == scrubbed(logs.scene.app)
