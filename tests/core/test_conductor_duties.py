"""What the conductor has to do: nothing early, nothing by surprise, and who is not known to be healthy is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, strategies as st

from h2o_agent.conductor.duties import DUTIES, Due, Duty, HostHealth, Outlook, Reviews, dues, outlook, to_be_asked
from h2o_agent.conductor.neighbours import judged
from h2o_agent.conductor.pictured import fleet_of
from h2o_agent.skew import ClockReading, estimate
from h2o_agent.snapshot import Told
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.pb.stats_pb2 import BrokerReport, HostPicture, InstancePicture, Picture
from h2o_core.plan.intents import Restore
from h2o_core.plan.situation import Decided, decided_of

UNTIL_S = 1_769_868_000.0
HEALTHY = HostHealth(healthy=True)
SICK = HostHealth(healthy=False, why="no instance of service/echo on this host can serve")
SILENT = HostHealth(None, "its agent is not in the register")


def decided(*controls: HostControl | Traffic) -> Decided:
    documents: dict[str, bytes] = {}
    for one in controls:
        if isinstance(one, HostControl):
            documents[f"control/hosts/{one.host}"] = encode_host_control(one)
        else:
            documents[f"control/traffic/{one.package.strip('/').replace('/', '.')}"] = encode_traffic(one)
    return decided_of(7, documents)


def avoided(host: str = "host-1", until_s: float = UNTIL_S, *, owner: str = "ada", reason: str = "") -> HostControl:
    return HostControl(host, HostState.AVOID, owner, reason, since_s=1.0, until_s=until_s)


def drained(host: str = "host-2", until_s: float = UNTIL_S) -> HostControl:
    return replace(avoided(host, until_s), state=HostState.DRAIN)


SHIFTED = Traffic(
    "/service/echo", "1.0", (("1.0", 7500), ("1.1", 2500)), owner="ada", reason="canary", review_s=UNTIL_S
)


def at(now_s: float, *controls: HostControl | Traffic, **healths: HostHealth) -> Outlook:
    return outlook(dues(decided(*controls)), {name.replace("_", "-"): one for name, one in healths.items()}, now_s)


def test_an_avoid_ends_at_its_time_and_not_before():
    before = at(UNTIL_S - 0.001, avoided())
    assert (before.changes, before.remarks, before.next_s) == ((), (), UNTIL_S)
    after = at(UNTIL_S, avoided())
    assert [due.intent for due in after.changes] == [Restore(("host-1",))]
    assert after.next_s is None


def test_its_reason_names_the_document_s_time_and_whose_it_is():
    (due,) = dues(decided(avoided(reason="disk")))
    assert due.reason == "host-1 was to be avoided until 2026-01-31T14:00:00.000Z, said ada: disk"
    assert due.document == "control/hosts/host-1"


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (SICK, "it stays so, since host-2 is not healthy (no instance of service/echo on this host can serve)"),
        (SILENT, "it stays so, since host-2 does not say that it is healthy (its agent is not in the register)"),
        (None, "it stays so, since host-2 does not say that it is healthy (it has not been asked)"),
    ],
)
def test_a_drain_stays_unless_its_host_is_known_to_be_healthy(health: HostHealth | None, said: str):
    ahead = outlook(dues(decided(drained())), {} if health is None else {"host-2": health}, UNTIL_S)
    assert ahead.changes == ()
    (remark,) = ahead.remarks
    assert said in remark.sentence
    assert remark.sentence.endswith(": h2o undrain host-2, or h2o extend")
    assert (remark.duty, remark.subject, remark.since_s) == ("drain", "host-2", UNTIL_S)


def test_a_drain_of_a_healthy_host_ends():
    ahead = at(UNTIL_S + 9, drained(), host_2=HEALTHY)
    assert [due.intent for due in ahead.changes] == [Restore(("host-2",))]
    assert ahead.remarks == ()


def test_only_hosts_whose_health_decides_now_are_asked():
    found = dues(decided(avoided(), drained("host-2"), drained("host-3", UNTIL_S + 1), drained("host-4", 0.0)))
    assert to_be_asked(found, UNTIL_S) == {"host-2"}


def test_a_time_of_review_is_said_and_changes_nothing():
    assert at(UNTIL_S - 1, SHIFTED).remarks == ()
    ahead = at(UNTIL_S, SHIFTED)
    assert ahead.changes == ()
    (remark,) = ahead.remarks
    assert remark.sentence == (
        "service/echo gets 1.0 75 %, 1.1 25 % (ada), which was to be looked at again at 2026-01-31T14:00:00.000Z: "
        "h2o extend, or other weights"
    )


def test_what_has_no_end_and_what_can_t_be_read_is_never_due():
    broken = {"control/hosts/host-9": b"{", "control/traffic/service.x": b"[]"}
    documents = {**decided(avoided(until_s=0.0), replace(SHIFTED, review_s=0.0)).documents, **broken}
    assert dues(decided_of(7, documents)) == []


def test_the_end_of_time_has_a_word_and_long_reasons_an_end():
    (due,) = dues(decided(avoided(until_s=9e11, owner="a" * 1000, reason="b" * 1000)))
    assert "until the end of time, said aaa" in due.reason
    assert len(due.reason) == 600


def test_another_duty_stands_beside_these():
    @dataclass(frozen=True)
    class Later:
        name: str = "later"

        def dues(self, decided: Decided) -> list[Due]:
            return [Due(self.name, "x", "control/x", float(decided.epoch), "because")]

    duties: list[Duty] = [Later(), Reviews()]
    assert [due.duty for due in dues(decided(SHIFTED, avoided()), duties)] == ["later", "review"]
    assert [duty.name for duty in DUTIES] == ["avoid", "drain", "review"]


@given(
    st.lists(st.tuples(st.sampled_from(HostState), st.integers(0, 100)), max_size=8),
    st.dictionaries(st.integers(0, 7), st.sampled_from([HEALTHY, SICK, SILENT])),
    st.integers(0, 100),
)
def test_whatever_is_decided_each_thing_is_a_change_a_remark_or_to_come(
    controls: list[tuple[HostState, int]], healths: dict[int, HostHealth], now_s: int
):
    held = [
        replace(avoided(f"host-{n}"), state=state, since_s=0.0, until_s=float(until_s))
        for n, (state, until_s) in enumerate(controls)
    ]
    found = dues(decided(*held))
    ahead = outlook(found, {f"host-{n}": one for n, one in healths.items()}, float(now_s))
    later = [due for due in found if due.at_s > now_s]
    assert len(ahead.changes) + len(ahead.remarks) + len(later) == len(found)
    assert all(due.at_s <= now_s for due in ahead.changes)
    assert ahead.next_s == (min(due.at_s for due in later) if later else None)
    for due in ahead.changes:
        assert due.duty == "avoid" or healths[int(due.subject[5:])] is HEALTHY
        assert isinstance(due.intent, Restore)


@pytest.mark.parametrize(
    ("status", "document", "healthy", "why"),
    [
        (200, {"status": "pass"}, True, ""),
        (200, {"status": "warn"}, True, ""),
        (503, {"status": "fail", "output": "the broker\x1b is not running"}, False, "the broker? is not running"),
        (503, {"status": "fail"}, False, "its health fails"),
        (503, {"error": "no"}, None, "its agent answers with 503 and no verdict"),
        (401, {"error": "no"}, None, "its agent answers with 401 and no verdict"),
        (200, {"status": "fine"}, None, "its agent answers with 200 and no verdict"),
        (200, ["pass"], None, "its agent answers with 200 and no verdict"),
    ],
)
def test_a_neighbour_is_healthy_when_it_says_so(status: int, document: object, healthy: bool | None, why: str):
    assert judged(status, json.dumps(document).encode()) == HostHealth(healthy, why)


def test_what_is_no_json_says_nothing():
    assert judged(200, b"<html>").healthy is None


def test_the_register_s_time_is_never_said_to_be_later_than_it_is():
    ahead = estimate(ClockReading(1030.0, 50.0), ClockReading(1030.4, 50.4), 1000.1)
    assert ahead is not None
    now_s = ahead.register_s(ClockReading(1040.4, 60.4))
    assert now_s is not None
    assert 1009.9 <= now_s <= 1010.1, "this host's clock is half a minute ahead"


def test_the_fleet_as_pictured():
    told = Told(
        BrokerReport(host="host-1"),
        Picture(
            hosts=[
                HostPicture(host="host-1", zone="a", link="self"),
                HostPicture(
                    host="host-2",
                    link="up",
                    register="registered",
                    instances=[InstancePicture(instance="i", package="/service/echo", version="1", slots=4)],
                ),
                HostPicture(host="host-3", link="suspect", register="kept"),
            ]
        ),
        age_s=0.5,
    )
    fleet = fleet_of(told, decided(drained("host-2")), {"host-2": HEALTHY})
    assert {one.name: (one.alive, one.fresh, one.healthy) for one in fleet.hosts.values()} == {
        "host-1": (True, True, None),
        "host-2": (True, True, True),
        "host-3": (False, False, None),
    }
    assert [(one.id, one.ready, one.failing) for one in fleet.instances] == [("i", True, False)]
    assert fleet.versions == {"/service/echo": ("1",)}
    assert [one.failing for one in fleet_of(told, decided(), {}).instances] == [True]
    assert fleet_of(None, decided(), {}).hosts == {}
