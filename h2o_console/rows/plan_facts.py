"""What a plan tells before anybody agrees to it, as texts: the same in the command line and the console. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.figures import rate
from h2o_core.names import shown
from h2o_core.verdicts import Verdict
from h2o_core.weights import percent as share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.plan.plan import Load, Plan

SIGNS: Final = {Verdict.PASSED: "✓", Verdict.WARNED: "!", Verdict.REFUSED: "x"}
MOST_ROWS: Final = 8
"""Of a table, where not all are asked for: the ones that change most."""
_FULL: Final = 0.8
SHARES: Final = ("PACKAGE", "VERSION", "SHARE NOW", "THEN")
HOSTS: Final = ("HOST", "LOAD NOW", "THEN", "SLOTS")
INSTANCES: Final = ("INSTANCE", "PACKAGE", "VERSION", "HOST", "LOAD NOW", "THEN", "SLOTS")
Row = tuple[str, ...]
Said = tuple[Verdict, str, str]
"""A verdict, its sentence, and what to do instead."""


def tables(plan: Plan, *, whole: bool = False) -> list[tuple[tuple[str, ...], list[Row]]]:
    """(heads, rows) of each that has rows, what changes most first; at most `MOST_ROWS` unless *whole*."""
    effect = plan.effect
    shares = [_share(one.package, one.version, one.before, one.after, by_load=one.by_load) for one in effect.shares]
    hosts = sorted(effect.hosts, key=lambda one: (-_difference(one.before, one.after), one.host))
    instances = sorted(effect.instances, key=lambda one: (-_difference(one.before, one.after), one.instance.id))
    of_instances = [
        (
            one.instance.id[:8],
            shown(one.instance.package),
            one.instance.version,
            one.instance.host,
            *_loads(one.before, one.after),
        )
        for one in instances
    ]
    found: list[tuple[tuple[str, ...], list[Row]]] = [
        (SHARES, shares),
        (HOSTS, _shortened([(one.host, *_loads(one.before, one.after)) for one in hosts], whole=whole)),
        (INSTANCES, _shortened(of_instances, whole=whole)),
    ]
    return [(heads, rows) for heads, rows in found if rows]


def remarks(plan: Plan, silent: Mapping[str, str]) -> list[str]:
    """How much moves, what is worth knowing, and who says nothing of itself (host → why)."""
    moved = plan.effect.moved_per_s
    said = list(plan.remarks)
    if moved is None:
        said.insert(0, "How many requests move is not known: nobody has counted them in the last minute.")
    elif moved:
        said.insert(0, f"About {rate(moved)} requests/s go elsewhere than now.")
    return [*said, *(f"{host} says nothing of itself: {why}" for host, why in sorted(silent.items()))]


def verdicts(plan: Plan, *, whole: bool = False) -> list[Said]:
    """Each that is not good, each of its own; what passed in one, unless all is asked for."""
    bad = [(one.verdict, one.sentence, one.hint) for one in plan.guards if one.verdict is not Verdict.PASSED]
    passed = [one for one in plan.guards if one.verdict is Verdict.PASSED]
    if whole:
        return [*bad, *((one.verdict, one.sentence, one.hint) for one in passed)]
    names = "; ".join(dict.fromkeys(one.sentence for one in passed))
    return [*bad, *([(Verdict.PASSED, names, "")] if names else [])]


def _share(package: str, version: str, before: int, after: int, *, by_load: bool) -> Row:
    about = "about " if by_load else ""
    return shown(package), version, f"{about}{share(before)}", f"{about}{share(after)}"


def _loads(before: Load, after: Load) -> Row:
    return _load(before), _load(after), str(after.slots)


def _load(load: Load) -> str:
    """Unknown is said, and never looks like nothing; from 80 % on it is marked, which is where planning ends."""
    if load.part is None:
        return "unknown"
    full_pct = 100 * load.part
    return f"{'! ' if load.part > _FULL else ''}{full_pct:.{1 if full_pct < 10 else 0}f}%"


def _difference(before: Load, after: Load) -> float:
    if before.part is None or after.part is None:
        return 1.0
    return abs(after.part - before.part)


def _shortened(rows: list[Row], *, whole: bool) -> list[Row]:
    if whole or len(rows) <= MOST_ROWS:
        return rows
    blank = (" ",) * (len(rows[0]) - 1)
    return [*rows[: MOST_ROWS - 1], (f"and {len(rows) - MOST_ROWS + 1} more", *blank)]
