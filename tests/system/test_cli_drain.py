"""`h2o drain` and its like on a real fleet of three hosts: what is decided, what is waited for, and what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.commands import drained
from h2o_core.control.epoch import parse_epoch
from h2o_core.envelope import RouteWish
from h2o_core.io.client import Client
from h2o_core.plan.situation import SETTINGS, decided_of
from tests.support.broker import eventually
from tests.support.fleet import running
from tests.support.hosts import registered
from tests.support.replay import history, holds
from tests.support.terminal import Terminal
from tests.support.watched import H2O
from tests.system.test_cli_fleet import Operator

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from h2o_console.dev.fleet import Fleet

ROOT = Path(__file__).parents[2]
CONTROLS = {"\x1b", "\x07", "\u202e"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running(tmp_path_factory.mktemp("drains")) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """All hosts are in use again afterwards, whatever the test did."""
    operator = Operator(fleet, capsys, monkeypatch)
    yield operator
    out = {one for one in fleet.hosts if operator.types("undrain", one, "-y", "--timeout", "5")[0] not in {0, 2}}
    assert out == set()


def decided(operator: Operator, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code, out, err = operator.types(*arguments, "-y", "--json")
    return code, json.loads(out) if out else {}, err


def epoch(fleet: Fleet) -> int:
    async def read(registry: Any) -> int:
        node = await registry.get("control/epoch")
        return parse_epoch("control/epoch", node.data).epoch

    return registered(fleet.zookeeper.address, fleet.name, read)


def started(fleet: Fleet, *arguments: str) -> subprocess.Popen[str]:
    """`h2o` in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*H2O, *arguments], env=fleet.environment("host-1"), cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    )


@contextmanager
def at_work(fleet: Fleet, host: str, seconds: float) -> Generator[list[str]]:
    """A request of host-1 that is executed on *host* for so long; how it ended, once the block is left."""
    ended: list[str] = []

    async def call() -> None:
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            request = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
            wish = RouteWish(host=host)
            reply = await client.call("/service/echo/wait", request, StringValue, timeout_s=seconds + 10, wish=wish)
            ended.append(reply.value)

    thread = Thread(target=lambda: asyncio.run(call()))
    thread.start()
    try:
        yield ended
    finally:
        thread.join(seconds + 15)


def test_it_ends_when_a_power_off_harms_nothing(operator: Operator, fleet: Fleet) -> None:
    code, told, err = decided(operator, "drain", "host-2", "--reason", "new disk")
    assert code == 0, err
    assert [(one["host"], one["safe"], one["remains"]) for one in told["drained"]] == [("host-2", True, [])]
    assert "host-2 may be switched off" in err
    before = epoch(fleet)
    code, again, err = decided(operator, "drain", "host-2")
    assert (code, again["changes_something"], epoch(fleet)) == (0, False, before), err
    assert again["sentence"] == "host-2: drained already"
    assert decided(operator, "undrain", "host-2")[0] == 0
    code, out, err = operator.types("undrain", "host-2", "-y")
    assert (code, out) == (2, "")
    assert "neither drained nor avoided" in err


def test_what_runs_is_waited_for_and_ctrl_c_leaves_it_so(operator: Operator, fleet: Fleet) -> None:
    with at_work(fleet, "host-2", 6) as ended:
        command = started(fleet, "drain", "host-2", "-y", "--reason", "x")
        assert command.stderr is not None
        lines: list[str] = []
        for line in command.stderr:
            lines.append(line)
            if "in flight 1" in line:
                break
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=10)
        assert (command.returncode, out) == (130, ""), lines
        assert "stands (epoch " in err
        assert "look again: h2o drain host-2; undo: h2o undo " in err
        assert ended == []
        assert operator.reads("journal", "-n", "1")["changes"][0]["hosts"] == ["host-2"]
        code, told, err = decided(operator, "drain", "host-2")
        assert (code, told["drained"][0]["safe"]) == (0, True), err
    assert ended == ["waited"]


def test_what_remains_is_listed(operator: Operator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drained, "_AFTER_GRACE_S", 1.0)
    with at_work(fleet, "host-3", 5):
        code, told, err = decided(operator, "drain", "host-3", "--grace", "60s", "--no-wait")
        assert (code, "drained" in told) == (0, False)
        monkeypatch.setattr(drained, "_AFTER_GRACE_S", -58.0)
        code, told, err = decided(operator, "drain", "host-3", "--grace", "60s")
    assert code == 5
    assert told["drained"][0]["in_flight"] == 1
    assert "works on 1 request" in err


def test_the_last_are_not_drained_but_by_force_and_name(operator: Operator, fleet: Fleet) -> None:
    before = epoch(fleet)
    code, out, err = operator.types("drain", "host-1", "host-2", "host-3", "-y")
    assert (code, out) == (6, "")
    assert "has the last of service/echo" in err or "have the last of service/echo" in err
    assert "more than one zone" in err
    assert operator.types("drain", "host-1", "host-2", "host-3", "-y", "--force")[0] == 2
    assert epoch(fleet) == before
    name = json.loads(operator.types("drain", "host-1", "host-2", "host-3", "--dry-run", "--json")[1])["confirm"]
    arguments = ("drain", "host-1", "host-2", "host-3", "--force", "--confirm", name, "--no-wait")
    assert decided(operator, *arguments)[0] == 0


@pytest.mark.parametrize("_round", range(3))
def test_two_operators_do_not_drain_the_last_together(operator: Operator, fleet: Fleet, _round: int) -> None:
    commands = [started(fleet, "drain", *hosts, "-y", "--no-wait") for hosts in (("host-1", "host-2"), ("host-3",))]
    ended = [(command.communicate(timeout=30), command.returncode) for command in commands]
    first, second = sorted(code for _, code in ended)
    assert (first, second in {6, 7}) == (0, True), ended
    assert operator.types("hosts")[0] == 0


def test_commands_that_are_killed_at_any_moment_leave_nothing_half_applied(fleet: Fleet) -> None:
    before, _ = registered(fleet.zookeeper.address, fleet.name, history)
    dice, ended = Random(11), Counter[int]()
    for number in range(20):
        one = started(fleet, ("avoid", "undrain")[number % 2], "host-3", "-y", "--reason", f"killed {number}")
        with suppress(subprocess.TimeoutExpired):
            one.communicate(timeout=dice.choice((dice.uniform(0.05, 1.0), 10.0)))
        one.kill()
        one.communicate()
        ended[one.returncode] += 1
    decided, entries = registered(fleet.zookeeper.address, fleet.name, history)
    assert ended[-signal.SIGKILL], ended
    assert decided.epoch > before.epoch, ended
    holds(decided, entries, decided_of(0, {SETTINGS: decided.documents[SETTINGS]}))
    for host in fleet.hosts:
        eventually(lambda at=host: fleet.ask(at, "/epoch")["applied"] == decided.epoch, f"{host} applies it all")


def test_a_sick_silent_host_is_drained_without_force(operator: Operator, fleet: Fleet) -> None:
    for kill in (fleet.kill_agent, fleet.kill_broker):
        kill("host-3", signal.SIGSTOP)
    try:
        code, told, err = decided(operator, "drain", "host-3", "--timeout", "1", "--no-wait")
        assert code == 0, err
        assert not told["refused"]
        assert "host-3" in told["silent"]
    finally:
        for kill in (fleet.kill_broker, fleet.kill_agent):
            kill("host-3", signal.SIGCONT)
    again = ("drain", "host-3", "-y", "--timeout", "5")
    eventually(lambda: operator.types(*again)[0] == 0, "it is back, and may be switched off", within_s=40)


def test_avoided_extended_and_back(operator: Operator) -> None:
    code, told, err = decided(operator, "avoid", "host-3", "--until", "1h", "--reason", "slow")
    assert code == 0, err
    code, later, err = decided(operator, "extend", "host-3", "--by", "1h")
    assert code == 0, err
    assert later["until"] > told["until"]
    code, out, err = operator.types("extend", "host-3", "--until", "never", "-y")
    assert code == 0, err
    code, out, err = operator.types("extend", "host-3", "--by", "1h", "-y")
    assert (code, out) == (2, "")
    assert "give it one: --until 4h" in err
    code, out, err = operator.types("rollback", "service/echo", "--to", "1.0.0", "--dry-run")
    assert code == 0, err
    assert decided(operator, "undo")[0] == 0
    assert decided(operator, "undrain", "host-3")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["drain", "host-9", "-y"], 3, "there are host-1, host-2, host-3"),
        (["drain", "host 1", "-y"], 2, "is not a host name"),
        (["drain", "\x1b]0;x\x07\u202e", "-y"], 2, "is not a host name"),
        (["drain", "host-1", "--until", "2020-01-01T00:00:00Z", "-y"], 2, "in the past"),
        (["drain", "host-1", "--until", "soon", "-y"], 2, "write 4h, 14:30 (UTC)"),
        (["drain", "host-1", "--grace", "long", "-y"], 2, "write 30s, 5m"),
        (["drain", "host-1", "--reason", "a\x1bb", "-y"], 2, "a reason is one line"),
        (["drain", "host-1"], 2, "say that you mean it: -y"),
        (["drain"], 2, "Missing argument"),
        (["drain", "host-1", "-y", "--zk", "127.0.0.1:1"], 4, "out of reach"),
        (["undrain", "host-1", "-y"], 2, "neither drained nor avoided"),
        (["avoid", "host-9", "-y"], 3, "there is no host"),
        (["extend", "host-1", "--by", "1h", "-y"], 2, "neither drained nor avoided"),
        (["extend", "host-1", "-y"], 2, "--until 4h"),
        (["extend", "service/echo", "--until", "7d", "-y"], 2, "nobody has decided anything"),
        (["rollback", "service/nobody", "-y"], 3, "there is no package"),
        (["rollback", "service/echo", "--to", "9", "-y"], 3, "there is no version"),
        (["undo", "feedfeed", "-y"], 3, "there is no change"),
    ],
)
def test_bad_input_says_what_to_type(operator: Operator, arguments: list[str], code: int, says: str) -> None:
    before = epoch(operator.fleet)
    got, out, err = operator.types(*arguments)
    assert (got, out) == (code, ""), err
    assert says in err
    assert not CONTROLS & set(err)
    assert epoch(operator.fleet) == before


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap")
def test_at_a_terminal_of_80_columns(operator: Operator, fleet: Fleet, tmp_path: Path) -> None:
    environ = {key: value for key, value in fleet.environment("host-1").items() if key.startswith("H2O_")}
    program = f"{sys.executable} -c '{H2O[-1]}'"
    command = f"cd {ROOT}; {program} drain host-2 --reason disk; echo code=$?; sleep 60"
    with Terminal(tmp_path, command, width=80, height=40, **environ) as terminal:
        page = terminal.shows("Decide it? [y/N]:")
        for part in (
            "drains host-2 until",
            "HOST",
            "passed",
            "undo:        h2o undrain host-2",
            "the same as: h2o drain",
        ):
            assert part in page
        terminal.write("y")
        terminal.press("Enter")
        terminal.shows("host-2 may be switched off", "undo: h2o undo", "code=0")
