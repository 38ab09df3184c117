"""What agents say of the conductor: everybody who it is, the conductor itself what it has to leave to people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from h2o_agent.conductor.conducting import Conducting
from h2o_agent.conductor.duties import Due, Remark
from h2o_agent.views import fleet, health
from h2o_agent.views.conducting import control_findings, document
from h2o_agent.views.finding import Verdict
from h2o_core.election import Leader
from h2o_core.pb.stats_pb2 import HostPicture
from tests.core.test_agent_views import NOW_S, snapshot

OF = snapshot(hosts=(HostPicture(host="host-1", link="self"), HostPicture(host="host-2", link="up")))
FOLLOWS = Conducting(leading=False, standing="waiting", leader=Leader("host-2", 7, NOW_S - 60))
LEADS = Conducting(
    leading=True,
    standing="leading",
    term=8,
    dues=(
        Due("drain", "host-2", "control/hosts/host-2", NOW_S - 9, "why it was"),
        Due("review", "service/echo", "control/traffic/service.echo", NOW_S - 8, "look"),
        Due("avoid", "host-3", "control/hosts/host-3", NOW_S + 9, "why"),
        Due("avoid", "host-4", "control/hosts/host-4", 9e11, "why"),
    ),
    remarks=(
        Remark("drain", "host-2", NOW_S - 9, "why it stays"),
        Remark("review", "service/echo", NOW_S - 8, "look"),
    ),
    next_s=NOW_S + 9,
)


def entries(conducting: Conducting) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[Any]] = health.health(replace(OF, conducting=conducting), "0").document["checks"]
    return {
        name.partition(":")[2]: [(one["componentId"], one["status"], one["severity"]) for one in each]
        for name, each in found.items()
        if name.startswith("control:")
    }


def test_who_follows_names_the_conductor():
    assert entries(FOLLOWS) == {"conductor": [("host-2", "pass", "NOTE")]}
    said = document(replace(OF, conducting=FOLLOWS))
    assert (said["leading"], said["leader"], said["term"], said["duties"]) == (False, "host-2", 7, [])


def test_the_conductor_says_what_it_leaves_to_people():
    assert entries(LEADS) == {
        "conductor": [("host-1", "pass", "NOTE")],
        "drain": [("host-2", "warn", "TICKET")],
        "review": [("service/echo", "warn", "NOTE")],
    }
    said = document(replace(OF, conducting=LEADS))
    assert [(one["subject"], one["past"], one["stays"]) for one in said["duties"]] == [
        ("host-2", True, "why it stays"),
        ("service/echo", True, "look"),
        ("host-3", False, ""),
        ("host-4", False, ""),
    ]
    assert said["duties"][3]["due"] is None, "no calendar has that year"


def test_none_of_it_counts_for_its_own_host():
    assert {finding.weight for finding in control_findings(replace(OF, conducting=LEADS))} == {Verdict.PASS}


def test_nobody_conducts_is_said_by_all_while_the_register_is_there():
    nobody = Conducting(leading=False, standing="out", drained=True)
    assert entries(nobody) == {"conductor": [("nobody", "warn", "NOTE")]}
    away = replace(OF, conducting=nobody, register_problem="ZooKeeper does not answer")
    assert [finding.output for finding in control_findings(away)] == [""], "that is said already"


def test_what_keeps_the_conductor_from_its_work_is_said():
    (finding, *_) = control_findings(replace(OF, conducting=replace(LEADS, problem="it can't be read")))
    assert (finding.verdict, finding.output) == (Verdict.WARN, "it can't be read")


def test_hosts_are_marked():
    assert OF.told is not None
    rows = fleet.hosts(replace(OF, conducting=FOLLOWS), OF.told)["hosts"]
    assert [(row["host"], row["conducts"]) for row in rows] == [("host-1", False), ("host-2", True)]
    rows = fleet.hosts(replace(OF, conducting=LEADS), OF.told)["hosts"]
    assert [(row["host"], row["conducts"]) for row in rows] == [("host-1", True), ("host-2", False)]
