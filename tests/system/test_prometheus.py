"""Debian's Prometheus scrapes the demo's fleet, found through ZooKeeper and through an agent; rules and dashboard."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from examples.demo.layout import hosts
from examples.demo.traffic import TrafficProcess
from h2o_console.cli.main import COMMANDS
from h2o_console.dev.fleet import Fleet
from tests.support.dev import within
from tests.support.prometheus import ABSENT, DEPLOY, ROOT, Prometheus, named_metrics, program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.skipif(bool(ABSENT), reason=ABSENT), pytest.mark.timeout(180)]

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "h2o.json").read_text())
ALL_UP = {"host-1": "up", "host-2": "up", "host-3": "up"}
QUIET = ("increase(h2o_log", "h2o_broker_events")
"""Have nothing to show where nothing is wrong, without a comparison that says so."""


def expressions() -> list[str]:
    """Every PromQL expression of the dashboard, its variables filled in."""
    targets = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    targets += [each["expr"] for each in DASHBOARD["annotations"]["list"]]
    filled = {"$__rate_interval": "30s", "$fleet": ".*", "$package": ".*"}
    for variable, value in filled.items():
        targets = [each.replace(variable, value) for each in targets]
    return targets


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    directory = tmp_path_factory.mktemp("prometheus") / "fleet"
    with Fleet(directory, hosts(directory), name="demo") as fleet:
        fleet.wait_ready()
        traffic = TrafficProcess(fleet, "host-1", 20.0)
        yield fleet
        traffic.kill()


@pytest.fixture(scope="module")
def both(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Prometheus]]:
    directory = tmp_path_factory.mktemp("servers")
    agents = {each["host"]: each["agent"] for each in fleet.ask("host-1", "/hosts")["hosts"]}
    serverset = {'"zk-1:2181", "zk-2:2181", "zk-3:2181"': f'"{fleet.zookeeper.address}"', "/h2o/prod/": "/h2o/demo/"}
    http_sd = {"host-1:8101": agents["host-1"], "host-2:8101": agents["host-2"]}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Prometheus(f"{name}.yml", directory / name, replaced))
            for name, replaced in (("serverset", serverset), ("http-sd", http_sd))
        }
        all_up(servers)
        yield servers


def all_up(servers: dict[str, Prometheus]) -> None:
    for server in servers.values():
        within(40, lambda: server.targets() == ALL_UP, server.targets)  # noqa: B023 - called at once


@pytest.mark.parametrize("name", ["serverset", "http-sd"])
def test_every_agent_is_found_named_and_up(both: dict[str, Prometheus], name: str) -> None:
    assert both[name].targets() == ALL_UP
    _, result = both[name].query('up{job="h2o"}')
    assert {each["metric"]["fleet"] for each in result} == {"demo"}


@pytest.mark.parametrize("name", ["serverset", "http-sd"])
def test_requests_are_counted_up(both: dict[str, Prometheus], name: str) -> None:
    server = both[name]
    total = "sum(h2o_requests_total)"
    within(20, lambda: server.value(total) > 0, lambda: server.query(total))
    before = server.value(total)
    within(20, lambda: server.value(total) > before, lambda: server.query(total))
    within(20, lambda: server.value("sum(rate(h2o_requests_total[10s]))") > 1, lambda: server.query(total))


def test_the_rules_are_evaluated(both: dict[str, Prometheus]) -> None:
    server = both["http-sd"]
    within(20, lambda: not server.rule_errors(), server.rule_errors)
    for recorded in ("h2o:requests:rate5m", "h2o:request_duration_seconds:p95_5m"):
        within(20, lambda: server.value(f"count({recorded})") > 0, lambda: server.query(recorded))  # noqa: B023
    _, alerts = server.get("alerts")
    assert [each for each in alerts["alerts"] if each["state"] == "firing"] == []


def test_promtool_finds_nothing_wrong() -> None:
    promtool = program("promtool")
    assert promtool
    for kind, name in (("rules", "h2o.rules.yml"), ("config", "serverset.yml"), ("config", "http-sd.yml")):
        argv = [promtool, "check", kind, str(DEPLOY / name)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should() -> None:
    promtool = program("promtool")
    assert promtool
    argv = [promtool, "test", "rules", "h2o.rules.test.yml"]
    done = subprocess.run(argv, cwd=DEPLOY, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    alerts = set(re.findall(r"alert: (\w+)", (DEPLOY / "h2o.rules.yml").read_text()))
    assert set(re.findall(r'alertname="(\w+)"', (DEPLOY / "h2o.rules.test.yml").read_text())) == alerts


def test_what_alerts_say_to_type_exists() -> None:
    commands = re.findall(r"h2o ([a-z]+)", "\n".join(re.findall(r"next: .*", (DEPLOY / "h2o.rules.yml").read_text())))
    assert set(commands) - set(COMMANDS) == set()


def test_the_dashboard_asks_for_what_there_is(fleet: Fleet, both: dict[str, Prometheus]) -> None:
    declared: set[str] = set()
    for each in fleet.ask("host-1", "/hosts")["hosts"]:
        with urlopen(f"http://{each['agent']}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        declared |= {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    asked = {name for expression in expressions() for name in named_metrics(expression)}
    asked |= {name for name in named_metrics((DEPLOY / "h2o.rules.yml").read_text()) if not name.startswith("h2o_rec")}
    parts = {f"{name}{end}" for name in declared for end in ("", "_bucket", "_sum", "_count")}
    assert asked - parts == set()
    assert len(asked) > 30
    del both


def test_every_query_of_the_dashboard_parses_and_has_something_to_show(both: dict[str, Prometheus]) -> None:
    server = both["http-sd"]
    for expression in expressions():
        status, result = server.query(expression)
        assert status == 200, (expression, result)
    always = [each for each in expressions() if not any(sign in each for sign in (" > ", " == ", 'state!="', *QUIET))]
    assert len(always) > 20

    def empty() -> list[str]:
        return [each for each in always if not server.query(each)[1]]

    within(40, lambda: not empty(), empty)


def test_a_killed_host_is_no_target_any_more(fleet: Fleet, both: dict[str, Prometheus]) -> None:
    pids = [row["pid"] for row in fleet.instances("host-3")]
    fleet.kill_agent("host-3")
    fleet.kill_broker("host-3")
    for pid in pids:
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pid)], check=False)
    left = {"host-1": "up", "host-2": "up"}
    for server in both.values():
        within(30, lambda: server.targets() == left, server.targets)  # noqa: B023
    fewer = 'count by (fleet) (up{job="h2o"}) < count by (fleet) (up{job="h2o"} offset 10s)'
    server = both["serverset"]
    within(20, lambda: server.value(fewer) == 2, lambda: server.query(fewer))
    fleet.start_host("host-3")
    fleet.wait_ready()
    all_up(both)
