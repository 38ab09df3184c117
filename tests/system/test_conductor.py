"""Agents elect one conductor: it hands over when its host leaves or is drained, and a dead one is succeeded."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from h2o_core.control import HostControl, HostState, encode_host_control
from tests.support.agent_process import AgentProcess
from tests.support.broker import eventually
from tests.support.control import decide
from tests.support.hosts import SESSION_S, registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_core.io.registry import Registry

HOSTS = ("host-1", "host-2", "host-3")


class Agents:
    """Three hosts with a broker each, and nothing to run."""

    def __init__(self, directory: Path, zookeeper: str, fleet: str, stack: ExitStack) -> None:
        self.zookeeper = zookeeper
        self.fleet = fleet
        self.agents: dict[str, AgentProcess] = {}
        secret = directory / "secret"
        secret.write_text("5e" * 32)
        secret.chmod(0o600)
        extra = f'session_timeout_s = {SESSION_S}\nsecret_file = "{secret}"'
        for host in HOSTS:
            (directory / host).mkdir()
            agent = AgentProcess(directory / host, zookeeper, host, fleet, extra=extra)
            self.agents[host] = stack.enter_context(agent)

    def until_led(self, *, but: str = "", by: tuple[str, ...] = HOSTS, after: int = -1) -> tuple[str, int]:
        """Wait until all agents *by* name the same conductor, of a term above *after*: host and term."""
        found: list[tuple[str, int]] = []

        def agreed() -> bool:
            said = [self.agents[host].json("/conductor") for host in by]
            names = {(one.get("leader"), one.get("term")) for one in said}
            leading = [one["host"] for one in said if one.get("leading")]
            if len(names) != 1:
                return False
            leader, term = names.pop()
            if leader is None or leader == but or term is None or term <= after or leading != [leader]:
                return False
            found.append((leader, term))
            return True

        self.agents[by[0]].until(agreed, f"{by} agree on who conducts")
        return found[-1]

    def others(self, host: str) -> tuple[str, ...]:
        return tuple(one for one in HOSTS if one != host)

    def decide(self, documents: dict[str, bytes | None]) -> None:
        async def work(registry: Registry) -> None:
            await decide(registry, documents)

        def there() -> bool:
            return registered(self.zookeeper, self.fleet, lambda registry: registry.get("control/epoch")) is not None

        eventually(there, "the first broker has made the epoch")
        registered(self.zookeeper, self.fleet, work)

    def drain(self, host: str) -> None:
        document = encode_host_control(HostControl(host, HostState.DRAIN, owner="ada"))
        self.decide({f"control/hosts/{host}": document})


@pytest.fixture
def agents(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[Agents]:
    with ExitStack() as stack:
        yield Agents(tmp_path, zookeeper, fleet_name, stack)


def test_one_conducts_and_all_say_who(agents: Agents):
    leader, term = agents.until_led()
    for host, agent in agents.agents.items():
        said = agent.json("/conductor")
        assert (said["leading"], said["leader"], said["term"]) == (host == leader, leader, term)
        assert said["since"] is not None
        checks = agent.json("/health")["checks"]["control:conductor"]
        assert [(one["componentId"], one["status"]) for one in checks] == [(leader, "pass")]


def test_who_leaves_hands_over_while_its_session_lives(agents: Agents):
    leader, term = agents.until_led()
    assert agents.agents[leader].terminate() == 0
    agents.until_led(but=leader, by=agents.others(leader), after=term)


def test_a_killed_one_is_succeeded_when_its_session_is_over(agents: Agents):
    leader, term = agents.until_led()
    agents.agents[leader].kill()
    successor, later = agents.until_led(but=leader, by=agents.others(leader), after=term)
    agents.agents[leader].start()
    assert agents.until_led() == (successor, later), "who comes back waits behind the others"


def test_a_stopped_one_is_succeeded_and_yields_when_it_goes_on(agents: Agents):
    leader, term = agents.until_led()
    process = agents.agents[leader].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    successor, later = agents.until_led(but=leader, by=agents.others(leader), after=term)
    process.send_signal(signal.SIGCONT)
    assert agents.until_led() == (successor, later)


def test_a_drained_host_hands_over_and_stands_again_when_it_is_used_again(agents: Agents):
    leader, term = agents.until_led()
    agents.drain(leader)
    successor, later = agents.until_led(but=leader, after=term)
    agent = agents.agents[leader]
    agent.until(lambda: agent.json("/conductor")["standing"] == "out", "it does not stand")
    assert agent.json("/conductor")["drained"]
    agents.decide({f"control/hosts/{leader}": None})
    agent.until(lambda: agent.json("/conductor")["standing"] == "waiting", "it stands again")
    assert agents.until_led() == (successor, later)


def test_a_host_that_starts_drained_does_not_stand(agents: Agents):
    leader, term = agents.until_led()
    agents.drain(leader)
    agents.until_led(but=leader, after=term)
    agent = agents.agents[leader]
    agent.kill()
    agent.start()
    agent.until(lambda: agent.json("/conductor").get("standing") == "out", "it does not stand")
