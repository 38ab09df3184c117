"""What the agent answers, from what it knows: tables of snapshots and the JSON that they become."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from h2o_agent.launch import launches
from h2o_agent.lifecycle import State
from h2o_agent.snapshot import LOST_S, STALE_S, ChildStatus, Snapshot, Told
from h2o_agent.views import fleet, health, instances, probes, stats
from h2o_agent.views.health import Verdict
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.hostfile import HostFile, InstanceSpec
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.registration_pb2 import Check, Heartbeat
from h2o_core.pb.stats_pb2 import (
    Alarm,
    AssignmentReport,
    BrokerReport,
    CallerReport,
    CallerShare,
    FeatureStats,
    HostPicture,
    InstancePicture,
    InstanceReport,
    OutcomeCount,
    PeerReport,
    Picture,
    PoolReport,
    QueueReport,
    RegisterReport,
    Sketch,
)

NOW_S = 1_769_868_000.0
NOW = "2026-01-31T14:00:00.000Z"
CUSTOMER = "service/customer"


def reported(instance_id: str = "i1", **more: Any) -> InstanceReport:
    values: dict[str, Any] = {
        "instance": instance_id,
        "package": "/service/customer",
        "version": "1.0",
        "pid": 42,
        "launch": "token-1",
        "slots": 4,
        "started_s": NOW_S - 60,
        "state": "ready",
        "pong_age_ms": 120.0,
        "heartbeat_age_ms": 500.0,
        **more,
    }
    return InstanceReport(**values)


def pictured(instance_id: str, **more: Any) -> InstancePicture:
    values: dict[str, Any] = {
        "instance": instance_id,
        "package": "/service/customer",
        "version": "1.0",
        "slots": 4,
        "started_s": NOW_S - 60,
        "routable": True,
        **more,
    }
    return InstancePicture(**values)


def child(key: str = "service.customer-abc123-1", state: State = State.RUNNING, **more: Any) -> ChildStatus:
    values: dict[str, Any] = {"package": CUSTOMER, "token": "token-1", "pid": 42, "started_s": NOW_S - 61, **more}
    return ChildStatus(key, state=state, **values)


ALARM = Alarm(kind="document", path="/h2o/test/control/fleet", since_s=NOW_S - 60, sentence="not JSON: it is torn")
BROKER = ChildStatus("broker", "", State.RUNNING, token="b", pid=7)
DEAD = child(state=State.BACKOFF, token="", pid=0, started_s=0.0, failures=4, exited=True, last_exit=1, due_in_s=3.25)


_REPORTED = (
    *("assignments", "experiments", "queues", "pools", "retries", "peers", "callers", "counters"),
    *("control", "drain", "unapplied", "epoch"),
)


def snapshot(
    *reports: InstanceReport,
    children: tuple[ChildStatus, ...] = (),
    hosts: tuple[HostPicture, ...] = (),
    age_s: float = 0.0,
    **more: Any,
) -> Snapshot:
    report = BrokerReport(
        host="host-1",
        fleet="test",
        zone="a",
        incarnation=0xBEEF,
        now_s=NOW_S,
        started_s=NOW_S - 100,
        pid=7,
        register=more.pop("register", RegisterReport(state="connected")),
        instances=reports,
        **{key: more.pop(key) for key in _REPORTED if key in more},
    )
    picture = Picture(version=1, as_of_s=NOW_S, hosts=hosts, manifests=more.pop("manifests", ()))
    values: dict[str, Any] = {
        "host": "host-1",
        "fleet": "test",
        "zone": "a",
        "now_s": NOW_S,
        "told": Told(report, picture, age_s),
        "broker": BROKER,
        "children": children,
        **more,
    }
    return Snapshot(**values)


def listed(of: Snapshot, *, whole: bool = False) -> list[dict[str, Any]]:
    assert of.told is not None
    document = instances.instances(of, of.told, fleet=whole)
    json.dumps(document, allow_nan=False)
    return document["instances"]


def test_every_answer_says_whose_it_is_and_how_old():
    of = snapshot(age_s=4.56)
    assert of.told is not None
    assert instances.instances(of, of.told, fleet=False) == {
        "schema": 1,
        "fleet": "test",
        "host": "host-1",
        "as_of": NOW,
        "report_age_s": 4.6,
        "picture_age_s": 4.6,
        "register": {"state": "connected", "silent_s": 0.0, "from_file": False, "alarms": 0},
        "instances": [],
    }


def test_a_picture_that_never_came_has_no_age():
    of = snapshot(register=RegisterReport(state="connecting", silent_s=2.34, picture_age_s=-1))
    assert of.told is not None
    document = instances.instances(of, of.told, fleet=False)
    assert document["picture_age_s"] is None
    assert document["register"] == {"state": "connecting", "silent_s": 2.3, "from_file": False, "alarms": 0}


def test_an_instance_of_ours():
    here = HostPicture(host="host-1", instances=[pictured("i1")])
    of = snapshot(reported(in_flight=3), children=(child(restarts=2),), hosts=(here,))
    assert listed(of) == [
        {
            "id": "i1",
            "package": "service/customer",
            "version": "1.0",
            "host": "host-1",
            "zone": "a",
            "state": "ready",
            "routable": True,
            "why": "",
            "slots": 4,
            "in_flight": 3,
            "queued": 0,
            "started": "2026-01-31T13:59:00.000Z",
            "pid": 42,
            "launch": "service.customer-abc123-1",
            "restarts": 2,
        }
    ]


def test_an_instance_started_by_hand_is_marked_so():
    (row,) = listed(snapshot(reported(launch="")))
    assert (row["launch"], row["restarts"], row["routable"]) == ("", None, True)


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        (child(state=State.WAITING, pid=0), "starting", "it waits for the broker"),
        (child(state=State.STARTING, age_s=2.04), "starting", "it runs, but has not been registered for 2.0 s"),
        (
            child(state=State.STARTING, age_s=2.0, failures=1, last_exit=-9),
            "starting",
            "it runs, but has not been registered for 2.0 s; started again after signal 9",
        ),
        (
            child(state=State.BACKOFF, failures=2, last_exit=1, due_in_s=0.5),
            "backoff",
            "exit code 1, 2 times in a row; again in 0.5 s",
        ),
        (
            replace(DEAD, crash_loops=True),
            "backoff",
            "crash loop: exit code 1, 4 times in a row; again in 3.2 s",
        ),
        (
            child(state=State.BACKOFF, failures=1, last_exit=1, due_in_s=0.5, why="no store"),
            "backoff",
            "exit code 1 (no store); again in 0.5 s",
        ),
        (
            child(state=State.FAILED, why="x: No such file", due_in_s=30.0),
            "backoff",
            "it can't be started: x: No such file; again in 30.0 s",
        ),
        (child(state=State.DRAINING, age_s=1.0), "leaving", "told to leave 1.0 s ago"),
    ],
)
def test_a_child_that_is_not_registered_appears_with_the_reason(status: ChildStatus, state: str, why: str):
    (row,) = listed(snapshot(children=(status,)))
    assert (row["id"], row["package"], row["state"], row["routable"]) == ("", CUSTOMER, state, False)
    assert row["why"] == why


def test_a_registered_child_appears_once_and_a_hand_started_one_hides_none():
    of = snapshot(
        reported("i1"),
        reported("i2", launch=""),
        children=(child(), child("service.customer-abc123-2", State.STARTING, token="token-2")),
    )
    assert [(row["id"], row["launch"]) for row in listed(of)] == [
        ("", "service.customer-abc123-2"),
        ("i1", "service.customer-abc123-1"),
        ("i2", ""),
    ]


@pytest.mark.parametrize(
    ("report", "picture", "why", "routable"),
    [
        (
            reported(state="suspect", pong_age_ms=1234.0),
            pictured("i1", routable=False),
            "not answered for 1.2 s",
            False,
        ),
        (reported(), pictured("i1", routable=False, why="new version, no traffic"), "new version, no traffic", False),
        (reported(state="leaving"), None, "", False),
    ],
)
def test_why_an_instance_gets_no_traffic(
    report: InstanceReport, picture: InstancePicture | None, why: str, routable: bool
):
    here = HostPicture(host="host-1", instances=[picture] if picture else [])
    (row,) = listed(snapshot(report, hosts=(here,)))
    assert row["routable"] is routable
    assert why in row["why"]


def test_the_fleet_shows_others_as_their_broker_vouches_for_them():
    others = (
        HostPicture(host="host-1", link="self", instances=[pictured("i1")]),
        HostPicture(host="host-2", zone="b", link="up", instances=[pictured("i2", routable=False, why="held")]),
        HostPicture(host="host-3", link="suspect", instances=[pictured("i3", routable=False, why="link")]),
        HostPicture(host="host-4", link="connecting", instances=[pictured("i4", routable=False)]),
    )
    rows = listed(snapshot(reported("i1", in_flight=1), hosts=others), whole=True)
    assert [(row["id"], row["host"], row["state"], row["in_flight"], row["pid"]) for row in rows] == [
        ("i1", "host-1", "ready", 1, 42),
        ("i2", "host-2", "ready", None, None),
        ("i3", "host-3", "suspect", None, None),
        ("i4", "host-4", "unknown", None, None),
    ]
    assert rows[1]["zone"] == "b"


def test_the_shares_of_a_queue_add_up_to_it():
    queue = QueueReport(package="/service/customer", version="1.0", queued=7, capacity=24)
    of = snapshot(reported("i1"), reported("i2"), reported("i3"), reported("i4", version="2.0"), queues=[queue])
    assert [row["queued"] for row in listed(of)] == [3, 2, 2, 0]


def test_features_of_the_host_and_of_the_fleet():
    retrieve = Feature(
        name="/service/customer/retrieve",
        request_type="c.Id",
        reply_type="c.Customer",
        idempotent=True,
        mean_ms=5,
        upper95_ms=20,
    )
    send = Feature(name="/service/email/send", request_type="e.Mail", reply_type="e.Sent")
    manifests = [
        Manifest(package="/service/customer", version="1.0", features=[retrieve]),
        Manifest(package="/service/email", version="3", features=[send]),
    ]
    of = snapshot(reported(), manifests=manifests)
    assert of.told is not None
    (row,) = fleet.features(of, of.told, fleet=False)["features"]
    assert row == {
        "name": "service/customer/retrieve",
        "package": "service/customer",
        "version": "1.0",
        "request_type": "c.Id",
        "reply_type": "c.Customer",
        "idempotent": True,
        "mean_ms": 5.0,
        "upper95_ms": 20.0,
    }
    both = fleet.features(of, of.told, fleet=True)["features"]
    assert [row["name"] for row in both] == ["service/customer/retrieve", "service/email/send"]


def test_hosts_are_the_broker_s_and_those_whose_agent_alone_is_there():
    pictures = (
        HostPicture(host="host-1", zone="a", address="127.0.0.1:1", incarnation=255, link="self"),
        HostPicture(host="host-2", zone="b", address="127.0.0.1:2", link="up", labels={"disk": "ssd"}),
    )
    agents = {"host-1": "127.0.0.1:8101", "host-3": "127.0.0.1:8103"}
    of = snapshot(hosts=pictures, peers=[PeerReport(host="host-2", rtt_ms=0.4219)], agents=agents)
    assert of.told is not None
    first, second, third = fleet.hosts(of, of.told)["hosts"]
    assert first == {
        "host": "host-1",
        "zone": "a",
        "address": "127.0.0.1:1",
        "incarnation": "00000000000000ff",
        "link": "self",
        "why": "",
        "register": None,
        "rtt_ms": None,
        "agent": "127.0.0.1:8101",
        "instances": 0,
        "labels": {},
        "conducts": False,
    }
    assert (second["rtt_ms"], second["agent"], second["labels"]) == (0.422, None, {"disk": "ssd"})
    assert (third["host"], third["link"], third["agent"]) == ("host-3", "absent", "127.0.0.1:8103")


def test_stats_are_raw_counters_with_quantiles():
    times = Histogram()
    for _ in range(100):
        times.record(5_000_000)
    index, count = times.lists()
    sketch = Sketch(index=index, count=count, zero=0, sum=times.sum_ns)
    outcomes = [
        OutcomeCount(code=code, count=number)
        for code, number in ((Code.OK, 90), (Code.TIMEOUT, 4), (Code.APPLICATION, 3), (Code.BAD_REQUEST, 2), (99, 1))
    ]
    retrieve = FeatureStats(
        feature="/service/customer/retrieve",
        outcomes=outcomes,
        processing=sketch,
        last_error="boom",
        last_error_time_s=NOW_S,
    )
    caller = CallerReport(caller="/api/customer", version="1", feature="/service/customer/retrieve", outcomes=outcomes)
    of = snapshot(
        reported(features=[retrieve]),
        callers=[caller],
        assignments=[
            AssignmentReport(package="/service/customer", version="1.0", how="fallback", broken=True, count=4)
        ],
        queues=[
            QueueReport(
                package="/service/customer",
                version="1.0",
                queued=2,
                capacity=8,
                over_s=10,
                callers=[CallerShare(caller="/api/web", started=9, refused=1, waiting=2)],
            )
        ],
        pools=[PoolReport(package="/service/customer", version="1.0", healthy=1, total=3, panic=True, panics=2)],
        peers=[PeerReport(host="host-2", state="up", incarnation=1, pong_age_ms=-1)],
        counters={"late_answers": 3},
    )
    assert of.told is not None
    document = stats.stats(of, of.told)
    json.dumps(document, allow_nan=False)
    (instance,) = document["instances"]
    assert (instance["name"], instance["id"], instance["queued"]) == ("service/customer", "i1", 2)
    (endpoint,) = instance["endpoints"]
    assert endpoint["name"] == "service/customer/retrieve"
    assert (endpoint["num_requests"], endpoint["num_errors"], endpoint["num_application_errors"]) == (100, 4, 3)
    assert endpoint["outcomes"] == {"OK": 90, "TIMEOUT": 4, "APPLICATION": 3, "BAD_REQUEST": 2, "99": 1}
    assert (endpoint["last_error"], endpoint["last_error_time"]) == ("boom", NOW)
    assert (endpoint["processing_time"], endpoint["average_processing_time"]) == (500_000_000, 5_000_000)
    assert endpoint["p50_ms"] == pytest.approx(5, rel=0.011)
    assert endpoint["p99_ms"] == endpoint["p95_ms"] == endpoint["p50_ms"]
    assert endpoint["sketch"] == {"index": index, "count": [100], "zero": 0, "sum": 500_000_000}
    assert (document["callers"][0]["caller"], document["callers"][0]["p50_ms"]) == ("api/customer", None)
    assert document["assignments"] == [
        {"package": "service/customer", "version": "1.0", "how": "fallback", "broken": True, "count": 4}
    ]
    assert document["queues"] == [
        {
            "package": "service/customer",
            "version": "1.0",
            "queued": 2,
            "capacity": 8,
            "over_s": 10,
            "callers": [{"caller": "api/web", "started": 9, "refused": 1, "waiting": 2}],
        }
    ]
    pool = {"package": "service/customer", "version": "1.0", "healthy": 1, "total": 3, "panic": True, "panics": 2}
    assert document["pools"] == [pool]
    assert (document["peers"][0]["rtt_ms"], document["peers"][0]["pong_age_ms"]) == (None, None)
    assert document["counters"] == {"late_answers": 3}
    assert document["broker"] == {
        "incarnation": "000000000000beef",
        "started": "2026-01-31T13:58:20.000Z",
        "pid": 7,
        "restarts": 0,
    }


def test_a_crooked_sketch_does_not_cost_the_answer():
    crooked = FeatureStats(feature="/service/customer/x", processing=Sketch(index=[1, 2, 3], count=[5]))
    of = snapshot(reported(features=[crooked]))
    assert of.told is not None
    assert stats.stats(of, of.told)["instances"][0]["endpoints"][0]["num_requests"] == 0


def check(status: Check.Status, severity: Check.Severity, output: str = "the store is gone") -> Heartbeat:
    said = Check(name="store", status=status, severity=severity, output=output, observed=1.5, unit="s", time_s=NOW_S)
    return Heartbeat(checks=[said])


@pytest.mark.parametrize(
    ("of", "verdict", "says"),
    [
        (snapshot(reported(), children=(child(),)), Verdict.PASS, ""),
        (snapshot(children=(DEAD,)), Verdict.FAIL, "no instance of service/customer on this host can serve"),
        (snapshot(reported(), children=(child(), replace(DEAD, key="two"))), Verdict.WARN, ""),
        (snapshot(children=(child(state=State.STARTING),)), Verdict.FAIL, "no instance of service/customer"),
        (snapshot(reported(state="suspect")), Verdict.FAIL, "no instance of service/customer"),
        (snapshot(reported(), reported("i2", state="suspect", launch="")), Verdict.WARN, ""),
        (
            snapshot(reported(verdict="ejected", verdict_why="ejected: 5 requests in a row failed")),
            Verdict.FAIL,
            "no instance of service/customer",
        ),
        (snapshot(reported(verdict="probing")), Verdict.WARN, ""),
        (
            snapshot(reported(), pools=[PoolReport(package="/service/customer", version="1.0", panic=True)]),
            Verdict.WARN,
            "",
        ),
        (snapshot(reported(heartbeat_age_ms=9000.0)), Verdict.WARN, ""),
        (snapshot(reported(heartbeat_age_ms=-1.0)), Verdict.WARN, ""),
        (snapshot(reported(in_flight=4)), Verdict.WARN, ""),
        (snapshot(reported(heartbeat=check(Check.FAIL, Check.PAGE))), Verdict.FAIL, "no instance of service/customer"),
        (snapshot(reported(heartbeat=check(Check.FAIL, Check.TICKET))), Verdict.WARN, ""),
        (snapshot(reported(heartbeat=check(Check.FAIL, Check.NOTE))), Verdict.PASS, ""),
        (snapshot(reported(heartbeat=check(Check.WARN, Check.PAGE))), Verdict.WARN, ""),
        (snapshot(register=RegisterReport(state="silent", silent_s=30)), Verdict.WARN, ""),
        (snapshot(register=RegisterReport(state="connected", picture_age_s=-1)), Verdict.WARN, ""),
        (snapshot(register=RegisterReport(state="connected", alarms=[ALARM])), Verdict.WARN, ""),
        (snapshot(register_problem="ZooKeeper does not answer"), Verdict.WARN, ""),
        (snapshot(peers=[PeerReport(host="host-2", state="refused", why="another secret")]), Verdict.WARN, ""),
        (snapshot(peers=[PeerReport(host="host-2", state="suspect")]), Verdict.PASS, ""),
        (snapshot(age_s=STALE_S), Verdict.WARN, ""),
        (snapshot(age_s=LOST_S), Verdict.FAIL, "has not answered for 10 s"),
        (snapshot(told=None), Verdict.FAIL, "does not answer yet"),
        (snapshot(broker=replace(BROKER, pid=8)), Verdict.FAIL, "does not answer yet"),
        (
            snapshot(broker=replace(BROKER, pid=0, state=State.BACKOFF, last_exit=2, due_in_s=1.0, failures=1)),
            Verdict.FAIL,
            "the broker is not running: exit code 2; again in 1.0 s",
        ),
        (snapshot(broker=None), Verdict.FAIL, "the broker has left"),
        (snapshot(), Verdict.PASS, ""),
    ],
)
def test_the_host_s_verdict(of: Snapshot, verdict: Verdict, says: str):
    judged = health.health(of, "0.1.0")
    json.dumps(judged.document, allow_nan=False)
    assert judged.verdict is verdict
    assert judged.document["status"] == verdict.name.lower()
    assert says in judged.document.get("output", "")
    assert bool(says) is ("output" in judged.document)


def test_what_is_wrong_with_the_register_has_an_entry_each():
    register = RegisterReport(
        state="silent", silent_s=8.04, picture_age_s=90.0, from_file=True, alarms=[ALARM], alarms_left_out=3
    )
    of = snapshot(register=register)
    checks = health.health(of, "0.1.0").document["checks"]
    assert checks["register:document"] == [
        {
            "componentId": "/h2o/test/control/fleet",
            "componentType": "datastore",
            "status": "warn",
            "time": "2026-01-31T13:59:00.000Z",
            "output": "not JSON: it is torn",
            "severity": "TICKET",
        }
    ]
    said = {name: entry["output"] for name, (entry,) in checks.items() if entry["status"] == "warn"}
    assert said["register:silent"] == "ZooKeeper is silent; the broker serves from the last-known file"
    assert said["register:age"] == "what it knows of other hosts may be 90 s old"
    assert said["register:more"] == "and 3 more alarms"
    assert of.told is not None
    document = fleet.hosts(of, of.told)
    assert document["register"]["alarms"] == 4
    assert [one["what"] for one in document["alarms"]] == ["not JSON: it is torn"]


def test_who_is_ejected_and_what_panics_is_said_with_the_figures():
    of = snapshot(
        reported(verdict="ejected", verdict_why="ejected: 5 requests in a row failed", verdict_until_s=NOW_S + 29.6),
        pools=[
            PoolReport(package="/service/customer", version="1.0", healthy=1, total=3, panic=True),
            PoolReport(package="/service/email", version="1.0", healthy=1, total=3, panic=True),
        ],
    )
    checks = health.health(of, "0").document["checks"]
    (ejected,), (panic,) = checks[f"{CUSTOMER}:ejected"], checks[f"{CUSTOMER}:panic"]
    assert ejected["output"] == "ejected: 5 requests in a row failed; tried again in 30 s"
    assert panic["output"] == "healthy instances of 1.0: 1 of 3; health is ignored"


def test_the_document_is_that_of_application_health_json():
    of = snapshot(reported(heartbeat=check(Check.FAIL, Check.TICKET)), children=(child(),))
    document = health.health(of, "0.1.0").document
    assert (document["version"], document["releaseId"], document["serviceId"]) == ("0", "0.1.0", "host-1")
    assert set(document["checks"]) == {
        "broker:answering",
        "broker:crash_loop",
        "register:agent",
        "register:silent",
        "register:age",
        "service/customer:answering",
        "service/customer:capacity",
        "service/customer:crash_loop",
        "service/customer:store",
    }
    assert document["checks"]["service/customer:answering"] == [
        {
            "componentId": "i1",
            "componentType": "component",
            "observedValue": 120.0,
            "observedUnit": "ms",
            "status": "pass",
            "time": NOW,
            "severity": "PAGE",
        }
    ]
    (store,) = document["checks"]["service/customer:store"]
    assert (store["status"], store["severity"], store["output"]) == ("fail", "TICKET", "the store is gone")


def test_a_package_is_judged_alone():
    of = snapshot(reported(), reported("e1", package="/service/email", state="suspect", launch=""))
    customer = health.package_health(of, CUSTOMER, "0.1.0")
    email = health.package_health(of, "service/email", "0.1.0")
    assert customer is not None
    assert email is not None
    assert (customer.verdict, email.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert customer.document["serviceId"] == "host-1/service/customer"
    assert health.package_health(of, "service/nobody", "0.1.0") is None
    lost = health.package_health(replace(of, broker=None), CUSTOMER, "0.1.0")
    assert lost is not None
    assert (lost.verdict, list(lost.document["checks"])) == (Verdict.FAIL, ["broker:answering"])


def test_probes_name_what_fails():
    away = snapshot(register_problem="ZooKeeper at\x1b[31m z:1 does not answer", leaving=True)
    holds, body = probes.text("readyz", probes.ready(away), set(), verbose=False)
    assert (holds, body.splitlines()) == (
        False,
        [
            "[+]broker ok",
            "[-]register failed: ZooKeeper at?[31m z:1 does not answer",
            "[-]staying failed: this host is leaving",
            "readyz check failed",
        ],
    )
    holds, body = probes.text("readyz", probes.ready(away), {"register", "staying", "typo"}, verbose=True)
    assert holds
    assert "[+]staying excluded: this host is leaving" in body
    assert "[?]typo excluded, but there is no such check" in body
    assert probes.text("livez", probes.live(away), set(), verbose=False) == (True, "ok\n")
    assert probes.live(snapshot(supervised_s=11.0))[0].problem == "nobody has looked after the children for 11 s"


def test_launches_of_a_host_file():
    one = InstanceSpec("/service/customer", ("python3", "-m", "customer"), 2, {"COLOUR": "blue"}, "/srv")
    other = InstanceSpec("/service/customer", ("python3", "-m", "customer_2"))
    again = InstanceSpec("/service/customer", ("python3", "-m", "customer"), 1, {"COLOUR": "blue"}, "/srv")
    hostfile = HostFile("h", "f", "z:1", "/run/h", "/state/h", instances=(one, other, again))
    broker, *rest = launches(hostfile, "/etc/h.toml", "/usr/bin/python3")
    assert broker.argv == ("/usr/bin/python3", "-m", "h2o_broker", "--host-file", "/etc/h.toml")
    assert (broker.key, broker.log) == ("broker", "/state/h/logs/broker.log")
    stems = [launch.key.rsplit("-", 1) for launch in rest]
    assert [number for _, number in stems] == ["1", "2", "1", "3"]
    assert stems[0][0] == stems[1][0] == stems[3][0] != stems[2][0]
    assert rest[0].key.startswith("service.customer-")
    assert rest[0].log == f"/state/h/logs/{rest[0].key}.log"
    assert (rest[0].package, rest[0].cwd, rest[0].argv) == (CUSTOMER, "/srv", one.command)
    assert rest[0].env == {
        "COLOUR": "blue",
        "PYTHONUNBUFFERED": "1",
        "H2O_BROKER": "/run/h",
        "H2O_HOST": "h",
        "H2O_FLEET": "f",
        "H2O_DEV": "",
    }


def test_a_limit_that_is_not_kept_is_a_warning_of_its_package():
    of = snapshot(reported(), children=(child(unkept=("nofile 9 is not granted: no",)),), register_problem="")
    verdict = health.health(of, "0")
    (entry,) = verdict.document["checks"][f"{CUSTOMER}:limits"]
    assert (verdict.verdict, entry["status"], entry["output"]) == (Verdict.WARN, "warn", "nofile 9 is not granted: no")
