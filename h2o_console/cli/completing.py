"""What TAB offers after `h2o …`: names of the fleet that is meant, from an agent or a small file that remembers them.

Never in the way: an agent that is away or slow is given up after 50 ms, what it said last is offered then, and a
process of its own asks again for the next TAB.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import click

    from h2o_core.context import Context

WITHIN_S: Final = 0.05
_BACKGROUND_S: Final = 3.0
_OFFERED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,254}")
"""A name with anything else in it could be read by the shell as more than a name."""
_ID: Final = re.compile(r"[0-9a-f]+")
PATHS: Final = {
    "features": "/features?fleet=1",
    "hosts": "/hosts",
    "ids": "/instances?fleet=1",
    "versions": "/instances?fleet=1",
}
_CHANGES: Final = 20


def packages(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Packages, and ids once the beginning of one is typed."""
    return offered(incomplete, [*_packages(names(ctx, "features")), *_ids(ctx, incomplete)])


def features(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Features alone."""
    return offered(incomplete, names(ctx, "features"))


def measured(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Packages, their features, and ids."""
    known = names(ctx, "features")
    return offered(incomplete, [*_packages(known), *known, *_ids(ctx, incomplete)])


def hosts(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Hosts."""
    return offered(incomplete, names(ctx, "hosts"))


def ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Ids of instances."""
    return offered(incomplete, names(ctx, "ids"))


def versions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Versions of the package that is typed already; of any, where click has not parsed it yet: after ``--to``."""
    package = str(ctx.params.get("package") or "").strip("/").replace(".", "/")
    known = (name.partition(" ") for name in names(ctx, "versions"))
    return offered(incomplete, [version for of, _, version in known if package in {"", of}])


def weights(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The same as ``2.1.0=``, for a weight to follow."""
    return [f"{version}=" for version in versions(ctx, param, incomplete)]


def change_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Changes of control that a command showed or made, the newest first; the register is asked in the background."""
    from h2o_console.cli import remembered  # noqa: PLC0415 - only when TAB is pressed

    context = _context(ctx)
    if context is None or not context.zookeeper:
        return []
    kept = remembered.read(remembered.changes_of(context), remembered.CHANGES)
    if not kept.fresh:
        remembered.in_background(lambda: _refresh_changes(context))
    return [each for each in kept.names if each.startswith(incomplete) and _ID.fullmatch(each)]


def _refresh_changes(context: Context) -> None:
    from h2o_console.asking.register import NoRegister, in_register  # noqa: PLC0415 - only when TAB is pressed
    from h2o_console.cli import remembered  # noqa: PLC0415 - as above
    from h2o_console.commands.journal import Wanted, read_journal  # noqa: PLC0415 - as above

    try:
        found = in_register(context, _BACKGROUND_S, lambda registry: read_journal(registry, Wanted(), _CHANGES))
    except NoRegister:
        return
    remembered.remember_changes(context, [entry.change_id for entry in found.entries])


def finding_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Findings that `h2o triage` has shown, the last ones first."""
    from h2o_console.cli import triage_found  # noqa: PLC0415 - only when TAB is pressed

    context = _context(ctx)
    return [] if context is None else [one for one in triage_found.recall(context) if one.startswith(incomplete)]


def everything(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Whatever has a page: packages, features, hosts, ids."""
    return offered(incomplete, [*measured(ctx, param, incomplete), *names(ctx, "hosts")])


def contexts(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The configuration file's contexts."""
    from h2o_core.context import NoContext  # noqa: PLC0415 - only when TAB is pressed
    from h2o_core.io.context import read_configuration  # noqa: PLC0415 - as above

    try:
        return offered(incomplete, read_configuration().contexts)
    except NoContext:
        return []


def offered(incomplete: str, known: Iterable[str]) -> list[str]:
    """Those that begin with what was typed, each once; of names in any spelling that of the first letters.

    Whoever begins with a slash goes on with one.
    """
    slash = "/" if incomplete.startswith("/") else ""
    begun = incomplete.removeprefix("/")
    found = {name for name in known if name.startswith(begun) and _OFFERED.fullmatch(name)}
    return [slash + name for name in sorted(found)]


def names(ctx: click.Context, kind: str) -> list[str]:
    """All names of a *kind* (a key of `PATHS`) in the fleet that the command line means so far; [] when unknown."""
    from h2o_console.cli import remembered  # noqa: PLC0415 - only when TAB is pressed

    context = _context(ctx)
    if context is None or not context.agent:
        return []
    kept = remembered.read(context.agent, kind)
    if kept.fresh:
        return kept.names
    found = ask_names(context, kind, WITHIN_S)
    if found is None:
        remembered.in_background(lambda: _refresh(context, kind))
        return kept.names
    remembered.write(context.agent, kind, found)
    return found


def ask_names(context: Context, kind: str, timeout_s: float) -> list[str] | None:
    """The agent's names of that kind; None when it does not answer in time."""
    from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask  # noqa: PLC0415 - only when TAB is pressed
    from h2o_core.io.context import NoContext, agent_token  # noqa: PLC0415 - as above

    try:
        document = ask(context.agent, PATHS[kind], timeout_s, agent_token(context, context.agent))
    except (AgentUnreachable, AgentRefused, NoContext):
        return None
    return sorted(set(_NAMES[kind](document)))


def _refresh(context: Context, kind: str) -> None:
    from h2o_console.cli import remembered  # noqa: PLC0415 - only when TAB is pressed

    found = ask_names(context, kind, _BACKGROUND_S)
    if found is not None:
        remembered.write(context.agent, kind, found)


def _texts(document: Mapping[str, Any], key: str, field: str) -> list[str]:
    from h2o_console.feed.answers import objects, text  # noqa: PLC0415 - only when TAB is pressed

    return [name for entry in objects(document, key) if (name := text(entry, field))]


def _versions(document: Mapping[str, Any]) -> list[str]:
    """``service/customer 2.1.0``"""
    from h2o_console.feed.answers import objects, text  # noqa: PLC0415 - only when TAB is pressed

    return [f"{text(entry, 'package')} {text(entry, 'version')}" for entry in objects(document, "instances")]


_NAMES: Final[dict[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "features": lambda document: _texts(document, "features", "name"),
    "hosts": lambda document: _texts(document, "hosts", "host"),
    "ids": lambda document: _texts(document, "instances", "id"),
    "versions": _versions,
}


def _packages(known: Iterable[str]) -> set[str]:
    return {"/".join(name.split("/")[:2]) for name in known}


def _ids(ctx: click.Context, incomplete: str) -> list[str]:
    return names(ctx, "ids") if _ID.fullmatch(incomplete) else []


def _context(ctx: click.Context) -> Context | None:
    from h2o_console.cli.flags import flags_among  # noqa: PLC0415 - only when TAB is pressed
    from h2o_core.context import NoContext  # noqa: PLC0415 - as above
    from h2o_core.io.context import current_context  # noqa: PLC0415 - as above

    try:
        return current_context(flags_among(ctx.params, ctx.find_root().params))
    except NoContext:
        return None
