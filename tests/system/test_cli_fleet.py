"""`h2o` on a real fleet of three hosts: what an operator types, sees, and breaks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.main import main
from tests.support.fleet import HOSTS, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.dev.fleet import Fleet

BOUND_S = 10.0


class Operator:
    """Types `h2o` in this process, at one host of a fleet."""

    def __init__(self, fleet: Fleet, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.fleet = fleet
        self._capsys = capsys
        self._patch = patch
        self.at("host-1")

    def at(self, host: str) -> None:
        for key, value in self.fleet.environment(host).items():
            self._patch.setenv(key, value)

    def types(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main(arguments)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def reads(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.types(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    def ids(self, *arguments: str) -> set[str]:
        return {each["id"] for each in self.reads("list", *arguments)["instances"]}


@pytest.fixture
def operator(shared_fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(shared_fleet, capsys, monkeypatch)


@pytest.fixture
def breaker(own_fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(own_fleet, capsys, monkeypatch)


def within(bound_s: float, seen: Callable[[], bool], what: str) -> float:
    """Seconds until *seen*; fails after *bound_s*."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < bound_s, f"{what} not within {bound_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


def test_list_is_the_same_from_every_host(operator: Operator) -> None:
    seen: list[set[str]] = []
    for host in operator.fleet.hosts:
        operator.at(host)
        instances = operator.reads("list", "service/echo")["instances"]
        assert sorted(each["host"] for each in instances) == ["host-1", "host-2", "host-3"]
        assert {(each["package"], each["version"], each["state"]) for each in instances} == {
            ("service/echo", "1.0.0", "ready")
        }
        out = [each["why"] for each in instances if not each["routable"]]
        assert all("ejected" in why for why in out), "other tests make instances fail"
        seen.append({each["id"] for each in instances})
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 3


def test_hosts_and_zones(operator: Operator) -> None:
    document = operator.reads("hosts")
    assert {each["host"]: (each["zone"], each["link"], each["instances"]) for each in document["hosts"]} == {
        "host-1": ("a", "self", 1),
        "host-2": ("a", "up", 1),
        "host-3": ("b", "up", 1),
    }
    assert all(each["agent"] for each in document["hosts"])


def test_every_kind_of_page(operator: Operator) -> None:
    (first, *_) = operator.reads("list", "service/echo")["instances"]
    package = operator.reads("describe", "service/echo")
    assert [each["version"] for each in package["versions"]] == ["1.0.0"]
    assert len(package["instances"]) == 3
    assert operator.reads("describe", "service/echo/count")["types"][0]["request_type"].startswith("google.protobuf.")
    instance = operator.reads("describe", first["id"][:6])["instance"]
    assert (instance["id"], instance["package"]) == (first["id"], "service/echo")
    assert instance["argv"]
    assert instance["rss_bytes"] > 1_000_000
    host = operator.reads("describe", "host-2")
    assert {each["host"] for each in host["links"]} == {"host-1", "host-3"}
    assert host["vitals"]["memory_total_bytes"] > 0
    assert operator.types("describe", "service/echo")[1].startswith("PACKAGE service/echo\n")


def test_top(operator: Operator) -> None:
    hosts = {each["host"]: each for each in operator.reads("top", "hosts")["hosts"]}
    assert set(hosts) == {"host-1", "host-2", "host-3"}
    assert all(each["requests_per_s"] is not None and each["memory_pct"] for each in hosts.values())
    (echo,) = [each for each in operator.reads("top")["packages"] if each["package"] == "service/echo"]
    assert (echo["instances"], echo["ready"]) == (3, 3)
    assert echo["memory_bytes"] > 1_000_000


def test_doctor_finds_a_fleet_well(operator: Operator) -> None:
    code, out, _ = operator.types("doctor", "--json")
    found = {each["check"]: each for each in json.loads(out)["checks"]}
    for check in ("run directory", "agent", "broker", "hosts", "brokers", "control", "versions"):
        assert found[check]["status"] == "ok", found[check]
    assert any(check.startswith("zookeeper") and each["status"] == "ok" for check, each in found.items())
    assert code == 0


def test_how_a_process_ended_last_is_told(breaker: Operator) -> None:
    (victim, *_) = [each for each in breaker.reads("list", "service/echo")["instances"] if each["host"] == "host-1"]
    os.kill(victim["pid"], signal.SIGKILL)

    def told() -> bool:
        code, out, _ = breaker.types("describe", "service/echo", "--json")
        return code == 0 and json.loads(out).get("last_exit", {}).get("text", "") == "signal 9"

    within(BOUND_S, told, "the last exit in h2o describe")


def test_a_call_is_answered_and_counted_where_it_was_served(operator: Operator) -> None:
    def requests() -> int:
        return sum(
            endpoint["num_requests"]
            for each in operator.reads("stats", "service/echo/count")["instances"]
            for endpoint in each["endpoints"]
        )

    assert requests() == 0
    for _ in range(3):
        assert operator.types("call", "service/echo/count", '"hello"')[:2] == (0, '"hello"\n')
    within(BOUND_S, lambda: requests() == 3, "three requests in the statistics")


def test_a_call_goes_where_it_is_wanted_and_nowhere_else(operator: Operator) -> None:
    """A failed call's error says who executed it."""
    instances = operator.reads("list", "service/echo")["instances"]
    for each in instances:
        for where in (["--instance", each["id"][:10]], ["--host", each["host"], "--version", each["version"]]):
            for _ in range(4):
                code, _, err = operator.types("call", "service/echo/fail", '"here"', *where)
                assert code == 1
                assert f"host {each['host']} " in err


@pytest.mark.parametrize(
    ("where", "code", "sentence"),
    [
        (("--host", "host-9"), 3, "service/echo does not run there: host host-9"),
        (("--version", "7"), 3, "it runs on host-1, host-2, host-3, as "),
        (("--instance", ""), 0, ""),
        (("--instance", "zzz"), 3, "instance zzz"),
    ],
)
def test_a_place_that_there_is_not_is_named(
    operator: Operator, where: tuple[str, ...], code: int, sentence: str
) -> None:
    found, _, err = operator.types("call", "service/echo/say", '"x"', *where)
    assert (found, sentence in err) == (code, True)


def test_stats_of_one_instance_on_another_host(operator: Operator) -> None:
    (there,) = [each for each in operator.reads("list")["instances"] if each["host"] == "host-3"]
    (stats,) = operator.reads("stats", there["id"][:10])["instances"]
    assert (stats["id"], stats["host"], stats["name"]) == (there["id"], "host-3", "service/echo")
    assert {each["name"] for each in stats["endpoints"]} <= {
        f"service/echo/{name}" for name in ("say", "count", "wait", "refuse", "fail", "die")
    }


def test_the_printed_example_can_be_called(operator: Operator) -> None:
    code, example, err = operator.types("call", "service/echo/say")
    assert code == 0
    assert "h2o call service/echo/say " in err
    code, reply, _ = operator.types("call", "service/echo/say", example)
    assert (code, json.loads(reply)) == (0, json.loads(example))


@pytest.mark.parametrize(
    ("arguments", "code", "sentences"),
    [
        (
            ("service/echo/refuse", '"no more"'),
            1,
            ["APPLICATION refused: no more", "executed: yes; safe to repeat: no"],
        ),
        (("service/echo/fail", '"a bug"'), 1, ["INTERNAL", "executed: yes", "h2o logs ", "--grep"]),
        (("service/echo/wait", '"30s"', "--timeout", "0.3"), 1, ["TIMEOUT", "executed: unknown; safe to repeat: no"]),
        (("service/echo/sya", "1"), 3, ["has no feature service/echo/sya", "h2o call service/echo/say"]),
        (("service/echo",), 3, ["is a package, not a feature", "service/echo/wait"]),
        (("service/ecco/say",), 3, ["did you mean service/echo/say"]),
        (("service/echo/say", "{"), 2, ["is not a google.protobuf.StringValue", "h2o call service/echo/say"]),
    ],
)
def test_failed_calls_say_what_happened_and_what_to_type(
    operator: Operator, arguments: tuple[str, ...], code: int, sentences: list[str]
) -> None:
    found, out, err = operator.types("call", *arguments)
    assert (found, out) == (code, "")
    for sentence in sentences:
        assert sentence in err


def test_why_says_who_may_get_it_and_where_one_went(operator: Operator) -> None:
    said = operator.reads("why", "service/echo/say")
    assert said["code"] == "OK"
    assert {each["instance"] for each in said["candidates"]} == operator.ids("service/echo")
    assert sum(each["chance"] for each in said["candidates"]) == pytest.approx(1.0, abs=0.01)
    within(BOUND_S, lambda: _tells_where_one_went(operator), "a call that was sampled")
    code, out, _ = operator.types("why", "service/echo/say", "--caller", "service/geo")
    assert code == 1
    assert "FORBIDDEN" in out


def _tells_where_one_went(operator: Operator) -> bool:
    """False: other operators' requests, of other tests, had the whole ration of that second."""
    operator.at("host-1")
    _, _, err = operator.types("call", "service/echo/refuse", '"no more"')
    (request,) = re.findall(r"request ([0-9a-f]{32})", err)
    (instance,) = re.findall(r"instance ([0-9a-f]{8})", err)
    operator.at("host-2")
    code, out, _ = operator.types("why", "--request", request[:20], "--json")
    if code:
        return False
    went = json.loads(out)
    assert (went["host"], went["request_id"], went["chosen"][:8]) == ("host-1", request, instance)
    return True


def test_a_request_from_standard_input_in_a_process(shared_fleet: Fleet) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("h2o"), "call", "service.echo.say", "-", "--key", "k", "-o", "yaml"],
        env=shared_fleet.environment("host-2"),
        input='"piped"',
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, '"piped"\n', "")


def test_version_knows_all_three_and_the_register(operator: Operator) -> None:
    parts = {each["part"]: each for each in operator.reads("version")["parts"]}
    assert parts["h2o"]["wire"] == parts["broker"]["wire"] == 1
    assert parts["agent"]["where"] == operator.fleet.agent_address("host-1")
    assert "host-1" in parts["broker"]["where"]
    assert parts["register"]["where"] == "connected to ZooKeeper"


def test_a_killed_instance_is_out_of_the_list_within_a_second(breaker: Operator) -> None:
    (victim,) = [each["id"] for each in breaker.reads("list")["instances"] if each["host"] == "host-3"]
    breaker.fleet.kill_instance(victim)
    assert within(BOUND_S, lambda: victim not in breaker.ids(), "its disappearance") < 1.0
    within(BOUND_S, lambda: len(breaker.ids() - {"", victim}) == 3, "its successor")
    code, _, err = breaker.types("stats", victim)
    assert code == 3
    assert "nothing matches" in err


def test_a_directory_too_deep_for_sockets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path / ("deep" * 30), HOSTS[:1]) as fleet:
        operator = Operator(fleet, capsys, monkeypatch)
        assert len(operator.ids("service/echo")) == 1
        assert operator.types("call", "service/echo/say", '"deep"')[0] == 0
        away = Path(fleet.broker_dir("host-1"))
        assert not away.is_relative_to(tmp_path)
        assert away.parent.stat().st_mode & 0o777 == 0o700
    assert not away.parent.exists()


def test_without_its_agent_list_reads_zookeeper_and_stats_names_the_host(breaker: Operator) -> None:
    breaker.fleet.stop_host("host-1")
    code, out, err = breaker.types("list", "-o", "name")
    assert code == 0
    assert "reading ZooKeeper" in err
    assert len(out.split()) == 2
    breaker.at("host-2")
    within(
        BOUND_S, lambda: {each["host"] for each in breaker.reads("hosts")["hosts"]} == {"host-2", "host-3"}, "two hosts"
    )
    (there,) = [each["id"] for each in breaker.reads("list")["instances"] if each["host"] == "host-3"]
    breaker.fleet.kill_agent("host-3")
    code, _, err = breaker.types("stats", there)
    assert code == 5
    assert "host-3 is missing here" in err
    breaker.fleet.start_host("host-3")
    within(BOUND_S, lambda: breaker.types("stats", there)[0] == 0, "the next agent of host-3")
