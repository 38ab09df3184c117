"""Which instances, hosts and features an operator means. Pure.

Names in any spelling (``/service/customer``, ``service.customer``), globs, a feature for its package, and
any unique prefix of an instance's id.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_core.names import from_operator, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from h2o_console.feed.answers import Host, Instance

SHORT_ID = 8
_AMBIGUOUS_SHOWN = 5


def select_instances(instances: Sequence[Instance], typed: str) -> list[Instance]:
    """Those that *typed* means; raises CommandFailed when it means none, or several by one id's prefix."""
    exact = [each for each in instances if each.id and each.id == typed]
    if exact:
        return exact
    named = [each for each in instances if means_package(typed, each.package)]
    if named:
        return named
    prefixed = [each for each in instances if each.id.startswith(typed)] if typed else []
    if len({each.id for each in prefixed}) > 1:
        ids = sorted({each.id for each in prefixed})
        shown = ", ".join(ids[:_AMBIGUOUS_SHOWN]) + (", …" if len(ids) > _AMBIGUOUS_SHOWN else "")
        msg = f"{typed!r} begins {len(ids)} ids: {shown}"
        raise CommandFailed(Exit.USAGE, msg, "type more of the id, or the package's name")
    if not prefixed:
        raise no_match(typed, sorted({each.package for each in instances}), "list")
    return prefixed


def means_package(typed: str, package: str) -> bool:
    """Does *typed* mean the package, or a feature of it?"""
    return matches(typed, f"/{package}") or from_operator(typed).startswith(f"/{package}/")


def means_feature(typed: str, package: str, feature: str) -> bool | None:
    """Does *typed* mean this feature of the package? None when it names no feature of it, and so means them all."""
    if not from_operator(typed).startswith(f"/{package}/"):
        return None if means_package(typed, package) or "/" not in from_operator(typed)[1:] else False
    return matches(typed, f"/{feature}")


def select_hosts(hosts: Sequence[Host], typed: str) -> list[Host]:
    """Those whose name *typed* is or, as a glob, means; raises CommandFailed when it means none."""
    chosen = [each for each in hosts if fnmatchcase(each.host, typed)]
    if not chosen:
        raise no_match(typed, [each.host for each in hosts], "hosts")
    return chosen


def short_length(ids: Iterable[str]) -> int:
    """How many characters tell all *ids* apart, at least `SHORT_ID`."""
    known = sorted(set(ids))
    length = SHORT_ID
    for one, other in pairwise(known):
        if one[:length] == other[:length]:
            common = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
            length = common + 1
    return length
