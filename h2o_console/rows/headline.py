"""The lines around a list: header, banner of a trouble that the whole fleet has, and what an empty list says.

Pure: the views and the width in, cells out. What matters least goes first when it gets narrow; every trouble
is a sentence with what to type next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import age
from h2o_console.text import clip, safe, width as cells_of
from h2o_core.figures import many

if TYPE_CHECKING:
    from h2o_console.acting.arming import Changing
    from h2o_console.store.views import FleetView

_OLD_S: Final = 5.0
_GAP: Final = "  "
_ABOVE: Final = " >"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person is: the context's name, the trail of screens, and what was asked of the screen.

    `others`: how many changes others have made in the last 15 minutes.
    """

    context: str
    trail: tuple[str, ...]
    clock: str = ""
    frozen_s: float | None = None
    mode: Cell = Cell("READ-ONLY", Tone.NOTE)  # noqa: RUF009 - frozen
    replay: tuple[str, str] = ("", "")
    """What is played, and how much is still to come; empty while it is the present."""
    others: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    keep: int  # the lower, the longer it stays
    cells: tuple[Cell, ...]

    @property
    def width(self) -> int:
        return sum(cells_of(cell.text) for cell in self.cells)


def header_line(place: Place, fleet: FleetView, glyphs: Mapping[Glyph, int], width: int) -> Line:
    """The first line of every screen, exactly *width* cells; *glyphs*: how many packages are how."""
    left = [_Item(1, (Cell(f" {clip(safe(place.context or fleet.fleet or '?').upper(), 14)} ", Tone.TITLE),))]
    trail = [crumb_text(part) for part in (fleet.fleet or "?", *place.trail)]
    left += [_Item(9 - at, (Cell(f"{part}{_ABOVE}", Tone.DIM),)) for at, part in enumerate(trail[:-1])]
    left.append(_Item(2, (Cell(trail[-1], Tone.NAME),)))
    facts = [*_frozen(place), *_replay(place), *_others(place, width), *_hosts(fleet)]
    facts += [_counts(glyphs), _register(fleet), _data(fleet)]
    if not place.replay[0]:
        facts += [_Item(6, (place.mode,)), _Item(8, (Cell(place.clock, Tone.DIM),))]
    return Line("", _fitted(left, [fact for fact in facts if fact.cells[0].text], width), selectable=False)


def crumb_text(crumb: str) -> str:
    """How it stands in the header."""
    return safe(crumb, 40)


def crumb_at(header: Line, x: int) -> str:
    """The crumb at cell *x* of a header line, of a place above the one on screen; "" for whatever else is there."""
    end = 0
    for cell in header.cells:
        end += cells_of(cell.text)
        if x < end:
            return cell.text.removesuffix(_ABOVE) if cell.tone is Tone.DIM and cell.text.endswith(_ABOVE) else ""
    return ""


def _fitted(left: list[_Item], right: list[_Item], width: int) -> tuple[Cell, ...]:
    """Drop what matters least until the rest fits, then put the blanks between the two sides."""
    while (blanks := width - _total(left, " ") - _total(right, _GAP) - 2) < 0 and len(left) + len(right) > 1:
        least = max((*left, *right), key=lambda item: item.keep)
        (left if least in left else right).remove(least)
    cells = [*_spread(left, " "), Cell(" " * (max(blanks, 0) + 1)), *_spread(right, _GAP), Cell(" ")]
    return tuple(cells) if blanks >= 0 else (Cell(clip("".join(cell.text for cell in cells), width)),)


def _total(items: Sequence[_Item], gap: str) -> int:
    return sum(item.width for item in items) + len(gap) * max(len(items) - 1, 0)


def _spread(items: Sequence[_Item], gap: str) -> list[Cell]:
    cells: list[Cell] = []
    for item in items:
        cells += [Cell(gap), *item.cells] if cells else item.cells
    return cells


def _frozen(place: Place) -> list[_Item]:
    return [] if place.frozen_s is None else [_Item(0, (Cell(f"FROZEN {age(place.frozen_s)}", Tone.WARN),))]


def _replay(place: Place) -> list[_Item]:
    playing, left = place.replay
    return [_Item(0, (Cell(playing, Tone.WARN),)), _Item(7, (Cell(left, Tone.DIM),))] if playing else []


def _others(place: Place, width: int) -> list[_Item]:
    """Somebody else is at work."""
    if not place.others:
        return []
    said = "others' changes, last 15 min" if width >= 120 else "others' changes" if width >= 80 else "others"
    return [_Item(5, (Cell(f"{said}: {place.others}", Tone.WARN),))]


def _hosts(fleet: FleetView) -> list[_Item]:
    plural = "host" if fleet.hosts == 1 else "hosts"
    if fleet.answering < fleet.hosts:
        hosts = _Item(2, (Cell(f"{fleet.answering}/{fleet.hosts} {plural}", Tone.WARN),))
    else:
        hosts = _Item(4, (Cell(f"{fleet.hosts} {plural}"),))
    return [hosts, _Item(7, (Cell(f"{fleet.instances} inst"),))]


def _counts(glyphs: Mapping[Glyph, int]) -> _Item:
    if not glyphs:
        return _Item(9, (Cell(""),))
    cells: list[Cell] = []
    for glyph in (Glyph.BROKEN, Glyph.WARN, Glyph.NOTE, Glyph.UNKNOWN):
        if count := glyphs.get(glyph, 0):
            cells.append(Cell(f"{' ' if cells else ''}{glyph.sign}{count}", glyph.tone))
    return _Item(0, tuple(cells) or (Cell("all ok", Tone.GOOD),))


def _register(fleet: FleetView) -> _Item:
    if fleet.register == "connected":
        return _Item(4, (Cell("zk ok", Tone.GOOD),))
    if not fleet.register:
        return _Item(4, (Cell("zk ?", Tone.UNKNOWN),))
    return _Item(1, (Cell(f"zk {safe(fleet.register, 12)} {age(fleet.silent_s)}", Tone.BAD),))


def _data(fleet: FleetView) -> _Item:
    if fleet.data_age_s is None:
        return _Item(3, (Cell("data -", Tone.UNKNOWN),))
    old = fleet.data_age_s > _OLD_S or bool(fleet.trouble)
    shown = age(fleet.data_age_s) if fleet.data_age_s >= 0.95 else f"{fleet.data_age_s:.1f}s"
    return _Item(3, (Cell(f"data {shown}", Tone.WARN if old else Tone.DIM),))


def mode(changing: Changing | None, now_s: float) -> Cell:
    """May something be changed from here, and for how long; with the incident that reasons name."""
    incident = f"{safe(changing.incident, 20)} " if changing is not None and changing.incident else ""
    if changing is None or not changing.armed(now_s):
        return Cell(f"{incident}READ-ONLY", Tone.NOTE)
    minutes, seconds = divmod(int(changing.left_s(now_s)), 60)
    return Cell(f"{incident}ARMED {minutes}:{seconds:02}", Tone.WARN)


def banner(fleet: FleetView) -> Cell | None:
    """One sentence when the whole fleet has a trouble; None when it has none."""
    if fleet.trouble and fleet.hosts:
        old = "" if fleet.picture_age_s is None else f"; which hosts there are is {age(fleet.picture_age_s)} old"
        return Cell(f"no agent answers (last asked: {safe(fleet.agent, 60)}, {safe(fleet.trouble, 60)}){old}", Tone.BAD)
    if fleet.register not in {"", "connected"}:
        where = "" if fleet.register_hosts >= fleet.answering else f" on {fleet.register_hosts} of {fleet.hosts} hosts"
        return Cell(
            f"ZooKeeper {safe(fleet.register, 20)} for {age(fleet.silent_s)}{where}: brokers route from memory,"
            " changes of hosts and versions don't arrive  (type: h2o hosts)",
            Tone.BAD,
        )
    if fleet.detour:
        return Cell(f"asking {safe(fleet.agent, 60)} instead of {safe(fleet.detour, 100)}", Tone.NOTE)
    if fleet.silent:
        first = fleet.silent[0]
        since = "yet" if first.age_s is None else f"for {age(first.age_s)}"
        more = f" and {len(fleet.silent) - 1} more" if len(fleet.silent) > 1 else ""
        why = f": {safe(first.why, 80)}" if first.why else ""
        return Cell(f"no stats {since} from {safe(first.host, 40)}{why}{more}", Tone.WARN)
    return None


def nothing_matches(of: str, *, filtered: bool) -> tuple[Cell, ...]:
    """What stands in a list whose rows are all left out."""
    if filtered:
        return Cell(f"None of the {of} match the filter."), Cell("esc clears the filter", Tone.DIM)
    return Cell(f"None of the {of} has a problem.", Tone.GOOD), Cell(f"p shows all {of}", Tone.DIM)


def nothing_known(fleet: FleetView) -> tuple[Cell, ...]:
    """What stands in a list when no agent told anything yet, or the fleet is empty; empty when neither is so."""
    if fleet.trouble and not fleet.hosts:
        hint = (
            safe(fleet.hint, 200) or "start a fleet here: h2o dev · or name another agent: h2o-console --agent ADDRESS"
        )
        return (
            Cell(f"No agent answers at {safe(fleet.agent, 100)}: {safe(fleet.trouble, 200)}.", Tone.BAD),
            Cell(hint, Tone.PLAIN),
            Cell("Trying again every 2 s.  :q quits", Tone.DIM),
        )
    if fleet.hosts:
        return ()
    if fleet.picture_age_s is None:
        return (Cell("Asking the agent…", Tone.DIM),)
    return (
        Cell("This fleet has no hosts.", Tone.WARN),
        Cell("see what ZooKeeper holds: h2o hosts · start hosts here: h2o dev", Tone.PLAIN),
    )


def no_packages(fleet: FleetView) -> tuple[Cell, ...]:
    """What stands in the Packages view when there is no package: what is the case, and what to type."""
    return nothing_known(fleet) or (
        Cell(f"{many(fleet.hosts, 'host')}, no package yet.", Tone.PLAIN),
        Cell(
            "a package registers when it runs: python -m examples.customer · or start the demo: script/demo", Tone.DIM
        ),
    )
