"""`h2o call --host --version --instance`: what was typed → where alone the request may be executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_core.envelope import RouteWish
from h2o_core.names import package_of, shown
from h2o_core.pb.stats_pb2 import Ask, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.io.client import Client

_MOST_NAMED = 8


async def wish(client: Client, feature: str, typed: RouteWish) -> RouteWish:
    """With the instance's whole id and its version; raises CommandFailed when no instance is meant, or several are."""
    picture = Picture.FromString(await client.ask(Ask(what=Ask.PICTURE)))
    return meant(picture, package_of(feature), typed)


def meant(picture: Picture, package: str, typed: RouteWish) -> RouteWish:
    """As `wish`, in this picture of the fleet."""
    there = [
        RouteWish(host.host, instance.version, instance.instance)
        for host in picture.hosts
        for instance in host.instances
        if instance.package == package
    ]
    found = [
        each
        for each in there
        if typed.host in {"", each.host}
        and typed.version in {"", each.version}
        and each.instance.startswith(typed.instance)
    ]
    if not found:
        raise CommandFailed(Exit.NO_MATCH, f"{shown(package)} does not run there: {_shown(typed)}", _instead(there))
    if typed.instance and len(found) > 1:
        ids = _some(each.instance for each in found)
        raise CommandFailed(
            Exit.USAGE, f"{typed.instance!r} is the beginning of {len(found)} instances: {ids}", "type more of it"
        )
    return found[0] if typed.instance else typed


def _shown(typed: RouteWish) -> str:
    parts = (("host", typed.host), ("version", typed.version), ("instance", typed.instance))
    return ", ".join(f"{what} {name}" for what, name in parts if name)


def _instead(there: list[RouteWish]) -> str:
    if not there:
        return "see what runs: h2o list"
    return f"it runs on {_some(each.host for each in there)}, as {_some(each.version for each in there)}"


def _some(names: Iterable[str]) -> str:
    every = sorted(set(names))
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return f"{', '.join(every[:_MOST_NAMED])}{more}"
