"""What a real agent answers to readers: the token, metrics of real requests, the register's agents, the description."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client.parser import text_string_to_metric_families

from h2o_core.access import read_token
from h2o_core.io.client import Client
from h2o_core.pb.host_pb2 import HostStats
from tests.process.test_agent_http_guard import ADDRESS
from tests.support.agent_process import ROOT, AgentProcess, kill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "tests.support.echo_package"]
ECHO = f'[[instance]]\npackage = "/service/echo"\ncommand = {json.dumps(COMMAND)}\ncwd = "{ROOT}"\n'


@pytest.fixture
def agent(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[AgentProcess]:
    everywhere = 'http_bind = "0.0.0.0"'
    with AgentProcess(tmp_path, zookeeper, fleet=fleet_name, instances=ECHO, extra=everywhere) as process:
        process.until_ready(1)
        yield process


def samples(agent: AgentProcess) -> dict[str, float]:
    """Name → the sum over all its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(agent.get("/metrics").text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def say_ten_times(agent: AgentProcess) -> None:
    with Client(agent.endpoint) as client:
        for _ in range(10):
            client.call_sync("/service/echo/say", StringValue(value="hello"), StringValue)


def test_requests_are_counted_and_stay_counted_when_their_instance_dies(agent: AgentProcess):
    say_ten_times(agent)
    agent.until(lambda: samples(agent).get("h2o_requests_total") == 10, "the requests are in /metrics")
    before = samples(agent)
    assert before["h2o_request_duration_seconds_count"] == before["h2o_caller_requests_total"] == 10
    (row,) = agent.rows()
    told = agent.json("/stats")["as_of"]
    agent.until(lambda: agent.json("/stats")["as_of"] > told, "one report more, which is the one that is kept")
    kill(row["pid"])
    agent.until(lambda: [one["id"] for one in agent.ready()] not in ([], [row["id"]]), "another one is there")
    agent.until(lambda: samples(agent).get("h2o_child_restarts_total") == 1, "its restart is counted")
    assert samples(agent)["h2o_requests_total"] == 10


def test_the_register_s_agents_are_told_to_prometheus(agent: AgentProcess, fleet_name: str):
    agent.until(lambda: json.loads(agent.get("/sd/prometheus").content), "the agent is in the register")
    (target,) = json.loads(agent.get("/sd/prometheus").content)
    assert target["labels"] == {"host": "host-1", "fleet": fleet_name, "zone": "a", "__meta_h2o_link": "self"}
    with urlopen(f"http://{target['targets'][0]}/metrics", timeout=10) as answer:
        assert b"h2o_broker_up 1.0" in answer.read()


@pytest.mark.skipif(not ADDRESS, reason="this machine has no address but loopback")
def test_from_elsewhere_it_is_read_with_the_token_that_follows_from_the_secret(agent: AgentProcess, fleet_name: str):
    agent.until(lambda: json.loads(agent.get("/sd/prometheus").content), "the agent is in the register")
    (target,) = json.loads(agent.get("/sd/prometheus").content)
    url = f"http://{ADDRESS}:{target['targets'][0].rpartition(':')[2]}/stats"
    with pytest.raises(HTTPError, match="401"):
        urlopen(url, timeout=10)
    secret = bytes.fromhex((agent.state_dir / "secret").read_text().strip())
    headers = {"Authorization": f"Bearer {read_token(secret, fleet_name)}", "Accept": "application/x-protobuf"}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        stats = HostStats.FromString(answer.read())
    assert [one.package for one in stats.report.instances] == ["/service/echo"]
    assert stats.children[0].key == "broker"


def test_every_described_path_without_parameters_answers(agent: AgentProcess):
    described = agent.json("/openapi.json")["paths"]
    paths = [path for path, item in described.items() if "{" not in path and "get" in item]
    assert len(paths) > 12
    asks_back = {"/why", "/call"}
    """Of which feature?"""
    for path in paths:
        answer = agent.get(path)
        assert answer.status_code == (400 if path in asks_back else 200), path
        assert path not in asks_back or answer.json()["hint"]
    assert agent.json("/epoch?at_least=0")["reached"] is True


def test_a_token_file_instead_of_the_secret(tmp_path: Path, zookeeper: str, fleet_name: str):
    token_file = tmp_path / "token"
    token_file.write_text("too short\n")
    host = AgentProcess(tmp_path, zookeeper, fleet=fleet_name, extra=f'read_token_file = "{token_file}"')
    host.start()
    assert host.wait() == 2
    assert "openssl rand -hex 32" in host.log
