"""The console's store and `h2o triage` make the same of the same fleet: one truth, whoever looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.counting import between
from h2o_console.cli.reported import HostCounts, counts_of
from h2o_console.cli.triage_picture import Looked, picture_of
from h2o_console.feed.answers import objects, parse_hosts, parse_instances
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.grouping import triage
from h2o_core.pb.host_pb2 import ChildReport, History, HostStats, Point, Series
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch
from tests.console.fake_fleet import FakeFleet, example
from tests.console.looks import Looks
from tests.console.test_store import Fed

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.insights.finding import Finding


def well() -> FakeFleet:
    fleet = FakeFleet(3)
    for host in fleet.hosts:
        fleet.run("service/customer", "1.0.0", host, per_s=20.0)
    return fleet


def crashing() -> FakeFleet:
    fleet = well()
    fleet.children["host-2"] = [
        ChildReport(key="service.mail-1", package="/service/mail", state="backoff", failures=7, crash_loops=True)
    ]
    return fleet


def cut_off() -> FakeFleet:
    fleet = well()
    fleet.register = dict.fromkeys(fleet.hosts, ("silent", 40.0))
    return fleet


FLEETS: dict[str, Callable[[], FakeFleet]] = {
    "the demo's": example,
    "one that is well": well,
    "one with a process that crashes": crashing,
    "one without ZooKeeper": cut_off,
}


@pytest.mark.parametrize("made", FLEETS.values(), ids=FLEETS.keys())
def test_both_find_the_same(made: Callable[[], FakeFleet]) -> None:
    fed = Fed(0)
    fed.fleet = made()
    fed.picture()
    fed.read()
    earlier = {host: fed.fleet.stats(host) for host in fed.fleet.hosts}
    for _ in range(50):
        fed.fleet.called("host-1", "api/website", "service/unheard/of", "NO_ROUTE", 2)
        fed.run(1)
    later = {host: fed.fleet.stats(host) for host in fed.fleet.hosts}
    looks = Looks(fed.store, lambda: fed.now_s, lambda: fed.fleet.now_s)
    looks.look()
    insight = fed.store.insight
    assert insight is not None
    console = [one for group in insight.news.groups for one in (group.cause, *group.symptoms)]
    groups = triage(picture_of(looked(fed, earlier, later)))
    assert named(console) == named([one for group in groups for one in (group.cause, *group.symptoms)])
    assert [group.cause.key for group in insight.news.groups] == [group.cause.key for group in groups]


def named(found: list[Finding]) -> set[tuple[object, ...]]:
    return {(one.kind, one.subject, one.severity, one.action and one.action.command) for one in found}


def looked(fed: Fed, earlier: dict[str, HostStats], later: dict[str, HostStats]) -> Looked:
    """As `h2o triage` reads it, from the same agents at the same moments."""
    before = {host: counts_of(each) for host, each in earlier.items()}
    now = {host: counts_of(each) for host, each in later.items()}
    return Looked(
        now_s=fed.fleet.now_s,
        instances=parse_instances(fed.ask("host-1", "/instances?fleet=1")),
        hosts=parse_hosts(fed.ask("host-1", "/hosts")),
        features=objects(fed.ask("host-1", "/features?fleet=1"), "features"),
        stats=later,
        unreachable={},
        earlier=before,
        counts=now,
        histories={host: history(host, before, now, fed.fleet.now_s) for host in later},
        silent_s={},
        behind_s={},
        control=None,
    )


def history(host: str, before: dict[str, HostCounts], now: dict[str, HostCounts], at_s: float) -> History:
    """What its agent would remember of the last minute."""
    sums: dict[tuple[str, str], tuple[dict[str, int], Histogram]] = {}
    for one in between({host: before[host]}, {host: now[host]}):
        assert one.tally is not None
        key = f"/{one.instance.package}", one.instance.version
        outcomes, times = sums.setdefault(key, ({}, Histogram()))
        for code, count in one.tally.outcomes.items():
            outcomes[code] = outcomes.get(code, 0) + count
        times.merge(one.tally.sketch)
    return History(
        host=host,
        as_of_s=at_s,
        series=[
            Series(kind="package", package=package, version=version, points=[point(outcomes, times, at_s)])
            for (package, version), (outcomes, times) in sums.items()
        ],
    )


def point(outcomes: dict[str, int], times: Histogram, at_s: float) -> Point:
    index, count = times.lists()
    return Point(
        t_s=at_s - 50.0,
        covered_s=50.0,
        instances=1,
        outcomes=[OutcomeCount(code=Code[code], count=count_) for code, count_ in outcomes.items()],
        processing=Sketch(index=index, count=count, zero=times.zero, sum=times.sum_ns),
    )
