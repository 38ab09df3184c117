"""Every command against every form, -w and exit code that commands share; all are found, so none can forget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any, Final

import click
import pytest

from h2o_console.cli.main import group, main
from tests.support.agent_server import HEAD, AgentServer, host, host_stats, instance, stats
from tests.support.watched import H2O

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMS: Final = ("table", "wide", "json", "yaml", "name")
SHARED: Final = frozenset({*(f"-o {form}" for form in FORMS), "--json", "--no-headers", "-w"})
LACKS: Final = {
    "timeline": frozenset({"-w"}),
    "call": SHARED - {"-o json", "-o yaml", "--json"},
    "triage ack": SHARED,
    "triage unack": SHARED,
    "triage mute": SHARED,
    "triage unmute": SHARED,
    "context use": SHARED,
    "new": SHARED,
    "dev": SHARED,
    "completion": SHARED,
    **dict.fromkeys(
        ("weight", "experiment start", "experiment stop", "rollback", "drain", "undrain", "avoid", "extend"),
        frozenset({"-w"}),
    ),
    **dict.fromkeys(("settings", "undo"), frozenset({"-w"})),
}
"""What a command does without; every other one has all of it."""
NEEDS: Final = {
    "describe": ("service/customer",),
    "why": ("service/customer/get",),
    "top": ("--every", "1s"),
    "triage": ("--every", "1s"),
    "weight": ("service/customer",),
    "call": ("service/customer/get", "{}"),
    "completion": ("bash",),
    "new": ("service/invoice",),
    "context use": ("prod",),
}
"""What has to be typed besides, for a command that can be run as it stands."""
AWAY: Final = {"doctor": 1, "version": 0, "context": 0, "context list": 0, "context show": 0, "token": 2}
"""The exit codes of reading commands that no agent is needed for, while none answers; of the others 4."""
ELSEWHERE: Final = {"logs", "journal", "experiment status", "token"}
"""Watched in tests of their own, with real logs and a real register; and one that wants a secret."""


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with what is typed for it."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    if path and command.invoke_without_command:
        yield " ".join(path), command
    for name in command.list_commands(click.Context(command)):
        found = command.get_command(click.Context(command), name)
        assert found is not None
        yield from leaves(found, (*path, name))


EVERY: Final = dict(leaves(group))


def has(command: click.Command) -> frozenset[str]:
    """Of SHARED, what it takes."""
    found: set[str] = set()
    for one in command.params:
        if "-o" in one.opts:
            assert isinstance(one.type, click.Choice)
            found |= {f"-o {form}" for form in one.type.choices}
        found |= {name for name in ("--json", "--no-headers", "-w") if name in one.opts}
    return frozenset(found & SHARED)


WATCHED: Final = frozenset(name for name, command in EVERY.items() if "-w" in has(command))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER", "H2O_WEBHOOK", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("H2O_RUN", str(tmp_path / "run"))
    monkeypatch.setenv("H2O_AGENT", "http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_every_form_or_is_known_to_lack_it(name: str) -> None:
    assert has(EVERY[name]) == SHARED - LACKS.get(name, frozenset())


def test_nothing_is_excused_that_is_no_command() -> None:
    assert {*LACKS, *NEEDS, *AWAY, *ELSEWHERE} <= EVERY.keys()


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, lacks in LACKS.items() for option in sorted(lacks)]
)
def test_what_a_command_lacks_is_a_mistake_that_says_what_to_type(
    capsys: pytest.CaptureFixture[str], name: str, option: str
) -> None:
    code = main([*name.split(), *NEEDS.get(name, ()), *option.split()])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert option.split(maxsplit=1)[0] in err
    assert "h2o " in err.splitlines()[-1] or "-o json" in err.splitlines()[-1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(WATCHED))
def test_while_no_agent_answers_every_form_ends_with_the_same_code(
    capsys: pytest.CaptureFixture[str], name: str, form: str
) -> None:
    code = main([*name.split(), *NEEDS.get(name, ()), "-o", form, "--no-headers"])
    out, err = capsys.readouterr()
    assert code == AWAY.get(name, 4)
    if code == 4:
        assert out == ""
        assert "h2o" in err or "--" in err
    elif form == "json" and out:
        json.loads(out)


@pytest.mark.parametrize("name", sorted(WATCHED))
def test_two_forms_at_once_are_a_mistake(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code = main([*name.split(), *NEEDS.get(name, ()), "--json", "-o", "yaml"])
    assert code == 2
    assert "contradict" in capsys.readouterr().err


def test_whatever_is_watched_is_an_object_a_line_until_ctrl_c() -> None:
    there: dict[str, Any] = {
        "/instances?fleet=1": {**HEAD, "instances": [instance("3f8a91c2d4e5f607")]},
        "/hosts": {**HEAD, "hosts": [host("host-1", None)]},
        "/features?fleet=1": {**HEAD, "features": []},
        "/stats": host_stats(stats("3f8a91c2d4e5f607")),
        "/why?feature=%2Fservice%2Fcustomer%2Fget": {**HEAD, "feature": "/service/customer/get"},
        "/health": {"version": "1"},
    }
    with AgentServer(there) as server:
        environ = {**os.environ, "H2O_AGENT": server.address}
        running = {
            name: subprocess.Popen(
                [*H2O, *name.split(), *NEEDS.get(name, ()), "-w", "-o", "json"],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in WATCHED - ELSEWHERE
        }
        try:
            for name, process in running.items():
                assert process.stdout
                first = process.stdout.readline()
                assert isinstance(json.loads(first or "null"), dict), name
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=10)
                assert process.returncode == 130, name
        finally:
            for process in running.values():
                process.kill()
                process.communicate()
