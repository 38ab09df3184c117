"""`h2o triage`: what agents say becomes a picture, the picture a page, the page an exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli import remembered
from h2o_console.cli.failures import CommandFailed
from h2o_console.cli.main import main
from h2o_console.cli.picture import Fleet
from h2o_console.cli.reported import counts_of
from h2o_console.cli.triage_control import ControlReader
from h2o_console.cli.triage_found import meant, recall
from h2o_console.cli.triage_picture import Looked, picture_of
from h2o_console.cli.triage_telling import Telling, Wish, causes_of
from h2o_console.cli.triage_watch import Watcher
from h2o_console.feed.answers import Host, Instance
from h2o_core.context import Context
from h2o_core.errors import Code
from h2o_core.insights.finding import Key, Kind, Severity, Subject
from h2o_core.insights.notes import Note, Says, fields_of
from h2o_core.insights.picture import Picture
from h2o_core.pb.host_pb2 import ChildReport, History, HostStats, Point, Series, Vitals
from h2o_core.pb.stats_pb2 import (
    Alarm,
    CallerReport,
    CallerShare,
    OutcomeCount,
    PoolReport,
    QueueReport,
    RegisterReport,
)
from tests.support.agent_server import HEAD, NOW_S, AgentServer, endpoint, host, host_stats, instance, stats
from tests.support.receiver import until
from tests.support.watched import watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.receiver import Receiver

FIRST, SECOND = "3f8a91c2d4e5f607", "a0000000d4e5f607"


def reading(requests: int, now_s: float, failed: int = 0, *, here: bool = True, breaches: int = 0) -> HostStats:
    """A host whose customer has answered so many requests, half of them the website's."""
    outcomes = {"OK": requests - failed, **({"INTERNAL": failed} if failed else {})}
    busy = endpoint("service/customer/get", outcomes, (2.0,) * requests)
    said = host_stats(
        *((stats(FIRST, busy, launch="token", in_flight=3),) if here else ()),
        now_s=now_s,
        epoch=7,
        register=RegisterReport(state="connected"),
    )
    said.report.callers.append(
        CallerReport(
            caller="/api/website",
            version="1.0",
            feature="/service/customer/get",
            outcomes=[OutcomeCount(code=Code.OK, count=requests // 2)],
            breaches=breaches,
        )
    )
    return said


def history(*points: tuple[float, int, int, int]) -> History:
    """(seconds ago, OK, INTERNAL, instances) each."""
    made = [
        Point(
            t_s=NOW_S - ago_s,
            covered_s=10.0,
            instances=ready,
            outcomes=[OutcomeCount(code=Code.OK, count=well), OutcomeCount(code=Code.INTERNAL, count=failed)],
        )
        for ago_s, well, failed, ready in points
    ]
    series = Series(kind="package", package="/service/customer", version="1.4.2", points=made)
    return History(host="host-1", as_of_s=NOW_S, resolution_s=10.0, series=[series])


def looked(after: HostStats, before: HostStats | None = None, **more: Any) -> Picture:
    said: dict[str, Any] = {
        "now_s": NOW_S,
        "instances": [Instance(FIRST, "service/customer", "1.4.2", "host-1", state="ready", routable=True)],
        "hosts": [Host("host-1", "a", link="self")],
        "features": [{"name": "service/customer/get", "version": "1.4.2", "mean_ms": 0.0, "upper95_ms": 5.0}],
        "stats": {"host-1": after},
        "unreachable": {},
        "earlier": {"host-1": counts_of(before or reading(100, NOW_S))},
        "counts": {"host-1": counts_of(after)} if after.HasField("report") else {},
        "histories": {},
        "silent_s": {},
        "behind_s": {},
        "control": None,
        **more,
    }
    return picture_of(Looked(**said))


def test_counters_between_two_readings() -> None:
    picture = looked(reading(400, NOW_S + 10, breaches=3))
    (measured,) = picture.measured
    assert (measured.feature, measured.now.requests, measured.now.span_s) == ("/service/customer/get", 300, 10.0)
    assert (measured.mean_ms, measured.upper95_ms) == (None, 5.0)
    (call,) = picture.calls
    assert (call.caller, call.feature, call.now.requests, call.breaches) == (
        "/api/website",
        "/service/customer/get",
        150,
        3,
    )


def test_counters_that_began_anew_are_unknown() -> None:
    picture = looked(reading(40, NOW_S + 10))
    assert (picture.measured, picture.calls) == ((), ())


def test_history_is_the_last_minute_and_what_was_before() -> None:
    points = history((400, 90, 1, 3), (390, 80, 0, 2), (100, 5, 5, 1), (60, 10, 2, 1), (10, 20, 0, 1))
    (served,) = looked(reading(100, NOW_S), histories={"host-1": points}).served
    assert (served.package, served.version, served.host) == ("/service/customer", "1.4.2", "host-1")
    assert (dict(served.now.outcomes), served.now.span_s) == ({"OK": 30, "INTERNAL": 2}, 20.0)
    assert served.before is not None
    assert (dict(served.before.outcomes), served.before.span_s) == ({"OK": 170, "INTERNAL": 1}, 20.0)
    (young,) = looked(reading(100, NOW_S), histories={"host-1": history((10, 20, 0, 1))}).served
    assert young.before is None, "nobody knows its past, which is not a past without requests"


def test_peaks_are_of_all_hosts_at_one_time() -> None:
    one, other = history((400, 1, 0, 2), (390, 1, 0, 1)), history((400, 1, 0, 1), (390, 1, 0, 3))
    assert looked(reading(1, NOW_S), histories={"host-1": one, "host-2": other}).peaks == {"/service/customer": 4}


def test_what_is_said_of_a_host() -> None:
    said = reading(100, NOW_S)
    said.vitals.CopyFrom(
        Vitals(cpu_pct=42.0, steal_pct=-1, memory_total_bytes=100, memory_available_bytes=25, clock_skew_known=False)
    )
    said.report.register.alarms.append(Alarm(kind="document", path="/h2o/x", since_s=NOW_S - 9, sentence="damaged"))
    said.report.unapplied.append("control/fleet")
    said.report.pools.append(PoolReport(package="/service/customer", version="1.4.2", healthy=1, total=3, panic=True))
    said.report.queues.append(
        QueueReport(
            package="/service/customer",
            version="1.4.2",
            queued=4,
            over_s=10,
            callers=[CallerShare(caller="/api/website", started=9, refused=2), CallerShare(caller="operator")],
        )
    )
    said.children.append(ChildReport(key="c-1", package="/service/customer", state="running", launch="token", age_s=50))
    said.children.append(ChildReport(key="c-2", package="/service/email", state="running", launch="other", age_s=50))
    said.children.append(ChildReport(key="broker", state="running"))
    picture = looked(said, behind_s={"host-1": 4.0})
    (one,) = picture.hosts
    assert one.vitals is not None
    assert (one.vitals.cpu_pct, one.vitals.steal_pct, one.vitals.memory_pct) == (42.0, None, 75.0)
    assert (one.vitals.disk_pct, one.vitals.clock_skew_s) == (None, None)
    assert (one.epoch, one.behind_s, one.unapplied, one.register_state) == (7, 4.0, ("control/fleet",), "connected")
    assert [(alarm.host, alarm.path) for alarm in picture.alarms] == [("host-1", "/h2o/x")]
    assert [(pool.package, pool.panic) for pool in picture.pools] == [("/service/customer", True)]
    assert [(each.queued, dict(each.refused)) for each in picture.waiting] == [(4, {"/api/website": 2})]
    assert [(child.key, child.registered) for child in picture.children] == [("c-1", True), ("c-2", False)]


def test_who_says_nothing_is_unknown() -> None:
    away = looked(HostStats(), stats={}, counts={}, unreachable={"host-1": "refused"}, silent_s={"host-1": 12.0})
    assert (away.hosts[0].age_s, away.hosts[0].why, away.hosts[0].epoch) == (12.0, "refused", None)
    assert (away.instances[0].known_there, away.instances[0].verdict) == (None, "")
    never = looked(HostStats(), stats={}, counts={}, unreachable={"host-1": "refused"})
    assert never.hosts[0].age_s is None
    down = looked(HostStats(host="host-1", broker_problem="exit code 1"))
    assert (down.hosts[0].broker_problem, down.hosts[0].age_s) == ("exit code 1", 0.0)


def test_an_instance_that_its_own_host_does_not_know() -> None:
    gone = looked(reading(100, NOW_S, here=False), reading(100, NOW_S, here=False))
    left = looked(reading(100, NOW_S, here=False), reading(100, NOW_S))
    assert [one.instances[0].known_there for one in (gone, left)] == [False, True]


# ---------------------------------------------------------------------- the command, at an agent that answers


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentServer]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("h2o_console.cli.triage_watch.unix_s", lambda: NOW_S)
    asked: list[int] = []

    def grown() -> HostStats:
        asked.append(1)
        return reading(100 * len(asked), NOW_S + 10 * len(asked))

    answers: dict[str, Any] = {
        "/instances?fleet=1": {**HEAD, "instances": [instance(FIRST)]},
        "/hosts": {**HEAD, "hosts": [host("host-1", None, link="self")]},
        "/features?fleet=1": {**HEAD, "features": []},
        "/stats": grown,
        CONTROL: DECIDED,
        PAST: history((400, 1000, 0, 1), (20, 500, 0, 1)),
    }
    with AgentServer(answers) as started:
        monkeypatch.setenv("H2O_AGENT", started.address)
        yield started


CONTROL = "/control?entries=64"
DECIDED: dict[str, Any] = {
    **HEAD,
    "epoch": 7,
    "documents": {},
    "unreadable": [],
    "entries": [],
    "more": False,
    "notes": "",
    "age_s": 0.0,
}
PAST = f"/history?resolution=10s&kind=package&since={NOW_S - 900:.0f}"
FAILING = history((400, 1000, 0, 1), (20, 400, 100, 1))


@pytest.mark.usefixtures("server")
def test_all_is_well_and_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", "--every", "1s"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("all is well: looked at 1 host, 1 instance, data 0")
    assert err == ""


def test_something_is_wrong(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers[PAST] = FAILING
    assert main(["triage", "--every", "1s"]) == 1
    first, hurts, action, *_ = capsys.readouterr().out.splitlines()
    assert first == "x PAGE  service/customer fails: 20 % INTERNAL (100 of 500 requests in 10 s), before 0 %"
    assert hurts == "  hurts 10 requests/s"
    assert action == "  read its errors: h2o logs service/customer --since 10m --severity ERROR"


def test_json(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers[PAST] = FAILING
    assert main(["triage", "--every", "1s", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (found,) = document["findings"]
    assert (document["healthy"], document["hosts"], document["instances"]) == (False, 1, 1)
    assert (found["kind"], found["subject"], found["severity"]) == ("failing", {"package": "service/customer"}, "PAGE")
    assert (found["hurt_per_s"], found["explains"], found["changed"]) == (10.0, [], None)
    assert found["action"]["command"].startswith("h2o logs service/customer")
    assert found["action"]["changes"] is False
    (evidence,) = found["evidence"]
    assert (evidence["value"], evidence["against"], evidence["over_s"], evidence["requests"]) == (0.2, 0.0, 10.0, 500)


def test_names_and_evidence(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers[PAST] = FAILING
    assert main(["triage", "--every", "1s", "-o", "name"]) == 1
    assert capsys.readouterr().out == "service/customer\n"
    assert main(["triage", "--every", "1s", "-o", "wide"]) == 1
    assert "  failure share 0.2 against 0 of 500 requests in 10 s" in capsys.readouterr().out.splitlines()


def test_a_host_that_does_not_say(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers["/hosts"] = {
        **HEAD,
        "hosts": [host("host-1", None, link="self"), host("host-2", "127.0.0.1:1", link="up")],
    }
    assert main(["triage", "--every", "1s"]) == 5
    out, _ = capsys.readouterr()
    assert out.startswith("! TICKET  the agent of host-2 has not said anything yet: no agent answers at")
    assert "1 host did not say" in out
    server.answers[PAST] = FAILING
    assert main(["triage", "--every", "1s"]) == 1


def test_what_others_say_is_made_harmless(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    entry = host("host-2\x1b]0;x\x07", "127.0.0.1:1", link="suspect", why="\x1b[31mred\nline")
    server.answers["/hosts"] = {**HEAD, "hosts": [host("host-1", None, link="self"), entry]}
    assert main(["triage", "--every", "1s"]) == 5
    assert "\x1b" not in capsys.readouterr().out


def test_no_agent(monkeypatch: pytest.MonkeyPatch, server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("H2O_AGENT", "http://127.0.0.1:1")
    assert main(["triage", "--timeout", "1"]) == 4
    assert server
    assert "no agent answers" in capsys.readouterr().err


def test_watching_is_one_object_a_line_and_remembers(server: AgentServer) -> None:
    with watched({"H2O_AGENT": server.address}, "triage", "--every", "1s", "-w", "--json") as lines:
        server.answers["/hosts"] = {
            **HEAD,
            "hosts": [host("host-1", None, link="self"), host("host-2", "127.0.0.1:1", link="up")],
        }
        seen = [json.loads(lines.readline()) for _ in range(2)]
    first, second = ([one for one in each["findings"] if one["kind"] == "no stats"] for each in seen)
    assert first[0]["since"] == second[0]["since"]


# ---------------------------------------------------------------------- notes

FAILS = Key(Kind.FAILING, Subject("/service/customer"))


def note(says: Says, key: Key = FAILS, until_s: float = NOW_S + 3600) -> Note:
    return Note(*key, says, "eva@desk\u202e", NOW_S - 60, until_s, "INC-7")


def noted(*notes: Note) -> dict[str, Any]:
    document = {"schema": 1, "notes": [fields_of(one) for one in notes]}
    return {**DECIDED, "notes": json.dumps(document).replace("\\u202e", "")}


def test_somebody_looks_after_it(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers |= {PAST: FAILING, CONTROL: noted(note(Says.ACKNOWLEDGED))}
    assert main(["triage", "--every", "1s", "-o", "wide"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  eva@desk looks after it since 2026-01-31T14:01:07.000Z: INC-7" in lines
    assert f"  id {FAILS.id}: h2o triage ack {FAILS.id}, or mute" in lines
    assert main(["triage", "--every", "1s", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["id"], found["acknowledged"]["owner"], found["acknowledged"]["reason"]) == (
        FAILS.id,
        "eva@desk",
        "INC-7",
    )


def test_what_is_muted_is_quiet_and_listed(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    gone = Key(Kind.HOST, Subject(host="host-9"))
    notes = (note(Says.MUTED), note(Says.MUTED, gone), note(Says.MUTED, FAILS._replace(kind=Kind.SLOW), NOW_S - 1))
    server.answers |= {PAST: FAILING, CONTROL: noted(*notes)}
    assert main(["triage", "--every", "1s"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    until = "muted until 2026-01-31T15:02:07.000Z"
    assert first == f"{until}: {FAILS.id} failing, service/customer (open), by eva@desk: INC-7"
    assert second == f"{until}: {gone.id} host against fleet, host-9 (not open), by eva@desk: INC-7"
    assert last.startswith("all is well but for what is muted: looked at 1 host")
    assert main(["triage", "--every", "1s", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["findings"], [one["id"] for one in document["muted"]]) == ([], [FAILS.id, gone.id])


def test_an_agent_that_does_not_tell_what_is_decided(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    del server.answers[CONTROL]
    assert main(["triage", "--every", "1s"]) == 0
    assert "what is decided is not known: the agent at http" in capsys.readouterr().err
    for wrong in ({}, {"epoch": -1}, [1], b"{", (503, {"error": "ZooKeeper does not answer", "hint": ""})):
        server.answers[CONTROL] = wrong
        assert main(["triage", "--every", "1s"]) == 0
        assert "what is decided is not known" in capsys.readouterr().err


def test_notes_that_can_t_be_read_say_what_to_type_and_hide_nothing(
    server: AgentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers |= {PAST: FAILING, CONTROL: {**DECIDED, "notes": "{"}}
    assert main(["triage", "--every", "1s"]) == 1
    err = capsys.readouterr().err
    assert "notes: not JSON" in err
    assert "h2o triage ack ID --anew" in err
    assert "what is decided is not known" not in err


def test_control_is_asked_for_seldom_and_read_when_it_has_changed(
    server: AgentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.etags[CONTROL] = 'W/"7"'
    server.answers[CONTROL] = noted(note(Says.MUTED))
    reader = ControlReader(Fleet(Context(agent=server.address), 5))
    first = reader.read()
    assert first.control is not None
    assert (first.control.epoch, len(first.notes)) == (7, 1)
    assert reader.read() is first
    assert server.spared == 0, "within five seconds nobody is asked"
    monkeypatch.setattr("h2o_console.cli.triage_control._EVERY_S", 0.0)
    assert reader.read() is first
    assert server.spared == 1
    server.etags[CONTROL] = 'W/"8"'
    server.answers[CONTROL] = {**DECIDED, "epoch": 8}
    second = reader.read()
    assert second.control is not None
    assert (second.control.epoch, second.notes) == (8, ())
    server.answers[CONTROL] = (503, {"error": "away", "hint": ""})
    server.etags.clear()
    assert reader.read().control is None, "nobody knows it now"


def test_features_are_read_again_when_there_is_a_new_version(server: AgentServer) -> None:
    asked: list[int] = []

    def features() -> dict[str, Any]:
        asked.append(1)
        return {**HEAD, "features": []}

    server.answers["/features?fleet=1"] = features
    watcher = Watcher(Fleet(Context(agent=server.address), 5), 1.0)
    for _ in range(3):
        watcher.look()
    assert len(asked) == 1
    server.answers["/instances?fleet=1"] = {**HEAD, "instances": [instance(FIRST), instance(SECOND, version="2.0")]}
    watcher.look()
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("service/customer", FAILS),
        (FAILS.id, FAILS),
        (FAILS.id[:2].upper(), FAILS),
        (FAILS.id[:1], None),
        ("host-9", None),
        ("", None),
    ],
)
def test_a_finding_is_named_by_its_id_or_its_subject(typed: str, means: Key | None) -> None:
    other = Key(Kind.SLOW, Subject("/service/email"))
    assert meant(typed, {one.id: one for one in (FAILS, other)}) == means


def test_a_name_of_several_is_none() -> None:
    slow = FAILS._replace(kind=Kind.SLOW)
    with pytest.raises(CommandFailed, match=f"means 2 findings: {FAILS.id} .failing., {slow.id} .slow."):
        meant("service/customer", {one.id: one for one in (FAILS, slow)})


def test_what_was_shown_is_remembered_for_the_next_command(
    server: AgentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers[PAST] = FAILING
    assert main(["triage", "--every", "1s"]) == 1
    context = Context(agent=server.address)
    assert recall(context) == {FAILS.id: FAILS}
    wrong = ["x", "[]", '["failing", {"planet": "mars"}]', '["solar flare", {}]', '["failing", {"host": "a\\u001bb"}]']
    remembered.write(f"{server.address}//", "findings", wrong)
    assert recall(context) == {}
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------------- who is told


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--webhook", "http://127.0.0.1:1/"], "so need --watch"),
        (["--on-change", "true"], "so need --watch"),
        (["-w", "--webhook", "127.0.0.1"], "a webhook is a URL"),
        (["-w", "--webhook", "http://x/", "--webhook-token-file", "/nowhere"], "can't be read"),
    ],
)
def test_what_can_t_be_meant(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", *options]) == 2
    assert says in capsys.readouterr().err


def test_a_command_and_a_webhook_are_told(server: AgentServer, tmp_path: Path, receiver: Receiver) -> None:
    server.answers["/hosts"] = {
        **HEAD,
        "hosts": [host("host-1", None, link="self"), host("host-2", "127.0.0.1:1", link="up")],
    }
    silent = Key(Kind.SILENT, Subject(host="host-2"))
    said, told = tmp_path / "said", tmp_path / "told.json"
    watching = ["triage", "--every", "1s", "-w", "--json", "--state", str(told)]
    telling = ["--on-change", f'echo "$H2O_EVENT $H2O_ID $H2O_NAME" >> {said}']
    with watched({"H2O_AGENT": server.address, "H2O_WEBHOOK": receiver.url}, *watching, *telling):
        until(lambda: said.exists() and said.read_text() and receiver.came, "both are told", 20)
        until(lambda: told.exists() and silent.id in told.read_text(), "it is written down")
    assert said.read_text() == f"opened {silent.id} host-2\n"
    ((_, _, body),) = receiver.came
    assert (body["event"], body["severity"], body["name"]) == ("opened", "TICKET", "host-2")


def test_of_what_is_muted_or_less_severe_nobody_is_told(server: AgentServer) -> None:
    hosts = [host("host-1", None, link="self"), host("host-2", "127.0.0.1:1", link="up")]
    server.answers |= {PAST: FAILING, "/hosts": {**HEAD, "hosts": hosts}, CONTROL: noted(note(Says.ACKNOWLEDGED))}
    watcher = Watcher(Fleet(Context(agent=server.address), 5), 1.0)
    look = watcher.look()
    silent = Key(Kind.SILENT, Subject(host="host-2"))
    assert causes_of(look, Severity.NOTE).keys() == causes_of(look, Severity.TICKET).keys() == {FAILS.id, silent.id}
    ((told_id, told),) = causes_of(look, Severity.PAGE).items()
    assert (told_id, told.fleet, told.name, told.subject) == (
        FAILS.id,
        "test",
        "service/customer",
        {"package": "service/customer"},
    )
    assert (told.severity, told.hurt_per_s, told.owner) == (Severity.PAGE, 10.0, "eva@desk")
    assert told.command.startswith("h2o logs service/customer")
    server.answers[CONTROL] = noted(note(Says.MUTED))
    muted = Watcher(Fleet(Context(agent=server.address), 5), 1.0).look()
    assert causes_of(muted, Severity.NOTE).keys() == {silent.id}


def test_who_can_t_look_says_so(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("h2o_console.cli.triage_telling.BLIND_S", 0.0)
    monkeypatch.setattr("h2o_console.telling.notices.SETTLES_S", 0.0)
    wish = Wish(webhook=receiver.url, state=str(tmp_path / "told.json"))
    telling = Telling(wish, Context(fleet="prod", agent="http://127.0.0.1:1"))
    telling.blind("no agent answers")
    until(lambda: receiver.came, "it is told")
    telling.stop()
    ((_, _, body),) = receiver.came
    assert (body["fleet"], body["kind"], body["severity"]) == ("prod", "no look", "PAGE")
    assert body["sentence"] == "nobody looks at the fleet: no agent answers"
