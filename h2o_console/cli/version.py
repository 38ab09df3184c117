"""`h2o version`: this program, the agent and the broker it would talk to, and how that stands with ZooKeeper."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, fetch
from h2o_console.cli.options import Reading, reading, reading_options
from h2o_console.cli.output import Column
from h2o_console.cli.printing import Page, show
from h2o_console.cli.token import token_for
from h2o_console.feed.answers import SCHEMA, objects, table, text
from h2o_core.envelope import WIRE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.failures import Exit
    from h2o_core.context import Context

COLUMNS: Final = (Column("PART"), Column("VERSION"), Column("WIRE"), Column("WHERE"))
_UNKNOWN: Final = "unknown"


@click.command("version")
@reading_options
def command(**options: Any) -> Exit:
    """Show the versions of this program, of the agent and of the broker it would talk to.

    An agent or broker out of reach is shown as such and is no failure.

    \b
    h2o version
    h2o --context prod version --json
    """  # noqa: D301 - \b is click's mark for lines to keep
    told = reading(options)
    context = told.context()
    return show(lambda: page(parts(context, told)), told)


def parts(context: Context, told: Reading) -> list[dict[str, Any]]:
    """Each part: name, version, wire, where."""
    agent, health = _agent(context, told.timeout_s)
    return [_program(), agent, _broker(context, told.timeout_s), _register(health)]


def page(found: list[dict[str, Any]]) -> Page:
    """The parts in all shapes."""
    rows = [
        tuple("" if part[key] is None else str(part[key]) for key in ("part", "version", "wire", "where"))
        for part in found
    ]
    document = {"schema": SCHEMA, "parts": found}
    return Page(COLUMNS, rows, document, [f"{part['part']} {part['version']}" for part in found])


def _part(name: str, found: str | None, wire: int | None, where: str) -> dict[str, Any]:
    return {"part": name, "version": found, "wire": wire, "where": where}


def _program() -> dict[str, Any]:
    try:
        found = version("h2o-console")
    except PackageNotFoundError:
        found = _UNKNOWN
    return _part("h2o", found, WIRE, f"Python {'.'.join(map(str, sys.version_info[:3]))}")


def _agent(context: Context, timeout_s: float) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The part, and the agent's `/health`."""
    if not context.agent:
        return _part("agent", None, None, "no agent is known: --agent http://HOST:PORT"), {}
    try:
        reply = fetch(context.agent, "/health", timeout_s, token_for(context, context.agent))
    except AgentUnreachable as error:
        return _part("agent", None, None, f"{context.agent}: {error.why}"), {}
    except AgentRefused as error:
        return _part("agent", None, None, f"{context.agent}: {error.error}"), {}
    found = text(reply.document, "releaseId") or text(reply.document, "version") or _UNKNOWN
    return _part("agent", found, None, context.agent), reply.document


def _register(health: Mapping[str, Any]) -> dict[str, Any]:
    """How the agent's broker stands with ZooKeeper: what is wrong, in its own sentences."""
    checks = table(health, "checks")
    found = [entry for name in checks if name.startswith("register:") for entry in objects(checks, name)]
    if not objects(checks, "register:silent"):
        return _part("register", None, None, "no broker is there to tell")
    wrong = [text(entry, "output") for entry in found if text(entry, "status") not in {"", "pass"}]
    return _part("register", None, None, "; ".join(wrong) or "connected to ZooKeeper")


def _broker(context: Context, timeout_s: float) -> dict[str, Any]:
    if not context.run_dir:
        return _part("broker", None, None, "no broker on this machine is known: set H2O_BROKER")
    from h2o_console.cli.greeting import greet  # noqa: PLC0415 - zmq and protobuf, when there is a broker to ask

    where, wire = greet(context.run_dir, min(timeout_s, 1.0))
    return _part("broker", None, wire, where)
