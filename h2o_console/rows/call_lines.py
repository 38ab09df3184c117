"""Calls as lines of a detail: who called what, with which outcomes; and a package's calls as a tree. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_console.measured import LAST_60S
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.figures import UNKNOWN, millis, percent
from h2o_console.rows.finding_keys import finding_key
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import error_tone, errors
from h2o_console.rows.sections import Field, Grid, outcomes_text, plain, title
from h2o_console.rows.shares import failed_share
from h2o_console.text import pad, safe
from h2o_core.figures import many
from h2o_core.insights.finding import Key, Kind as Insights, Subject

if TYPE_CHECKING:
    from h2o_console.store.views import CallView

CALLERS: Final = f"CALLERS, {LAST_60S} (counted where they call from; never added to the above)"
"""The title over them."""
_CALLS: Final = (
    Field("CALLER", 8),
    Field("VERSION", 7, 6),
    Field("FEATURE", 8, 1),
    Field("REQS", 7, 2, right=True),
    Field("p95 ms", 6, 3, right=True),
    Field("ERR%", 5, right=True),
    Field("HOSTS", 5, 5, right=True),
    Field("OUTCOMES", 16),
)


def call_lines(calls: Sequence[CallView], width: int, opens: Callable[[CallView], Place]) -> Iterator[Line]:
    """One line each, the most frequent on top."""
    content = {
        "CALLER": [safe(one.caller, 60) for one in calls],
        "FEATURE": [_feature(one) for one in calls],
        "VERSION": [safe(one.version, 20) for one in calls],
    }
    grid = Grid.fitting(_CALLS, content, width)
    yield from grid.heads()
    for one in sorted(calls, key=lambda call: (-sum(call.outcomes.values()), call.key)):
        yield _call(one, grid, opens(one))


def against_tiers(forbidden: str, breaches: int) -> str:
    """``40 calls against the tiers: service may not call service``; "" when the tiers allow it."""
    if not forbidden:
        return ""
    count = f"{many(breaches, 'call')} against the tiers: " if breaches > 0 else "against the tiers: "
    return f"{count}{safe(forbidden, 80)}"


def _feature(one: CallView) -> str:
    return safe(one.feature.removeprefix(one.package + "/"), 60)


def _call(one: CallView, grid: Grid, opens: Place) -> Line:
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    said = f"! {against}  " if (against := against_tiers(one.forbidden, one.breaches)) else ""
    values = (
        (safe(one.caller, 60) or "(nobody)", Tone.NAME),
        (safe(one.version, 20) or UNKNOWN, Tone.DIM),
        (_feature(one), Tone.PLAIN),
        (str(requests), Tone.PLAIN),
        (millis(one.p95_ms), Tone.PLAIN),
        failed_share(failed, requests),
        (str(one.hosts), Tone.DIM),
        (f"{said}{outcomes_text(one.outcomes)}", Tone.WARN if one.forbidden else Tone.DIM),
    )
    return grid.line(f"call:{one.key}", values, opens)


_Edges: TypeAlias = "dict[str, dict[str, list[CallView]]]"
"""Package → its neighbours on one side → the calls between them."""
_DEEP: Final = 6
_MOST: Final = 500


def tree_lines(package: str, calls: Sequence[CallView], width: int) -> tuple[Line, ...]:
    """Up: who calls the package, and who calls those. Down: what it calls, and what they call."""
    up: _Edges = {}
    down: _Edges = {}
    for call in calls:
        up.setdefault(call.package, {}).setdefault(call.caller, []).append(call)
        down.setdefault(call.caller, {}).setdefault(call.package, []).append(call)
    if package not in up and package not in down:
        return ()
    return (
        *_violations(package, up, down, width),
        *title(f"CALLED BY, {LAST_60S}: who calls {safe(package, 60)}, and who calls them", width),
        *_tree("up", package, up, width),
        *title(f"CALLS, {LAST_60S}: what {safe(package, 60)} calls, and what that calls", width),
        *_tree("down", package, down, width),
    )


def _violations(package: str, up: _Edges, down: _Edges, width: int) -> Iterator[Line]:
    """Who calls whom in both trees that may not, counted; enter opens the finding."""
    pairs: dict[tuple[str, str], list[CallView]] = {}
    for call in (*_reached(package, up), *_reached(package, down)):
        if call.forbidden:
            pairs.setdefault((call.caller, call.package), []).append(call)
    if not pairs:
        return
    yield from title(f"AGAINST THE TIERS, {LAST_60S} ({len(pairs)})", width)
    counted = {pair: sum({one.key: one.breaches for one in calls}.values()) for pair, calls in pairs.items()}
    for pair in sorted(pairs, key=lambda one: (-counted[one], one)):
        caller, callee = pair
        text = f"{safe(caller, 60)} → {safe(callee, 60)}  {against_tiers(pairs[pair][0].forbidden, counted[pair])}"
        place = Place(Kind.FINDING, finding_key(Key(Insights.TIERS, Subject(f"/{callee}", caller=f"/{caller}"))))
        cells = (Cell("  ! ", Tone.WARN), Cell(pad(text, max(width - 4, 0)), Tone.WARN))
        yield Line(f"tiers:{caller}>{callee}", cells, opens=place)


def _reached(package: str, edges: _Edges) -> Iterator[CallView]:
    """All calls of the tree that begins at *package*."""
    seen, waiting = {package}, [package]
    while waiting:
        for name, calls in edges.get(waiting.pop(), {}).items():
            yield from calls
            if name not in seen:
                seen.add(name)
                waiting.append(name)


def _tree(way: str, package: str, edges: _Edges, width: int) -> Iterator[Line]:
    yield plain(f"{way}:root", f"  {safe(package, 60)}", Tone.NAME, width)
    if package not in edges:
        yield plain(f"{way}:none", "  └ nobody" if way == "up" else "  └ nothing", Tone.UNKNOWN, width)
        return
    branches = _branches(way, (package,), edges, width)
    yield from islice(branches, _MOST)
    if next(branches, None) is not None:
        yield plain(f"{way}:more", "  … there is more than can be shown", Tone.DIM, width)


def _branches(way: str, path: tuple[str, ...], edges: _Edges, width: int, lead: str = "  ") -> Iterator[Line]:
    nexts = sorted(edges.get(path[-1], {}).items(), key=lambda entry: (-_requests(entry[1]), entry[0]))
    for at, (name, calls) in enumerate(nexts):
        last = at == len(nexts) - 1
        again = name in path
        yield _branch(
            f"{way}:{'>'.join((*path, name))}", f"{lead}{'└' if last else '├'} ", name, calls, width, again=again
        )
        if not again and len(path) < _DEEP:
            yield from _branches(way, (*path, name), edges, width, f"{lead}{' ' if last else '│'}  ")


def _requests(calls: Sequence[CallView]) -> int:
    return sum(sum(call.outcomes.values()) for call in calls)


def _branch(key: str, lead: str, name: str, calls: Sequence[CallView], width: int, *, again: bool) -> Line:
    outcomes: dict[str, int] = {}
    for call in calls:
        for code, count in call.outcomes.items():
            outcomes[code] = outcomes.get(code, 0) + count
    requests, failed = sum(outcomes.values()), errors(outcomes)
    slowest = max((call.p95_ms for call in calls if call.p95_ms is not None), default=None)
    forbidden = next((call.forbidden for call in calls if call.forbidden), "")
    against = against_tiers(forbidden, sum(call.breaches for call in calls))
    wide = max(min(width * 2 // 5, 50), 12)
    # An operator is no package: there is nothing to open.
    place = Place(Kind.CALLS, name) if "/" in name else None
    cells = [Cell(lead, Tone.DIM), Cell(pad(safe(name, 60), max(wide - len(lead), 8)), Tone.NAME)]
    cells.append(Cell(f" {requests:>7} ", Tone.PLAIN))
    cells.append(Cell(f"{percent(failed, requests):>5}%", error_tone(failed, requests)))
    if width >= 90:
        cells.append(Cell(f"  p95 {millis(slowest):>5} ms", Tone.DIM))
    said = "again " if again else ""
    warned = f"! {against}  " if against else ""
    rest = max(width - sum(len(cell.text) for cell in cells) - 2, 0)
    cells.append(
        Cell("  " + pad(f"{warned}{said}{outcomes_text(outcomes)}", rest), Tone.WARN if forbidden else Tone.DIM)
    )
    return Line(key, tuple(cells), opens=place)
