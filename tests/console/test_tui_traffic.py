"""Package, Features, Callers: an hour of history, hostile traffic, every size, ways on; and one picture of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_console.rows.places import Kind, Place
from tests.console.pictures import Pictures, scrubbed
from tests.console.test_tui_screens import NARROW, USUAL, WIDE, Stage, staged
from tests.console.traffic_fleet import Historian, busy, history, hostile_history, hostile_traffic

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PACKAGE = Place(Kind.PACKAGE, "api/customer")
PLACES = (
    PACKAGE,
    Place(Kind.FEATURES),
    Place(Kind.FEATURE, "api/customer/retrieve"),
    Place(Kind.CALLERS),
    Place(Kind.CALLS, "api/customer"),
)


def stage(*, ascii_only: bool = False) -> Stage:
    made = Stage(busy(), ascii_only=ascii_only)
    made.session.poller = Historian({name: history(name, gap=True) for name in ("host-1", "host-2")})
    return made


async def test_the_history_of_a_package_is_asked_for_once_it_is_opened_and_what_is_missing_is_named() -> None:
    made = stage()
    historian = made.session.poller
    assert isinstance(historian, Historian)
    async with staged(made, (160, 60)) as pilot:
        assert not historian.asked
        await made.go(pilot, PACKAGE)
        await made.settle(pilot)
        assert "last 60 min, 10 s each, without host-3" in made.text
        assert "2.4.0  req/s" in made.text
        assert "01:40:00" in made.text, "when it begins, and when it ends"
        assert "02:40:00 UTC" in made.text
        assert {host for host, _ in historian.asked} == {"host-1", "host-2", "host-3"}
        assert "resolution=10s&since=1769996400&kind=package&package=api/customer" in historian.asked[0][1]
        count = len(historian.asked)
        for _ in range(11):
            await made.settle(pilot)
        later = dict(historian.asked[count:])
        assert "&since=1770000000&" in later["host-1"], "only what has come since"
        assert "&since=1769996400&" in later["host-3"], "all of it: nothing has come yet"


async def test_a_host_s_hour_is_all_that_runs_there_and_its_processor() -> None:
    made = stage()
    async with staged(made, (160, 60)) as pilot:
        await made.go(pilot, Place(Kind.HOST, "host-1"))
        await made.settle(pilot)
        historian = made.session.poller
        assert isinstance(historian, Historian)
        assert historian.asked[0] == ("host-1", "/history?resolution=10s&since=1769996400")
        for words in ("HISTORY: last 60 min, 10 s each", "req/s", "p95 ms", "ERR %", "CPU %"):
            assert words in made.text


async def test_what_was_changed_at_ten_past_two_is_answered_on_the_graph() -> None:
    made = stage()
    async with staged(made, (160, 80)) as pilot:
        await made.go(pilot, PACKAGE)
        await made.settle(pilot)
        assert ["2", "1"] * 3 in [line.split() for line in made.lines]
        legend = [line.strip() for line in made.lines if line.lstrip()[:4] in {"1 02", "2 02", "3 02"}]
        assert legend == [
            "1 02:29:50 ada: api/customer: 2.3.9 50% → 10%, 2.4.0 50% → 90% (looks good)",
            "2 02:10:50 eva: api/customer: 2.3.9 100% → 50%, 2.4.0 0% → 50%",
            "2 02:10:45 bob: drains host-3 until 03:00 (INC-512)",
        ]
        await made.go(pilot, Place(Kind.HOST, "host-3"))
        await made.settle(pilot)
        assert "1 02:10:45 bob: drains host-3 until 03:00 (INC-512)" in made.text
        assert "eva" not in made.text


async def test_a_key_looks_further_back_in_coarser_steps() -> None:
    made = stage()
    historian = made.session.poller
    assert isinstance(historian, Historian)
    async with staged(made, (160, 80)) as pilot:
        await made.go(pilot, PACKAGE)
        historian.histories = {name: history(name, slot_s=60) for name in ("host-1", "host-2")}
        await pilot.press("t")
        await made.settle(pilot)
        assert "last 6 h, 60 s each, without host-3" in made.text
        assert any("resolution=60s&since=1769978400" in path for _, path in historian.asked)
        historian.histories = {name: history(name, slot_s=600, slots=1008) for name in ("host-1", "host-2")}
        await pilot.press("colon", *"window 7d", "enter")
        await made.settle(pilot)
        assert "last 7 days, 10 min each" in made.text
        assert "01-26 02:40" in made.text, "another day has its date"
        await pilot.press("colon", *"window 2h", "enter")
        await pilot.pause()
        assert "graphs go back 1h, 6h, 24h, 7d" in made.text
        historian.histories = {}
        await pilot.press("t")
        await made.settle(pilot)
        assert "no host tells its history" in made.text, "nothing of another span stays"
        assert made.session.span.name == "1h"


async def test_without_a_feed_the_rest_of_the_screen_is_there() -> None:
    made = Stage(busy())
    async with staged(made, (160, 60)) as pilot:
        await made.go(pilot, PACKAGE)
        for words in ("asking its hosts…", "VERSIONS", "2 ready, 1 backoff", "FEATURES × VERSIONS", "HOSTS (3)"):
            assert words in made.text


async def test_lines_open_what_they_name() -> None:
    made = stage()
    async with staged(made, (160, 80)) as pilot:
        await made.go(pilot, PACKAGE)
        for key, place in (
            ("version:2.4.0", Place(Kind.INSTANCES, "api/customer")),
            ("feature:2.4.0:api/customer/retrieve", Place(Kind.FEATURE, "api/customer/retrieve")),
            ("host:host-2", Place(Kind.HOST, "host-2")),
            ("call:operator 1.0.0 api/customer/retrieve", Place(Kind.CALLS, "api/customer")),
            (f"change:{41:016x}", Place(Kind.ENTRY, f"{41:016x}")),
        ):
            made.app.frame.list.select(key)
            await pilot.press("enter")
            await made.settle(pilot)
            assert made.place == place
            await pilot.press("escape")
            await made.settle(pilot)
        assert made.place == PACKAGE


async def test_what_happened_is_told_with_its_age() -> None:
    made = stage()
    async with staged(made, (160, 80)) as pilot:
        await made.go(pilot, PACKAGE)
        assert "41s ago  an instance ended: signal 9, 3 times in a row (2.4.0 on host-3)" in made.text
        assert "came (2.4.0 on host-3)" in made.text


async def test_features_are_listed_and_opened_in_full() -> None:
    made = stage()
    async with staged(made, (120, 30)) as pilot:
        await pilot.press("colon", *"features", "enter")
        await made.settle(pilot)
        assert made.lines[3].startswith("! api/customer/retrieve")
        await pilot.press("enter")
        await made.settle(pilot)
        assert made.place == Place(Kind.FEATURE, "api/customer/retrieve")
        for words in (
            "because of api/customer 2.4.0: does not keep its promise: p95 402 ms, promised 120",
            "CALLERS",
            "operator",
            "LAST ERROR",
        ):
            assert words in made.text
        await pilot.press("escape", "colon", *"features payment", "enter")
        await made.settle(pilot)
        assert made.place == Place(Kind.FEATURES, "service/payment")
        assert "1 feature" in made.text


async def test_callers_lead_to_the_tree_and_through_it() -> None:
    made = stage()
    async with staged(made, (120, 30)) as pilot:
        await pilot.press("colon", *"callers", "enter")
        await made.settle(pilot)
        assert "! orchestration/registration" in made.text
        assert "904 calls" in made.text
        made.app.frame.list.select("api/customer 1.0.0 service/payment/charge")
        await pilot.press("enter")
        await made.settle(pilot)
        assert made.place == Place(Kind.CALLS, "service/payment")
        tree = [line.split("  ")[1].strip() or line.strip() for line in made.lines if "└" in line or "├" in line]
        assert len(tree) >= 4
        made.app.frame.list.select("up:service/payment>api/customer")
        await pilot.press("enter")
        await made.settle(pilot)
        assert made.place == Place(Kind.CALLS, "api/customer")


async def test_violations_of_the_tiers_are_counted_over_the_tree_and_lead_to_the_finding() -> None:
    made = stage()
    async with staged(made, (120, 40)) as pilot:
        await made.go(pilot, Place(Kind.CALLS, "service/payment"))
        assert "AGAINST THE TIERS, last60s (3)" in made.text
        listed = [line.strip() for line in made.lines if line.startswith("  ! ")]
        assert listed[0].startswith(
            "! service/payment → service/ledger  8,200 calls against the tiers: service may not"
        )
        assert listed[1].startswith("! orchestration/registration → api/customer  904 calls")
        await pilot.press("g", "enter")
        await made.settle(pilot)
        assert made.place.kind is Kind.FINDING
        assert made.place.crumb == "service/payment → service/ledger"


@pytest.mark.parametrize("size", [(200, 60), (100, 30), (60, 20), (39, 20), (30, 8), (12, 3), (1, 1)])
@pytest.mark.parametrize("fleet", [busy, hostile_traffic], ids=["busy", "hostile"])
async def test_every_size_is_survived_and_everything_is_inert(fleet: type, size: tuple[int, int]) -> None:
    made = Stage(fleet())
    first = next(iter(made.fleet.packages))
    feature = made.fleet.packages[first].features[0].feature
    made.session.poller = Historian({name: hostile_history(name, first) for name in made.fleet.hosts})
    places = (*(Place(kind, first) for kind in (Kind.PACKAGE, Kind.CALLS)), Place(Kind.FEATURE, feature))
    async with staged(made, size) as pilot:
        for place in (*places, Place(Kind.FEATURES), Place(Kind.CALLERS)):
            await made.go(pilot, place)
            await made.settle(pilot)
            assert all(line.isprintable() for line in made.lines)
            assert all(len(line) <= size[0] for line in made.lines if line.isascii())
            await pilot.press("G", "enter", "escape")
        assert made.app.is_running


async def test_ascii_is_ascii() -> None:
    made = stage(ascii_only=True)
    async with staged(made, (120, 60)) as pilot:
        for place in PLACES:
            await made.go(pilot, place)
            await made.settle(pilot)
            assert made.text.isascii(), place


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.kind.value)
@pytest.mark.parametrize("size", [WIDE, USUAL, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_it_looks_as_it_did(place: Place, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    made = stage()
    async with staged(made, size) as pilot:
        await made.go(pilot, place)
        await made.settle(pilot)
        assert snapshot(extension_class=Pictures) == scrubbed(made.app)


async def test_a_tall_package_screen_looks_as_it_did(snapshot: SnapshotAssertion) -> None:
    made = stage()
    async with staged(made, (160, 70)) as pilot:
        await made.go(pilot, PACKAGE)
        await made.settle(pilot)
        assert snapshot(extension_class=Pictures) == scrubbed(made.app)
