"""The supervisor on real processes: order, restarts, adoption by the next supervisor, leaving."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from h2o_agent.launch import Launch
from h2o_agent.ledger import Entry, Ledger
from h2o_agent.lifecycle import Policy, State
from h2o_agent.order import BROKER, Phase
from h2o_agent.processes import identify
from h2o_agent.snapshot import ChildStatus
from h2o_agent.supervisor import Supervisor
from h2o_agent.usage import Use
from h2o_core.limits import NO_LIMITS, Limits
from h2o_core.pb.stats_pb2 import BrokerReport, InstanceReport
from tests.process.test_agent_processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Policy(first_backoff_s=0.05, cap_s=0.2, stable_s=60.0, grace_s=5.0)
SLEEP = ("sleep", "600")


class Host:
    """A host of stand-ins: its broker is a `sleep`, and what it would report is made up here."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.argv: dict[str, tuple[str, ...]] = {BROKER: SLEEP, "a": SLEEP, "b": SLEEP}
        self.limits: dict[str, Limits] = {}
        self.policy = QUICK
        self.supervisors: list[Supervisor] = []

    @property
    def supervisor(self) -> Supervisor:
        return self.supervisors[-1]

    def plan(self) -> list[Launch]:
        return [
            Launch(
                key,
                "" if key == BROKER else f"service/{key}",
                argv,
                {},
                "",
                str(self.directory / f"{key}.log"),
                self.limits.get(key, NO_LIMITS),
            )
            for key, argv in self.argv.items()
        ]

    def start(self) -> Supervisor:
        ledger = Ledger(self.directory / "children.json")
        supervisor = Supervisor(self.plan(), ledger, self.policy, run_dir=str(self.directory))
        self.supervisors.append(supervisor)
        supervisor.start()
        return supervisor

    def status(self, key: str) -> ChildStatus:
        return {status.key: status for status in self.supervisor.statuses({})}[key]

    def report(self, *registered: str) -> None:
        """What the broker would say if these were registered."""
        instances = [InstanceReport(instance=f"id-{key}", launch=self.status(key).token) for key in registered]
        self.supervisor.heard(BrokerReport(pid=self.status(BROKER).pid, instances=instances))

    def pids(self) -> dict[str, int]:
        return {status.key: status.pid for status in self.supervisor.statuses({})}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    for entry in Ledger(tmp_path / "children.json").load():
        if entry.pid:
            os.killpg(entry.pid, signal.SIGKILL)
    for supervisor in made.supervisors:
        supervisor.close()


async def test_instances_start_when_the_broker_has_answered(host: Host):
    supervisor = host.start()
    assert host.status("a").state is State.WAITING
    assert supervisor.phase is Phase.BROKER_FIRST
    supervisor.heard(BrokerReport(pid=1))
    assert supervisor.phase is Phase.BROKER_FIRST, "another broker's answer says nothing of ours"
    host.report()
    assert supervisor.phase is Phase.UP
    assert {host.status(key).state for key in "ab"} == {State.STARTING}
    host.report("a")
    assert (host.status("a").state, host.status("b").state) == (State.RUNNING, State.STARTING)
    host.report()
    assert host.status("a").state is State.STARTING, "it lives, but is registered no more"


async def test_a_dead_instance_and_a_dead_broker_come_back(host: Host):
    host.start()
    host.report()
    before = host.pids()
    for key in ("a", BROKER):
        os.kill(before[key], signal.SIGKILL)
    await until(lambda: all(host.pids()[key] not in {0, before[key]} for key in before if key != "b"), "both are back")
    assert host.pids()["b"] == before["b"]
    assert (host.status("a").last_exit, host.status("a").restarts) == (-9, 1)
    assert host.status("a").exited
    assert abs(host.status("a").last_exit_s - time.time()) < 60
    assert not host.status("b").exited


async def test_a_crash_loop_backs_off_and_says_so(host: Host):
    host.argv["a"] = ("sh", "-c", "exit 7")
    host.start()
    host.report()
    await until(lambda: host.status("a").crash_loops, "it dies a third time")
    assert host.status("a").last_exit == 7
    await until(lambda: host.status("a").failures >= 6, "it is tried on and on")


async def test_a_death_is_told_with_the_last_words_of_that_life(host: Host):
    host.policy = Policy(first_backoff_s=30.0)
    (host.directory / "a.log").write_text("of an earlier life\n")
    host.argv["a"] = ("sh", "-c", "printf 'bad \\033[31m luck\\n\\n'; exit 1")
    host.start()
    host.report()
    await until(lambda: host.status("a").failures == 2, "it dies twice")
    assert host.status("a").why == "bad ?[31m luck"
    assert host.status("a").last_lines == ("bad \x1b[31m luck",)


async def test_who_said_nothing_has_no_last_words(host: Host):
    host.policy = Policy(first_backoff_s=30.0)
    (host.directory / "a.log").write_text("of an earlier life\n")
    host.argv["a"] = ("false",)
    host.start()
    host.report()
    await until(lambda: host.status("a").failures == 2, "it dies twice")
    assert host.status("a").why == ""


async def test_what_cannot_be_started_is_failed_with_its_sentence(host: Host):
    host.argv["a"] = ("no-such-command-here",)
    host.start()
    host.report()
    assert host.status("a").state is State.FAILED
    assert "no-such-command-here: No such file" in host.status("a").why
    assert host.status("b").state is State.STARTING


async def test_leaving_takes_instances_then_the_broker_and_leaves_nothing(host: Host):
    record = host.directory / "record"
    say = "trap 'echo {0} >> {1}; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    host.argv = {key: ("sh", "-c", say.format(key, record)) for key in (BROKER, "a", "b")}
    supervisor = host.start()
    await until(lambda: "ready" in (host.directory / f"{BROKER}.log").read_text(), "the broker listens")
    host.report()
    await until(lambda: all("ready" in (host.directory / f"{key}.log").read_text() for key in "ab"), "both listen")
    pids = host.pids()
    supervisor.stop()
    await until(supervisor.gone.is_set, "everything left")
    assert sorted(record.read_text().split()[:2]) == ["a", "b"]
    assert record.read_text().split()[2:] == [BROKER]
    assert all(identify(pid) is None for pid in pids.values())
    assert Ledger(host.directory / "children.json").load() == []


async def test_who_does_not_leave_is_killed_when_hurried(host: Host):
    deaf = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done")
    host.argv = {BROKER: SLEEP, "a": deaf}
    supervisor = host.start()
    host.report()
    await until(lambda: "ready" in (host.directory / "a.log").read_text(), "it does not listen")
    supervisor.stop()
    assert host.status("a").state is State.DRAINING
    supervisor.stop(0.0)
    await until(supervisor.gone.is_set, "everything left")


async def test_the_next_agent_adopts_everything_and_doubles_nothing(host: Host):
    host.start()
    host.report("a", "b")
    before = host.pids()
    host.supervisor.close()
    host.start()
    assert host.pids() == before
    host.report("a", "b")
    assert {status.state for status in host.supervisor.statuses({})} == {State.RUNNING}
    os.kill(before["a"], signal.SIGKILL)
    await until(lambda: host.pids()["a"] not in {0, before["a"]}, "an adopted one's death is mended")
    assert host.status("a").last_exit is None


async def test_what_died_while_no_agent_was_there_is_started_again(host: Host):
    host.start()
    host.report("a", "b")
    before = host.pids()
    host.supervisor.close()
    for key in ("a", BROKER):
        os.kill(before[key], signal.SIGKILL)
    await until(lambda: identify(before["a"]) is None and identify(before[BROKER]) is None, "both are dead")
    host.start()
    assert host.pids()["b"] == before["b"]
    assert host.pids()[BROKER] not in {0, before[BROKER]}
    assert host.status("a").state is State.WAITING, "the broker comes first"
    host.report()
    assert host.pids()["a"] not in {0, before["a"]}


async def test_an_agent_that_died_between_start_and_note_doubles_nothing(host: Host):
    host.start()
    host.report()
    pid = host.pids()["a"]
    token = host.status("a").token
    host.supervisor.close()
    Ledger.put(_loaded(host.directory), Entry("a", "service/a", token))
    host.start()
    assert host.pids()["a"] == pid


async def test_what_the_host_file_does_not_want_any_more_leaves(host: Host):
    host.start()
    host.report()
    pid = host.pids()["b"]
    host.supervisor.close()
    del host.argv["b"]
    host.start()
    await until(lambda: identify(pid) is None, "it is told to leave")
    await until(lambda: "b" not in host.pids(), "and is not listed any more")


async def test_a_broker_that_already_serves_is_adopted_when_ours_is_refused(host: Host):
    by_hand = subprocess.Popen(SLEEP, start_new_session=True)  # noqa: ASYNC220 - it starts at once
    host.argv[BROKER] = ("sh", "-c", "exit 3")
    supervisor = host.start()
    await until(lambda: host.status(BROKER).failures > 1, "ours is refused")
    supervisor.heard(BrokerReport(pid=by_hand.pid))
    assert host.pids()[BROKER] == by_hand.pid
    assert host.status(BROKER).state is State.RUNNING
    by_hand.kill()
    by_hand.wait()


async def test_a_ledger_that_cannot_be_read_is_said_and_does_not_stop_the_host(
    host: Host, caplog: pytest.LogCaptureFixture
):
    (host.directory / "children.json").write_text("garbage")
    host.start()
    assert "can't be read" in caplog.text
    assert host.pids()[BROKER]


@pytest.mark.parametrize("ledger", ["torn", "gone", "of a full disk"])
async def test_without_a_ledger_nothing_is_doubled(host: Host, ledger: str, caplog: pytest.LogCaptureFixture):
    path = host.directory / "children.json"
    if ledger == "of a full disk":
        (host.directory / "children.new").mkdir()  # it can't be written: the agent says so and goes on
    host.start()
    host.report("a", "b")
    before = host.pids()
    host.supervisor.close()
    if ledger == "torn":
        path.write_text(path.read_text()[:-20])
    elif ledger == "gone":
        path.unlink()
    else:
        assert "is not noted" in caplog.text
        (host.directory / "children.new").rmdir()
    host.start()
    assert host.pids() == before
    assert "though the list of children does not have it" in caplog.text


async def test_what_a_child_has_started_is_not_taken_for_the_child(host: Host):
    record = host.directory / "grandchild"
    host.argv["a"] = ("sh", "-c", f"setsid sleep 600 & echo $! > {record}; exec sleep 600")
    host.start()
    host.report()
    await until(lambda: record.exists() and record.read_text(), "it has a child of its own")
    before = host.pids()
    host.supervisor.close()
    (host.directory / "children.json").unlink()
    host.start()
    assert host.pids() == before
    os.kill(int(record.read_text()), signal.SIGKILL)


async def test_what_outlives_a_dead_child_is_not_taken_for_it_either(host: Host):
    record = host.directory / "grandchild"
    host.argv["a"] = ("sh", "-c", f"setsid sleep 600 & echo $! > {record}; exec sleep 600")
    host.start()
    host.report()
    await until(lambda: record.exists() and record.read_text(), "it has a child of its own")
    grandchild, before = int(record.read_text()), host.pids()["a"]
    host.supervisor.close()
    os.kill(before, signal.SIGKILL)
    await until(lambda: identify(before) is None, "it is dead")
    host.start()
    host.report()
    assert host.pids()["a"] not in {0, before, grandchild}
    os.kill(grandchild, signal.SIGKILL)
    await until(lambda: int(record.read_text() or grandchild) != grandchild, "the new one has one, too")
    os.kill(int(record.read_text()), signal.SIGKILL)


async def test_a_child_that_leaves_a_grandchild_behind_leaves_none(host: Host):
    host.policy = Policy(first_backoff_s=30.0)
    host.argv["a"] = ("sh", "-c", f"sleep 600 & echo $! >> {host.directory}/grandchildren; exit 1")
    host.start()
    host.report()
    await until(lambda: host.status("a").failures == 2, "it dies twice")
    left = [int(pid) for pid in (host.directory / "grandchildren").read_text().split()]
    await until(lambda: all(identify(pid) is None for pid in left), "what it had started is gone")
    assert len(left) == 2


async def test_while_it_backs_off_and_while_it_drains_the_next_agent_doubles_nothing(host: Host):
    host.policy = Policy(first_backoff_s=30.0, grace_s=30.0)
    host.argv["a"] = ("false",)
    host.argv["b"] = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done")
    host.start()
    host.report()
    await until(lambda: host.status("a").failures == 2, "it backs off")
    await until(lambda: "ready" in (host.directory / "b.log").read_text(), "it is deaf")
    before = host.pids()
    host.supervisor.stop()
    assert host.status("b").state is State.DRAINING
    host.supervisor.close()  # killed while it drains
    host.start()
    host.report()
    assert (host.pids()["b"], host.status("b").state) == (before["b"], State.STARTING), "adopted, and wanted again"
    await until(lambda: host.status("a").failures == 2, "the other is tried again, and backs off")
    assert (host.directory / "b.log").read_text().count("ready") == 1


async def test_a_changed_host_file_starts_and_stops_what_has_changed_alone(host: Host):
    host.start()
    host.report("a", "b")
    before = host.pids()
    del host.argv["b"]
    host.argv["c"] = SLEEP
    host.supervisor.reload(host.plan())
    await until(lambda: host.pids().keys() == {BROKER, "a", "c"}, "b is gone and c is there")
    assert identify(before["b"]) is None
    assert (host.pids()["a"], host.pids()[BROKER]) == (before["a"], before[BROKER])
    host.argv["b"] = SLEEP
    host.supervisor.reload(host.plan())
    assert host.pids()["b"] not in {0, before["b"]}


async def test_limits_are_kept_or_said(host: Host, caplog: pytest.LogCaptureFixture):
    say = ("sh", "-c", "sleep 0.2; ulimit -n; nice; exec sleep 600")
    host.argv |= {"a": say, "b": say}
    host.limits = {"a": Limits(nofile=77, nice=3), "b": Limits(nofile=1 << 30)}  # beyond the kernel's own limit
    host.start()
    host.report()
    path = host.directory / "a.log"
    await until(lambda: "77" in path.read_text().split(), "it says what it has")
    await until(lambda: "3" in path.read_text().split(), "it says how nice it is")
    assert host.status("a").unkept == ()
    assert "nofile 1073741824 is not granted" in host.status("b").unkept[0]
    assert "b runs without a limit" in caplog.text


async def test_who_has_too_much_memory_for_long_is_started_again_in_order(host: Host, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("h2o_agent.memory.PATIENCE_S", 0.05)
    host.argv["a"] = ("sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done")
    host.limits["a"] = Limits(memory_mib=64)
    host.start()
    host.report()
    await until(lambda: "ready" in (host.directory / "a.log").read_text(), "it listens")
    before = host.pids()["a"]

    def fat() -> bool:
        host.supervisor.watch_memory({before: Use(0.0, 100 << 20)})
        return host.pids()["a"] not in {0, before}

    await until(fat, "it is replaced")
    assert "bye" in (host.directory / "a.log").read_text(), "it was asked to leave, not killed"
    assert host.status("a").last_why == "it had 100 MiB of memory, and may have 64"
    assert host.status("a").restarts == 1


async def test_a_broker_that_has_hung_is_killed_and_one_that_may_be_well_is_not(
    host: Host, monkeypatch: pytest.MonkeyPatch
):
    supervisor = host.start()
    host.report()
    pid = host.pids()[BROKER]
    for _ in range(40):
        supervisor.unheard(1.01)
    assert host.pids()[BROKER] == pid, "it may be busy with its start"
    monkeypatch.setattr("h2o_agent.supervisor.STARTING_S", 0.0)
    host.report()
    for waited_s in [1.01] * 14 + [20.0] + [1.01] * 14 + [0.001] * 50:
        supervisor.unheard(waited_s)
    assert host.status(BROKER).state is State.STARTING, "we were stopped ourselves, or refused at once"
    supervisor.unheard(1.01)
    await until(lambda: host.pids()[BROKER] not in {0, pid}, "it is replaced")
    assert "it has hung" in host.status(BROKER).last_why
    assert host.status(BROKER).last_exit == -9


def _loaded(directory: Path) -> Ledger:
    ledger = Ledger(directory / "children.json")
    ledger.load()
    return ledger
