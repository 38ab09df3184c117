"""A real agent with a real broker, real packages and a real ZooKeeper: start, deaths, adoption, leaving."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_agent.register import Registration
from h2o_core.hostfile import HostFile
from h2o_core.io.client import Client
from h2o_core.io.registry import Registry
from h2o_core.io.zookeeper import ZooKeeperChild
from h2o_core.znodes.agents import AgentNode
from tests.support.agent_process import ROOT, AgentProcess, kill
from tests.support.hosts import registered
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECHO_COMMAND = [sys.executable, "-m", "tests.support.echo_package"]
ECHO = f'[[instance]]\npackage = "/service/echo"\ncommand = {json.dumps(ECHO_COMMAND)}\ncwd = "{ROOT}"\n'
CRASHES = '[[instance]]\npackage = "/service/crash"\ncommand = ["sh", "-c", "echo I give up >&2; exit 7"]\n'


@pytest.fixture
def agent(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[AgentProcess]:
    with AgentProcess(tmp_path, zookeeper, fleet=fleet_name, instances=f"{ECHO}count = 2\n") as process:
        yield process


def nodes(zookeeper: str, fleet: str, *paths: str) -> list[dict[str, Any] | None]:
    """What stands in ZooKeeper."""

    async def read(registry: Registry) -> list[dict[str, Any] | None]:
        found = [await registry.get(path) for path in paths]
        return [None if node is None else {**json.loads(node.data), "owner": node.owner} for node in found]

    return registered(zookeeper, fleet, read)


def test_a_host_comes_up_and_answers_for_itself(agent: AgentProcess, zookeeper: str):
    rows = agent.until_ready(2)
    agent.until(lambda: agent.get("/readyz").status_code == 200, "it is registered")
    assert [(row["package"], row["version"], row["routable"]) for row in rows] == [("service/echo", "1.0.0", True)] * 2
    assert {row["pid"] for row in rows} < agent.children()
    assert all(row["launch"].startswith("service.echo-") for row in rows)

    health = agent.get("/health")
    assert (health.status_code, health.json()["status"], "output" in health.json()) == (200, "pass", False)
    assert agent.get("/health/service/echo").status_code == 200
    assert agent.get("/livez?verbose").text.startswith("[+]supervisor ok")
    assert {row["name"] for row in agent.rows("/features")} >= {"service/echo/say", "service/echo/wait"}

    own, live = nodes(zookeeper, agent.fleet, "agents/host-1", "live/host-1")
    assert own is not None
    assert live is not None
    assert own["machine"] == live["machine"]
    address = f"127.0.0.1:{own['serviceEndpoint']['port']}"
    (host,) = agent.rows("/hosts")
    assert (host["host"], host["agent"], host["link"], host["instances"]) == ("host-1", address, "self", 2)
    with urlopen(f"http://{address}/livez") as answer:
        assert answer.read() == b"ok\n"


def test_stats_count_what_was_called(agent: AgentProcess):
    agent.until_ready(2)
    with Client(agent.endpoint) as client:
        for _ in range(20):
            assert client.call_sync("/service/echo/say", StringValue(value="x"), StringValue).value == "x"

    def endpoints() -> list[dict[str, Any]]:
        every = [each for row in agent.json("/stats")["instances"] for each in row["endpoints"]]
        return [each for each in every if each["num_requests"]]

    agent.until(lambda: sum(each["num_requests"] for each in endpoints()) == 20, "all calls are counted")
    assert {each["name"] for each in endpoints()} == {"service/echo/say"}
    assert all(0 < each["p50_ms"] < 1000 for each in endpoints())
    assert agent.json("/stats")["callers"][0]["outcomes"] == {"OK": 20}


def test_an_instance_started_by_hand_appears_without_a_launch(agent: AgentProcess):
    agent.until_ready(2)
    environment = {**os.environ, "H2O_BROKER": str(agent.run_dir)}
    by_hand = subprocess.Popen(ECHO_COMMAND, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    rows = agent.until_ready(3)
    assert [row["launch"] for row in rows if row["pid"] == by_hand.pid] == [""]
    by_hand.kill()
    by_hand.wait()
    agent.until_ready(2)


def test_a_killed_instance_is_not_listed_any_more_and_comes_back(agent: AgentProcess):
    victim, other = agent.until_ready(2)
    kill(victim["pid"])
    began_s = time.monotonic()
    agent.until(lambda: victim["id"] not in {row["id"] for row in agent.rows()}, "it is not listed")
    assert time.monotonic() - began_s < 1.0
    rows = agent.until_ready(2)
    assert other["id"] in {row["id"] for row in rows}
    (back,) = [row for row in rows if row["id"] != other["id"]]
    assert (back["pid"] != victim["pid"], back["restarts"]) == (True, 1)


def test_a_killed_broker_comes_back_and_its_instances_with_it(agent: AgentProcess):
    pids = {row["pid"] for row in agent.until_ready(2)}
    broker = agent.json("/stats")["broker"]
    kill(broker["pid"])
    agent.until(lambda: agent.get("/livez").status_code == 200, "liveness does not depend on it")
    agent.until(lambda: agent.json("/stats").get("broker", broker)["pid"] != broker["pid"], "another broker answers")
    assert {row["pid"] for row in agent.until_ready(2)} == pids
    assert agent.json("/stats")["broker"]["restarts"] == 1


def test_a_killed_agent_leaves_its_host_running_and_the_next_one_adopts_it(agent: AgentProcess, zookeeper: str):
    agent.until_ready(2)
    agent.until(lambda: agent.get("/readyz").status_code == 200, "it is registered")
    (before,) = nodes(zookeeper, agent.fleet, "agents/host-1")
    assert before is not None
    children = agent.children()
    agent.kill()
    with Client(agent.endpoint) as client:
        assert client.call_sync("/service/echo/say", StringValue(value="x"), StringValue).value == "x"
    agent.start()
    agent.until_ready(2)
    assert agent.children() == children, "nothing was doubled, nothing restarted"
    # the killed one's session lingers: its node is replaced, not waited for
    agent.until(lambda: agent.get("/readyz").status_code == 200, "it is registered again")
    (after,) = nodes(zookeeper, agent.fleet, "agents/host-1")
    assert after is not None
    assert (after["owner"] != before["owner"], after["machine"]) == (True, before["machine"])
    # and adopted children are looked after as its own
    (victim, _) = agent.ready()
    kill(victim["pid"])
    agent.until(lambda: victim["pid"] not in {row["pid"] for row in agent.rows()}, "its death is noticed")
    agent.until_ready(2)


def test_sigterm_takes_the_whole_host_down_in_order(agent: AgentProcess, zookeeper: str):
    agent.until_ready(2)
    agent.until(lambda: agent.get("/readyz").status_code == 200, "it is registered")
    assert all(nodes(zookeeper, agent.fleet, "agents/host-1", "live/host-1"))
    with ThreadPoolExecutor(1) as pool, Client(agent.endpoint) as client:
        wait = Duration(seconds=1)
        late = pool.submit(client.call_sync, "/service/echo/wait", wait, StringValue, timeout_s=5.0)
        agent.until(lambda: any(row["in_flight"] for row in agent.rows()), "a request is being handled")
        assert agent.terminate() == 0
        assert late.result(5).value == "waited", "what was in flight is finished"
    assert agent.processes() == []
    assert nodes(zookeeper, agent.fleet, "agents/host-1", "live/host-1") == [None, None]
    assert not (agent.run_dir / "agent.sock").exists()


def test_sigint_does_too_and_a_second_one_is_impatient(tmp_path: Path):
    command = ["sh", "-c", "trap '' TERM INT; while :; do sleep 1; done"]
    deaf = f'[[instance]]\npackage = "/service/deaf"\ncommand = {json.dumps(command)}'
    with AgentProcess(tmp_path, instances=deaf) as agent:
        agent.until(lambda: [row for row in agent.rows() if row["state"] == "starting" and row["pid"]], "it runs")
        assert agent.process is not None
        agent.process.send_signal(signal.SIGINT)
        agent.until(lambda: [row for row in agent.rows() if row["state"] == "leaving"], "it is told to leave")
        assert "[-]staying failed: this host is leaving" in agent.get("/readyz").text
        agent.process.send_signal(signal.SIGINT)
        assert agent.wait() == 0
        assert agent.processes() == []


def test_a_second_agent_is_refused(agent: AgentProcess):
    agent.until_ready(2)
    children = agent.children()
    second = subprocess.run(agent.command(), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 3
    assert agent.process is not None
    assert f"another agent (pid {agent.process.pid}) serves {agent.run_dir}" in second.stderr
    assert agent.children() == children


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("colour = 3", "the host file has no key 'colour'"),
        ("http_port = 1", "http_port 1"),
        ('secret_file = "/no/such/file"', "secret_file /no/such/file can't be read"),
    ],
)
def test_a_bad_host_file_is_refused_with_its_sentence(tmp_path: Path, extra: str, says: str):
    if "http_port" in extra and os.geteuid() == 0:
        extra = 'http_bind = "192.0.2.1"'
        says = "http_bind 192.0.2.1"
    broken = AgentProcess(tmp_path, extra=extra)
    done = subprocess.run(broken.command(), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert broken.processes() == []


def test_a_zookeeper_address_that_is_none_is_said(tmp_path: Path):
    with AgentProcess(tmp_path, "a:b:c") as agent:
        agent.until(lambda: "is not where a ZooKeeper is" in _readiness(agent), "readiness names it")
        assert agent.get("/livez").status_code == 200
        assert agent.terminate() == 0


def test_a_fleet_that_is_no_name_is_refused(tmp_path: Path):
    broken = AgentProcess(tmp_path, fleet="a b/")
    done = subprocess.run(broken.command(), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, "'a b/' is not" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_crash_loop_is_shown_as_one(tmp_path: Path):
    with AgentProcess(tmp_path, instances=CRASHES + ECHO) as agent:
        agent.until(lambda: any("crash loop" in row["why"] for row in agent.rows()), "it is called a crash loop")
        crash, echo = sorted(agent.rows(), key=lambda row: row["package"])
        assert (crash["state"], crash["id"], crash["routable"]) == ("backoff", "", False)
        assert "exit code 7" in crash["why"]
        assert "(I give up)" in crash["why"]
        assert echo["package"] == "service/echo"
        agent.until(agent.ready, "the other one is not held up")
        assert agent.get("/health").status_code == 503
        assert agent.get("/health/service/crash").status_code == 503
        assert agent.get("/health/service/echo").status_code == 200
        assert agent.terminate() == 0


def test_without_zookeeper_it_serves_says_so_and_registers_later(tmp_path: Path, fleet_name: str):
    (tmp_path / "agent").mkdir()
    with ZooKeeperChild(tmp_path / "zookeeper") as zookeeper:
        address = zookeeper.address
        port = int(address.rpartition(":")[2])
    with AgentProcess(tmp_path / "agent", address, fleet=fleet_name, instances=ECHO) as agent:
        agent.until_ready(1)
        assert agent.get("/health").json()["status"] == "warn"
        assert agent.get("/livez").status_code == 200
        readiness = agent.get("/readyz")
        assert readiness.status_code == 503
        assert "[-]register failed: " in readiness.text
        assert agent.get("/readyz?exclude=register").status_code == 200
        with ZooKeeperChild(tmp_path / "zookeeper", port=port):
            agent.until(lambda: agent.get("/readyz").status_code == 200, "it registers when ZooKeeper comes")
            assert all(nodes(address, fleet_name, "agents/host-1"))
        # and ZooKeeper is gone again: leaving needs none
        assert agent.terminate() == 0
        assert agent.processes() == []


@pytest.mark.long
def test_in_a_new_session_it_registers_anew(tmp_path: Path, fleet_name: str):
    (tmp_path / "agent").mkdir()
    zookeeper = ZooKeeperChild(tmp_path / "zookeeper")
    zookeeper.start()
    port = int(zookeeper.address.rpartition(":")[2])
    try:
        with AgentProcess(tmp_path / "agent", zookeeper.address, fleet=fleet_name) as agent:
            agent.until(lambda: agent.json("/health") and agent.get("/readyz").status_code == 200, "it is registered")
            zookeeper.kill()
            agent.until(lambda: agent.get("/readyz").status_code == 503, "it notices")
            # another ensemble on the same address, empty: the old session means nothing there
            zookeeper = ZooKeeperChild(tmp_path / "another", port=port)
            zookeeper.start()
            agent.until(lambda: agent.get("/readyz").status_code == 200, "it is registered there", bound_s=30)
            assert all(nodes(zookeeper.address, fleet_name, "agents/host-1"))
            assert agent.terminate() == 0
    finally:
        zookeeper.kill()


def test_a_foreign_agent_s_place_is_not_taken(agent: AgentProcess, tmp_path: Path, zookeeper: str):
    agent.until(lambda: agent.json("/health") and agent.get("/readyz").status_code == 200, "it is registered")
    (tmp_path / "foreign").mkdir()
    with AgentProcess(tmp_path / "foreign", zookeeper, fleet=agent.fleet) as foreign:
        foreign.until(
            lambda: "another machine" in foreign.json("/health").get("output", "") + _readiness(foreign),
            "it says that the name is taken",
        )
        (node,) = nodes(zookeeper, agent.fleet, "agents/host-1")
        assert node is not None
        assert node["machine"] == (agent.state_dir / "machine-id").read_text().strip()
        assert foreign.terminate() == 0
    assert agent.get("/readyz").status_code == 200


def _readiness(agent: AgentProcess) -> str:
    try:
        return agent.get("/readyz").text
    except OSError:
        return ""


def test_a_broker_that_hangs_is_said_to_be_old(agent: AgentProcess):
    agent.until_ready(2)
    broker = agent.json("/stats")["broker"]["pid"]
    os.kill(broker, signal.SIGSTOP)
    try:
        agent.until(lambda: agent.json("/health").get("status") == "warn", "its health is a warning")
        (entry,) = agent.json("/health")["checks"]["broker:answering"]
        assert "has not answered for" in entry["output"]
        assert agent.json("/instances")["report_age_s"] >= 3.0
    finally:
        os.kill(broker, signal.SIGCONT)
    agent.until(lambda: agent.json("/health").get("status") == "pass", "and well again")


def test_a_host_file_is_read_again_at_sighup_and_a_bad_one_changes_nothing(agent: AgentProcess):
    before = {row["pid"] for row in agent.until_ready(2)}
    path = agent.write_hostfile()
    good = path.read_text()
    assert agent.process is not None
    path.write_text("colour = 3")
    agent.process.send_signal(signal.SIGHUP)
    agent.until(lambda: "what it said before stays in force" in agent.log, "it says what is wrong")
    assert {row["pid"] for row in agent.until_ready(2)} == before
    path.write_text(good.replace("count = 2", "count = 1") + CRASHES)
    agent.process.send_signal(signal.SIGHUP)
    agent.until(lambda: {row["package"] for row in agent.rows()} == {"service/echo", "service/crash"}, "another starts")
    agent.until(lambda: len(agent.ready()) == 1, "one of two leaves")
    assert agent.ready()[0]["pid"] in before
    path.write_text(good.replace('zone = "a"', 'zone = "b"'))
    agent.process.send_signal(signal.SIGHUP)
    agent.until(lambda: "used when the agent starts again: zone" in agent.log, "what needs a restart is named")
    assert len(before & {row["pid"] for row in agent.until_ready(2)}) == 1


def test_the_past_is_counted_and_a_killed_agent_goes_on_with_it(agent: AgentProcess):
    agent.until_ready(2)

    def counted() -> int:
        every = agent.json("/history?resolution=1s&kind=package").get("series", [])
        return sum(sum(point["outcomes"].values()) for series in every for point in series["points"])

    with Client(agent.endpoint) as client:
        for _ in range(20):
            client.call_sync("/service/echo/say", StringValue(value="x"), StringValue)
    agent.until(lambda: counted() == 20, "all calls are in it")
    agent.until(lambda: agent.json("/history?resolution=1s&kind=host")["series"], "so are the vitals")
    agent.kill()
    agent.start()
    agent.until_ready(2)
    with Client(agent.endpoint) as client:
        client.call_sync("/service/echo/say", StringValue(value="x"), StringValue)
    agent.until(counted, "it counts on")
    assert counted() == 1, "what the broker counted before this agent came is not counted twice"


async def test_the_registers_clock_is_compared_with_ours(tmp_path: Path, zookeeper: str, fleet_name: str):
    hostfile = HostFile("host-1", fleet_name, zookeeper, str(tmp_path), str(tmp_path), dev=True)
    own = AgentNode("host-1", "127.0.0.1", 1, "a", "m")
    registration = Registration(hostfile, own, b"s" * 32)
    assert registration.clock_skew_s is None
    running = asyncio.create_task(registration.run())
    try:
        await until(lambda: not registration.problem, "it is registered")
        skew_s = registration.clock_skew_s
        assert skew_s is not None
        assert abs(skew_s) < 0.6, "both run on this machine's clock"
    finally:
        running.cancel()
        await registration.stop()
