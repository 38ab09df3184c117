"""docs/http.md shows what the agent answers: every path, and examples with the fields that there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.routing import Route

from h2o_agent.conductor.conducting import Conducting
from h2o_agent.conductor.duties import Due, Remark
from h2o_agent.http.app import build
from h2o_agent.launch import Launch
from h2o_agent.logs.shelf import Shelf
from h2o_agent.views import children, conducting, control, drain, fleet, health, history, instances, stats
from h2o_core.audit import Author, Edit, Entry, encode_entry
from h2o_core.election import Leader
from h2o_core.limits import Limits
from h2o_core.pb.host_pb2 import History, Point, Series, Vitals
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.registration_pb2 import Check
from h2o_core.pb.stats_pb2 import (
    ArmReport,
    ArmSample,
    AssignmentReport,
    CallerReport,
    CallerShare,
    DrainedInstance,
    DrainReport,
    ExperimentReport,
    FeatureStats,
    HostControlReport,
    HostPicture,
    KeyGroups,
    LateSender,
    LocalCaller,
    PeerReport,
    PoolReport,
    QueueReport,
    RegisterReport,
    RetryReport,
)
from h2o_core.verdicts import Guard, Verdict
from tests.core.test_agent_views import ALARM, DEAD, NOW_S, check, child, pictured, reported, snapshot

PAGE = Path(__file__).parents[2] / "docs" / "http.md"


class Nowhere:
    """A source that is never asked."""

    snapshot = refresh = answer = explain = look = make = read = change = note = now_s = known = problem = cast(
        "Any", None
    )
    fleet = "test"


def shape(document: Any) -> Any:
    """Names and nesting; of a list that of its elements together."""
    if isinstance(document, dict):
        fields = cast("dict[str, Any]", document)
        by_name = {"labels", "outcomes", "counters"}  # their keys are data
        return {key: None if key in by_name else shape(value) for key, value in fields.items()}
    if isinstance(document, list):
        merged: dict[str, Any] = {}
        for shaped in map(shape, cast("list[Any]", document)):
            merged |= shaped or {}
        return merged
    return None


def example(heading: str, at: int = 0) -> Any:
    """The JSON below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[at])


LIMITS = Limits(nofile=4096, memory_mib=512)
LAUNCH = Launch("service.customer-98629a-1", "service/customer", ("python3",), {}, "", "service.customer.log", LIMITS)
OF = snapshot(
    reported(heartbeat=check(Check.PASS, Check.PAGE), features=[FeatureStats(feature="/service/customer/retrieve")]),
    children=(child(launch=LAUNCH, exited=True, last_exit=1, last_exit_s=NOW_S), DEAD),
    hosts=(HostPicture(host="host-1", instances=[pictured("i1")]), HostPicture(host="host-2", link="up")),
    manifests=[Manifest(package="/service/customer", version="1.0", features=[Feature(name="/service/customer/x")])],
    callers=[CallerReport(caller="operator", feature="/service/customer/retrieve")],
    experiments=[
        ExperimentReport(package="/service/customer", arms=[ArmReport(sticky=ArmSample(groups=KeyGroups(ended=[1])))])
    ],
    assignments=[AssignmentReport(package="/service/customer", version="1.0", how="sticky", count=1)],
    queues=[QueueReport(package="/service/customer", version="1.0", callers=[CallerShare(caller="/api/web")])],
    retries=[RetryReport(caller="/api/web", package="/service/customer")],
    pools=[PoolReport(package="/service/customer", version="1.0")],
    peers=[PeerReport(host="host-2")],
    register=RegisterReport(state="connected", alarms=[ALARM]),
)
DRAINED = snapshot(
    control=HostControlReport(state="drain"),
    drain=DrainReport(instances=[DrainedInstance()], callers=[LocalCaller()], senders=[LateSender()]),
)
assert OF.told is not None
assert DRAINED.told is not None
CONDUCTING = Conducting(
    leading=True,
    standing="leading",
    leader=Leader("host-1", 17, NOW_S),
    term=17,
    dues=(Due("drain", "host-2", "control/hosts/host-2", NOW_S, "why"),),
    remarks=(Remark("drain", "host-2", NOW_S, "why it stays"),),
    next_s=NOW_S + 1,
)
ENTRY = Entry(
    41,
    "5f" * 8,
    NOW_S,
    Author("ada", "h2o drain", "why"),
    (Edit("control/hosts/host-9", None, b"{}"),),
    guards=(Guard("capacity", Verdict.PASSED, "well"),),
)
KNOWN = control.Known(
    41,
    {"control/fleet": b"{}", "control/hosts/host-9": b"{}"},
    entries=(control.kept("audit/2026-11-28/41", encode_entry(ENTRY)),),
)
PAST = History(
    series=[
        Series(kind="host", points=[Point(t_s=NOW_S, vitals=Vitals())]),
        Series(kind="package", points=[Point(t_s=NOW_S)]),
    ]
)


@pytest.mark.parametrize(
    ("heading", "document"),
    [
        ("/instances", instances.instances(OF, OF.told, fleet=True)),
        ("/features", fleet.features(OF, OF.told, fleet=False)),
        ("/hosts", fleet.hosts(OF, OF.told)),
        ("/stats", stats.stats(OF, OF.told)),
        ("/history", history.document(PAST)),
        ("/conductor", conducting.document(replace(OF, conducting=CONDUCTING))),
        ("/control", control.document(OF, KNOWN, control.Wanted())),
        ("/drain", drain.document(DRAINED, DRAINED.told, {}, 1)),
        ("/children/\\<child>", children.detail(OF, OF.children[0])),
    ],
)
def test_the_example_has_the_fields_of_the_answer(heading: str, document: Any):
    assert shape(example(heading)) == shape(document)


def test_the_health_examples_have_the_fields_of_the_answer():
    failing = snapshot(OF.told.report.instances[0] if OF.told else reported(), children=(child(),), broker=None)
    assert set(example("/health")) == set(health.health(failing, "0").document)
    written = {key for entries in example("/health")["checks"].values() for entry in entries for key in entry}
    rendered = {
        key for entries in health.health(OF, "0").document["checks"].values() for entry in entries for key in entry
    }
    assert written == rendered
    healthy = health.package_health(snapshot(reported()), "service/customer", "0")
    assert healthy is not None
    assert set(example("/health/\\<tier>/\\<service>")) == set(healthy.document)


def test_every_path_is_documented():
    nowhere = Nowhere()
    app = build(
        nowhere,
        "0",
        Shelf(Path("nowhere"), "host-1", "0"),
        past=nowhere,
        broker=nowhere,
        caller=nowhere,
        registrar=nowhere,
        decided=nowhere,
    )
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    text = PAGE.read_text()
    for path in paths:
        shown = path.replace("{package:path}", "<tier>/<service>").replace("/{check}", "").replace("{child}", "<child>")
        assert f"`{shown}`" in text, path
