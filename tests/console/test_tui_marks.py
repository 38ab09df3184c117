"""Marks on rows: by key, through sorting, filters and absence; and what takes all of them together."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_console.rows.cells import Line
from h2o_console.rows.marks import MOST_TOGETHER, marked_line, together
from h2o_console.rows.places import Kind, Look, Mark, Place, Wanted
from h2o_console.text import width as cells_of
from h2o_console.tui.journey import Journey
from h2o_console.tui.log_targets import question_for, targets_for
from h2o_console.tui.memory import Memory, decode, encode
from h2o_console.tui.screens.listing import list_of
from tests.console.pictures import Pictures, scrubbed
from tests.console.still_fleet import hostile
from tests.console.test_tui_screens import NARROW, SIZES, USUAL, WIDE, Answers, Stage, staged
from tests.console.traffic_fleet import busy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot


class Everywhere(Answers):
    """A feed that knows an agent on each host."""

    def agents(self) -> Mapping[str, tuple[str, str]]:
        return {f"host-{number}": (f"unix:/{number}", "") for number in range(1, 9)}


def text_of(line: Line) -> str:
    return "".join(cell.text for cell in line.cells)


def mark(key: str, kind: Kind = Kind.PACKAGE) -> Mark:
    return Mark(key, key, Place(kind, key))


def starred(stage: Stage) -> set[str]:
    """The names of the rows that show a star."""
    return {line[2:].split()[0] for line in stage.lines if line[1:2] == "*" and line[2:3].strip()}


def marks_line(stage: Stage) -> str:
    return next((line for line in stage.lines if line.startswith(" * ")), "")


async def at(stage: Stage, pilot: Pilot[int], key: str) -> None:
    stage.app.frame.list.select(key)
    await pilot.pause()


async def test_space_marks_and_unmarks_with_a_star_beside_the_sign() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await at(stage, pilot, "service/geo")
        await pilot.press("space")
        assert starred(stage) == {"service/geo"}
        assert marks_line(stage).startswith(" * 1 marked  l c y take all, esc unmarks")
        assert stage.app.frame.list.cursor == "service/geo", "the cursor stays"
        await pilot.press("space")
        assert starred(stage) == set()
        assert not marks_line(stage)


async def test_a_mark_stays_on_its_resource_when_rows_are_sorted_anew_under_the_cursor() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await at(stage, pilot, "service/geo")
        await pilot.press("space", "j", "space")
        both = starred(stage)
        assert len(both) == 2
        before = stage.app.frame.list.order
        await pilot.press("colon", *"sort requests", "enter")
        await stage.settle(pilot)
        sorted_once = stage.app.frame.list.order
        assert sorted_once != before
        assert starred(stage) == both
        stage.fleet.packages = {
            name: replace(stage.fleet.packages[name], rps=float(number)) for number, name in enumerate(sorted_once)
        }
        for _ in range(8):
            await stage.settle(pilot)
        assert stage.app.frame.list.order != sorted_once, "ranked again by itself"
        assert starred(stage) == both
        await pilot.press("space")
        assert starred(stage) == both - {stage.app.frame.list.cursor}, "the cursor's resource, wherever its row is now"


async def test_a_filter_hides_marks_and_says_which() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        for key in ("service/geo", "service/payment", "api/customer"):
            await at(stage, pilot, key)
            await pilot.press("space")
        await pilot.press("slash", *"pay", "enter")
        await stage.settle(pilot)
        assert starred(stage) == {"service/payment"}
        assert " * 3 marked, 2 hidden by the filter: service/geo, api/customer" in marks_line(stage)
        await pilot.press("escape")
        await stage.settle(pilot)
        assert starred(stage) == {"service/payment", "service/geo", "api/customer"}, "esc takes the filter first"
        await pilot.press("escape")
        assert not marks_line(stage)
        assert stage.place == Place(Kind.PACKAGES)


async def test_what_is_gone_stays_marked_and_is_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        for key in ("service/geo", "service/payment"):
            await at(stage, pilot, key)
            await pilot.press("space")
        kept = stage.fleet.packages.pop("service/geo")
        stage.fleet.packages = {"service/geo/../x": replace(kept, name="x"), **stage.fleet.packages}
        dirty = {"service/geo", *stage.fleet.packages}

        def changed(_now_s: float) -> set[str]:
            return dirty

        monkeypatch.setattr(stage.session.packages, "_dirty", changed)
        for _ in range(6):
            await stage.settle(pilot)
        assert ", 1 gone: service/geo" in marks_line(stage)
        await pilot.press("y")
        await stage.settle(pilot)
        assert '"service/geo": null' in stage.text
        await pilot.press("escape", "colon", *"unmark geo", "enter")
        await stage.settle(pilot)
        assert marks_line(stage).startswith(" * 1 marked  ")


async def test_marks_are_kept_for_each_view_while_the_console_runs() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await at(stage, pilot, "service/geo")
        await pilot.press("space", "3")
        await stage.settle(pilot)
        assert not marks_line(stage), "hosts have their own"
        await pilot.press("space", "2")
        await stage.settle(pilot)
        assert starred(stage) == {"service/geo"}
        await pilot.press("enter", "escape")
        await stage.settle(pilot)
        assert starred(stage) == {"service/geo"}
        await pilot.press("3")
        await stage.settle(pilot)
        assert marks_line(stage).startswith(" * 1 marked")


async def test_c_copies_all_marked_names_and_y_shows_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    stage = Stage()
    copied: list[str] = []
    async with staged(stage) as pilot:
        stage.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await pilot.press("3")
        await stage.settle(pilot)
        for key in ("host-4", "host-1"):
            await at(stage, pilot, key)
            await pilot.press("space")
        await at(stage, pilot, "host-3")
        await pilot.press("c")
        await stage.settle(pilot)
        assert copied == ["host-4\nhost-1"], "in the order of marking; not the cursor's"
        await pilot.press("y")
        await stage.settle(pilot)
        assert stage.place == Place(Kind.JSON, "host-1", Kind.HOST, ("host-4",))
        assert "2 hosts json" in stage.lines[0]
        await pilot.press("c")
        await stage.settle(pilot)
        assert list(json.loads(copied[-1])) == ["host-1", "host-4"]


async def test_l_reads_the_logs_of_all_marked_together() -> None:
    stage = Stage()
    stage.session.poller = Everywhere()
    async with staged(stage, WIDE) as pilot:
        await pilot.press("4")
        await stage.settle(pilot)
        named = [one for one in stage.fleet.running.values() if one.id][:2]
        for one in named:
            await at(stage, pilot, one.key)
            await pilot.press("space")
        await pilot.press("l")
        await stage.settle(pilot)
        place = stage.place
        assert place.kind is Kind.LOGS
        assert set(place.keys) == {one.key for one in named}
        assert "logs 2 instances" in stage.lines[0]
        assert question_for(place, None, "").instances == place.keys  # pyright: ignore[reportArgumentType] - no floor
        assert {target.host for target in targets_for(stage.session, place)} == {one.host for one in named}


async def test_a_child_without_an_id_is_asked_of_its_own_host_alone_and_of_what_is_gone_all_are_asked() -> None:
    stage = Stage()
    stage.session.poller = Everywhere()
    async with staged(stage):
        child = "host-4/service.notify-1"
        place = Place(Kind.LOGS, child, Kind.INSTANCE, ("5c5581d400000014", "gone0000"))
        assert question_for(place, None, "").instances == ("5c5581d400000014", "gone0000")  # pyright: ignore[reportArgumentType] - as above
        asked = {target.host: target.also for target in targets_for(stage.session, place)}
        assert asked["host-4"] == ("service.notify-1",)
        assert set(asked) == set(stage.fleet.hosts) & set(Everywhere().agents())
        assert all(also == () for host, also in asked.items() if host != "host-4")


async def test_features_are_marked_by_version_and_their_package_s_logs_are_read() -> None:
    stage = Stage(busy())
    async with staged(stage, WIDE) as pilot:
        await pilot.press("5")
        await stage.settle(pilot)
        await pilot.press("colon", *"mark all", "enter")
        await stage.settle(pilot)
        screen = list_of(stage.app.frame.seen)
        assert screen is not None
        assert len(screen.marks) == len(stage.app.frame.list.order) > 2
        await pilot.press("l")
        await stage.settle(pilot)
        assert stage.place.of is Kind.PACKAGE
        await pilot.press("escape")
        await stage.settle(pilot)
        assert " marked" in marks_line(stage)
        await pilot.press("colon", *"unmark", "enter")
        assert not marks_line(stage)


async def test_too_many_are_not_shown_together_and_that_is_said() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        screen = list_of(stage.app.frame.seen)
        assert screen is not None
        screen.marks = {f"p{number}": mark(f"p{number}") for number in range(MOST_TOGETHER + 1)}
        for key in ("l", "y"):
            await pilot.press(key)
            await stage.settle(pilot)
            assert stage.place == Place(Kind.PACKAGES)
            assert f"{MOST_TOGETHER + 1} are marked; {MOST_TOGETHER} at most are shown together" in stage.lines[-1]


async def test_where_nothing_can_be_marked_space_does_nothing() -> None:
    stage = Stage()
    async with staged(stage) as pilot:
        await pilot.press("enter", "space", "colon", *"mark", "enter")
        await stage.settle(pilot)
        assert "nothing to mark" in stage.lines[-1]


async def test_marked_hostile_names_break_nothing_at_any_size() -> None:
    stage = Stage(hostile())
    async with staged(stage) as pilot:
        await pilot.press("colon", *"mark all", "enter", "slash", "!", "a", "enter")
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await stage.settle(pilot)
            assert [len(line) <= size[0] for line in stage.lines] == [True] * size[1], size
            assert "".join(stage.lines).isprintable(), size


def test_the_line_is_as_wide_as_the_screen_and_counts_come_first() -> None:
    marks = [mark(name) for name in ("service/a", "service/b", "service/old")]
    for width in (1, 20, 60, 160):
        line = marked_line(
            marks, {"service/a"}, {"service/a", "service/b"}, left_out="the filter", hint="esc unmarks", width=width
        )
        assert cells_of(text_of(line)) == width
    assert text_of(line).rstrip() == (
        " * 3 marked, 1 hidden by the filter: service/b, 1 gone: service/old  esc unmarks"
    )


def test_the_same_marks_are_the_same_place_in_whatever_order() -> None:
    one, other = Place(Kind.HOST, "b"), Place(Kind.HOST, "a")
    assert together(Kind.LOGS, [one, other, one]) == together(Kind.LOGS, [other, one])
    assert together(Kind.LOGS, [one]) == Place(Kind.LOGS, "b", Kind.HOST)


def test_looks_with_marks_are_forgotten_last_and_never_written() -> None:
    journey = Journey(Place(Kind.PACKAGES))
    look = Look(Wanted(), marks=(mark("service/geo"),))
    journey.keep(look)
    for number in range(500):
        journey.keep(Look(top=number), Place(Kind.HOST, f"host-{number}"))
    assert journey.looks()[Place(Kind.PACKAGES)] == look
    several = Place(Kind.LOGS, "a", Kind.HOST, ("b",))
    kept = decode(
        encode(Memory(None, {Place(Kind.HOSTS): replace(look, wanted=Wanted("cpu")), several: Look(Wanted("x"))}))
    )
    assert kept.looks == {Place(Kind.HOSTS): Look(Wanted("cpu"))}


@pytest.mark.parametrize("size", [WIDE, USUAL, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_marks_look_as_they_did(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    stage = Stage()
    async with staged(stage, size) as pilot:
        for key in ("service/geo", "service/payment", "api/customer"):
            await at(stage, pilot, key)
            await pilot.press("space")
        await pilot.press("slash", *"service", "enter")
        await stage.settle(pilot)
        assert snapshot(extension_class=Pictures) == scrubbed(stage.app)
