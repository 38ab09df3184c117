"""`h2o list`, `stats`, `hosts` against a real HTTP server that answers as agents do: output and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from h2o_console.cli.main import COMMANDS, main
from h2o_core.pb.host_pb2 import HostStats
from tests.console.test_cli_output import CONTROLS, HOSTILE
from tests.support.agent_server import HEAD, NOW_S, AgentServer, endpoint, host, host_stats, instance, stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND, THIRD = "3f8a91c2d4e5f607", "3f9b00c2d4e5f607", "a0000000d4e5f607"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No context, agent or colour from the machine that runs the test."""
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_AGENT", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("H2O_RUN", str(tmp_path / "run"))


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Two agents: that of host-1 is asked, that of host-2 is known to it. The first one's answers can be changed."""
    there = {
        "/stats": host_stats(stats(SECOND, endpoint("service/customer/create")), host="host-2"),
    }
    with AgentServer(there) as other:
        here: dict[str, Any] = {
            "/instances?fleet=1": {
                **HEAD,
                "instances": [
                    instance(SECOND, host="host-2", in_flight=None, queued=None, pid=None),
                    instance(FIRST),
                    instance(THIRD, "service/email", state="suspect", routable=False, why="3 PONGs missed"),
                    instance(
                        "", "service/email", state="backoff", routable=False, why="exit 1, again in 4 s", started=""
                    ),
                ],
            },
            "/hosts": {**HEAD, "hosts": [host("host-2", other.address.removeprefix("http://")), host("host-1", None)]},
            "/stats": host_stats(
                stats(
                    FIRST,
                    endpoint("service/customer/create"),
                    endpoint("service/customer/retrieve", last_error="no"),
                ),
                stats(THIRD, endpoint("service/email/send"), package="service/email"),
            ),
        }
        with AgentServer(here) as first:
            monkeypatch.setenv("H2O_AGENT", first.address)
            yield here


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.usefixtures("fleet")
def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list")
    assert (code, err) == (0, "")
    assert out == (
        "PACKAGE           VERSION  ID        HOST    STATE    AGE  WHY\n"
        "service/customer  1.4.2    3f8a91c2  host-1  ready    62m  -\n"
        "service/customer  1.4.2    3f9b00c2  host-2  ready    62m  -\n"
        "service/email     1.4.2    -         host-1  backoff    -  exit 1, again in 4 s\n"
        "service/email     1.4.2    a0000000  host-1  suspect  62m  3 PONGs missed\n"
    )


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("service/customer", [FIRST, SECOND]),
        ("/service/customer", [FIRST, SECOND]),
        ("service.customer", [FIRST, SECOND]),
        ("customer", [FIRST, SECOND]),
        ("service/customer/retrieve", [FIRST, SECOND]),
        ("service.customer.retrieve", [FIRST, SECOND]),
        ("*/cust*", [FIRST, SECOND]),
        ("service/e*", [THIRD]),
        ("service", [FIRST, SECOND, THIRD]),
        ("*", [FIRST, SECOND, THIRD]),
        (FIRST, [FIRST]),
        ("3f8", [FIRST]),
        ("a", [THIRD]),
    ],
)
def test_every_spelling_finds_it(capsys: pytest.CaptureFixture[str], typed: str, ids: list[str]) -> None:
    code, out, _ = run(capsys, "list", typed, "-o", "name")
    assert (code, out.split()) == (0, ids)


@pytest.mark.usefixtures("fleet")
def test_wide_shows_whole_ids_and_everything_else(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "list", "3f8", "-o", "wide", "--no-headers")
    assert (
        out == f"service/customer  1.4.2  {FIRST}  host-1  a  ready  64  0  0  4242  2026-01-31T13:00:00.000Z  62m  -\n"
    )


@pytest.mark.usefixtures("fleet")
def test_json_is_versioned_and_filtered(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "list", "email", "--json")
    document = json.loads(out)
    assert {key: document[key] for key in ("schema", "fleet", "host", "source")} == {
        "schema": 1,
        "fleet": "test",
        "host": "host-1",
        "source": "agent",
    }
    assert [each["why"] for each in document["instances"]] == ["3 PONGs missed", "exit 1, again in 4 s"]


@pytest.mark.usefixtures("fleet")
def test_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "hosts", "host-1", "-o", "yaml")
    assert 'fleet: "test"\n' in out
    assert '  - host: "host-1"\n' in out


@pytest.mark.usefixtures("fleet")
def test_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "hosts")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 3)
    assert lines[0].split("  ")[0] == "HOST"
    assert lines[1].split() == ["host-1", "a", "up", "0.42", "1", "-", "-"]
    assert run(capsys, "hosts", "host-[2-9]", "-o", "name")[1] == "host-2\n"


def test_the_host_whose_agent_conducts_is_marked(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/hosts"] = {**HEAD, "hosts": [host("host-1", "10.0.0.1:8101", conducts=True), host("host-2", None)]}
    _, out, _ = run(capsys, "hosts")
    assert ["10.0.0.1:8101 conducts" in line for line in out.splitlines()[1:]] == [True, False]


@pytest.mark.usefixtures("fleet")
def test_stats_gathers_from_the_hosts_where_the_instances_live(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "stats", "service/customer")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["service/customer/create", "1.4.2", "3f8a91c2", "host-1"],
        ["service/customer/create", "1.4.2", "3f9b00c2", "host-2"],
        ["service/customer/retrieve", "1.4.2", "3f8a91c2", "host-1"],
    ]
    assert rows[0][4:] == ["120", "2", "1", "4.20", "4.24", "4.24", "4.24", "-"]
    assert rows[2][-1] == "no"


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("typed", "features"),
    [
        (["3f8"], ["service/customer/create", "service/customer/retrieve"]),
        (
            ["3f8", "service/customer/retrieve"],
            ["service/customer/create", "service/customer/create", "service/customer/retrieve"],
        ),
        (["service/customer/retrieve"], ["service/customer/retrieve"]),
        (["service.customer.retrieve"], ["service/customer/retrieve"]),
        (["service/email", "3f9"], ["service/customer/create", "service/email/send"]),
    ],
)
def test_stats_of_what_was_named(capsys: pytest.CaptureFixture[str], typed: list[str], features: list[str]) -> None:
    _, out, _ = run(capsys, "stats", *typed, "--no-headers")
    assert [line.split()[0] for line in out.splitlines()] == features


@pytest.mark.usefixtures("fleet")
def test_stats_json_has_nats_micro_names(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "stats", "3f9", "--json")
    document = json.loads(out)
    (entry,) = document["instances"]
    assert {"name", "id", "version", "started", "endpoints"} <= set(entry)
    assert {"num_requests", "num_errors", "last_error", "processing_time", "average_processing_time"} <= set(
        entry["endpoints"][0]
    )
    assert document["unreachable"] == []


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("package", ["service/customer", "service/email"]),
        ("version", ["service/customer@1.4.2", "service/email@1.4.2"]),
        ("feature", ["service/customer/create", "service/customer/retrieve", "service/email/send"]),
        ("host", ["host-1", "host-2"]),
    ],
)
def test_stats_added_up_over_the_fleet(capsys: pytest.CaptureFixture[str], by: str, keys: list[str]) -> None:
    assert run(capsys, "stats", "--by", by, "-o", "name")[:2] == (0, "".join(f"{key}\n" for key in keys))
    document = json.loads(run(capsys, "stats", "--by", by, "--json")[1])
    assert sum(group["num_requests"] for group in document["groups"]) == 480
    assert document["by"] == by


@pytest.mark.usefixtures("fleet")
def test_stats_without_a_name_is_by_package(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "stats")
    assert out.splitlines()[0].split()[:3] == ["PACKAGE", "INSTANCES", "REQUESTS"]
    assert out.splitlines()[1].split()[:4] == ["service/customer", "2", "360", "6"]


def test_stats_over_a_window(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    first = fleet["/stats"]
    second = host_stats(
        stats(FIRST, endpoint("service/customer/create", {"OK": 167, "TIMEOUT": 2, "APPLICATION": 1})), now_s=NOW_S + 10
    )
    answers = iter([first, second])
    fleet["/stats"] = lambda: next(answers)
    code, out, err = run(capsys, "stats", "3f8", "--window", "1s")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split()[4:7] == ["REQUESTS", "last1s", "RPS"]
    assert out.splitlines()[1].split()[4:7] == ["50", "5.00", "0"]


def test_stats_while_the_broker_is_away(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/stats"] = HostStats(host="host-1", broker_problem="the broker is not running: signal 9\x1b[2J")
    code, out, err = run(capsys, "stats", "3f8", "--no-headers")
    assert (code, out) == (5, "")
    assert "the broker is not running: signal 9" in err
    assert not CONTROLS.search(err)


@pytest.mark.parametrize("said", [b"\xff\xff", {"instances": []}])
def test_stats_of_an_agent_that_speaks_otherwise(
    fleet: dict[str, Any], capsys: pytest.CaptureFixture[str], said: Any
) -> None:
    fleet["/stats"] = said
    code, out, err = run(capsys, "stats", "3f8", "--no-headers")
    assert (code, out) == (5, "")
    assert "host-1 is missing here" in err


def test_stats_names_the_host_out_of_reach(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/hosts"] = {**HEAD, "hosts": [host("host-2", "127.0.0.1:1")]}
    code, out, err = run(capsys, "stats", "service/customer", "--json")
    document = json.loads(out)
    assert code == 5
    assert "host-2 is missing here" in err
    assert "h2o hosts" in err
    assert [each["id"] for each in document["instances"]] == [FIRST]
    assert [each["host"] for each in document["unreachable"]] == ["host-2"]


def test_stats_of_a_host_without_agent(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/hosts"] = {**HEAD, "hosts": [host("host-2", None)]}
    code, out, err = run(capsys, "stats", "3f9", "--no-headers")
    assert (code, out) == (5, "")
    assert "host-2" in err


def test_stats_never_shows_another_hosts_numbers(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/stats"] = host_stats(host="host-9")
    code, _, err = run(capsys, "stats", "3f8")
    assert code == 5
    assert "host-9" in err


def test_stats_of_one_that_has_left_meanwhile(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/stats"] = host_stats()
    code, out, err = run(capsys, "stats", "3f8", "--no-headers")
    assert (code, out) == (0, "")
    assert "has left since" in err


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("arguments", "code", "sentences"),
    [
        (
            ("list", "service/custmer"),
            3,
            ["nothing matches 'service/custmer'", "did you mean service/customer?", "h2o list"],
        ),
        (("list", "zzz"), 3, ["nothing matches 'zzz'", "h2o list"]),
        (("hosts", "hst-1"), 3, ["did you mean", "host-1", "h2o hosts"]),
        (("stats", "3f"), 2, ["begins 2 ids", FIRST, "type more of the id"]),
        (("stats", "--by", "zone"), 2, ["zone", "h2o stats --help"]),
        (("stats", "--window", "soon"), 2, ["write 10s, 2m or 1h", "h2o stats --help"]),
        (("stats", "--window", "0.1s"), 2, ["once a second"]),
        (("list", "--json", "-o", "wide"), 2, ["contradict", "h2o list --help"]),
        (("list", "-o", "xml"), 2, ["xml", "h2o list --help"]),
        (("list", "--timeout", "0"), 2, ["--timeout"]),
        (("list", "--fleet", "other", "--agent", "AGENT"), 2, ["belongs to fleet test", "--fleet test"]),
        (("nothing",), 2, ["nothing", "h2o --help"]),
        (("lst",), 2, ["did you mean list?", "h2o --help"]),
        ((), 2, ["Usage: h2o", "describe", "h2o doctor"]),
        (("list", "--agent", "nonsense"), 2, ["write unix:"]),
        (("list", "--context", "qa"), 2, ["no context 'qa'", "--context NAME"]),
        (("--context", "qa", "list"), 2, ["no context 'qa'"]),
        (("list", "--agent", "http://127.0.0.1:1"), 4, ["no agent answers at http://127.0.0.1:1", "--agent", "--zk"]),
    ],
)
def test_failures_say_what_to_type(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    sentences: list[str],
) -> None:
    import os  # noqa: PLC0415 - the address is the fixture's

    arguments = tuple(os.environ["H2O_AGENT"] if each == "AGENT" else each for each in arguments)
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    for sentence in sentences:
        assert sentence in err


@pytest.mark.parametrize(
    ("answer", "sentence"),
    cast(
        "list[tuple[Any, str]]",
        [
            ((503, {"error": "the broker of host-1 is down", "hint": "h2o hosts"}), "the broker of host-1 is down"),
            (b"<html>", "no agent"),
            ([1, 2], "no agent"),
            ((500, {}), "answers 500"),
        ],
    ),
)
def test_an_agent_that_cannot(
    fleet: dict[str, Any], capsys: pytest.CaptureFixture[str], answer: Any, sentence: str
) -> None:
    fleet["/instances?fleet=1"] = answer
    code, out, err = run(capsys, "list")
    assert (code, out) == (4, "")
    assert sentence in err


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"instances": None},
        {"instances": [None, 3, {"id": 3, "package": None, "slots": "x", "routable": "y", "started": 5}]},
    ],
)
def test_answers_of_another_shape_print_as_unknown(
    fleet: dict[str, Any], capsys: pytest.CaptureFixture[str], document: dict[str, Any]
) -> None:
    fleet["/instances?fleet=1"] = document
    for form in ("table", "wide", "json", "yaml", "name"):
        code, _, _ = run(capsys, "list", "-o", form)
        assert code == 0


def test_hostile_names_never_reach_the_terminal(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    hostile = instance(FIRST, HOSTILE, version=HOSTILE, host=HOSTILE, state=HOSTILE, why=HOSTILE, zone=HOSTILE)
    fleet["/instances?fleet=1"] = {**HEAD, "host": HOSTILE, "instances": [hostile]}
    fleet["/hosts"] = {**HEAD, "hosts": [host(HOSTILE, HOSTILE, link=HOSTILE, labels={HOSTILE: HOSTILE})]}
    for arguments in (("list",), ("hosts",), ("stats", FIRST), ("list", "zz")):
        for form in ("table", "wide", "json", "yaml", "name"):
            _, out, err = run(capsys, *arguments, "-o", form)
            assert not CONTROLS.search(out + err)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ({"report_age_s": 42.0}, "this is 42s old: the broker of host host-1 does not answer"),
        ({"register": {"state": "silent", "silent_s": 7.0}}, "has not heard from ZooKeeper for 7s"),
        (
            {"register": {"state": "silent", "silent_s": 7.0, "from_file": True}, "picture_age_s": 4200.0},
            "the fleet as it was 70m ago, from its last-known file:",
        ),
        ({"register": {"state": "connected", "silent_s": 0}, "picture_age_s": 4200.0}, ""),
    ],
)
def test_what_is_old_is_called_old(
    fleet: dict[str, Any], capsys: pytest.CaptureFixture[str], head: dict[str, Any], sentence: str
) -> None:
    fleet["/instances?fleet=1"] = {**fleet["/instances?fleet=1"], **head}
    code, _, err = run(capsys, "list")
    assert code == 0
    assert sentence in err
    assert bool(err) is bool(sentence)


def test_what_is_wrong_with_the_register_is_said_beside_the_hosts(
    fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = {"kind": "document", "path": "/h2o/demo/control/fleet", "since": "", "what": "not JSON\x1b[2J"}
    fleet["/hosts"] = {**fleet["/hosts"], "alarms": [alarm]}
    code, out, err = run(capsys, "hosts")
    assert code == 0
    assert "has an alarm: /h2o/demo/control/fleet: not JSON" in err
    assert "not JSON" not in out
    assert not CONTROLS.search(err)


def test_an_empty_fleet_is_no_failure(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/instances?fleet=1"] = {**HEAD, "instances": []}
    code, out, err = run(capsys, "list", "--no-headers")
    assert (code, out) == (0, "")
    assert "no instance" in err


def test_a_unix_socket(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"
    with AgentServer({"/instances?fleet=1": {**HEAD, "instances": [instance(FIRST)]}}, path):
        assert run(capsys, "list", "--agent", f"unix:{path}", "-o", "name")[:2] == (0, f"{FIRST}\n")
        assert run(capsys, "--agent", str(path), "list", "-o", "name")[:2] == (0, f"{FIRST}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, err = run(capsys, *([command] if command else []), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: h2o {command}".rstrip())
    assert len(out.splitlines()) > 5
