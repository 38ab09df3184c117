"""Why a row is shown as it is: what findings say of it, the worst first, and then the facts that need no judgement.

Pure. Judged is in `h2o_core.insights` alone. All texts from outside go through `safe` here, or where a fact is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Glyph, Tone
from h2o_console.text import clip, safe, width
from h2o_core.insights.counts import FAULTS
from h2o_core.insights.finding import Kind, Severity
from h2o_core.insights.kinds.packages import BROKEN_SHARE, FAILING_FLOOR

if TYPE_CHECKING:
    from h2o_console.rows.told import Said

GLYPHS: Final[Mapping[Severity, Glyph]] = {
    Severity.PAGE: Glyph.BROKEN,
    Severity.TICKET: Glyph.WARN,
    Severity.NOTE: Glyph.NOTE,
}
LOOKING: Final = "looking…"
"""Nobody has looked yet: it may be well or not."""
_LONGEST: Final = 400
_ROOM: Final = 40
"""With fewer cells a sentence is worth more than what to do about it."""
SLOW: Final = frozenset({Kind.SLOW, Kind.PROMISE})


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence about a row, and how bad it is. `kind`: of the finding, or the one that a fact would be part of.

    `hurt_per_s`: requests a second that suffer, as the finding is ranked by. `does`: what a cause's action does.
    """

    glyph: Glyph
    text: str
    kind: Kind | None = None
    hurt_per_s: float = 0.0
    does: str = ""

    @property
    def whole(self) -> str:
        """The sentence, and what to do."""
        return f"{self.text}{self._arrow}"

    def within(self, cells: int) -> str:
        """The same, where there is little room: what to do is not what is cut."""
        if width(self.whole) <= cells or cells < _ROOM:
            return self.whole
        return f"{clip(self.text, max(cells - width(self._arrow), 0))}{self._arrow}"

    @property
    def _arrow(self) -> str:
        return f"  → {self.does}" if self.does else ""


def reasons(found: Sequence[Said], facts: Iterable[Reason], *, looked: bool, name: str = "") -> tuple[Reason, ...]:
    """*found*, the worst first, then *facts* that no finding says better. *name* of the row is not said again."""
    judged = [_reason(one, name) for one in found]
    said = {reason.kind for reason in judged}
    left = [fact for fact in facts if fact.kind is None or fact.kind not in said]
    ranked = sorted((*judged, *left), key=lambda reason: (-reason.glyph, reason.kind is None))
    return tuple(ranked) if looked or ranked else (Reason(Glyph.FINE, LOOKING),)


def worst(found: Iterable[Reason]) -> Glyph:
    """The worst of them; fine without any."""
    return max((reason.glyph for reason in found), default=Glyph.FINE)


def most_hurt(found: Iterable[Reason]) -> float:
    """Requests hurt a second, by the worst of them."""
    return max((reason.hurt_per_s for reason in found), default=0.0)


def why(found: Sequence[Reason], cells: int) -> tuple[str, Tone]:
    """As a list's last column has it, of so many cells."""
    if not found:
        return Glyph.FINE.word, Tone.DIM
    first = found[0]
    return first.within(cells), Tone.DIM if first.glyph is Glyph.FINE else first.glyph.tone


def errors(outcomes: Mapping[str, int]) -> int:
    """Requests that failed by the package's or the platform's fault."""
    return sum(count for code, count in outcomes.items() if code in FAULTS)


def fails(outcomes: Mapping[str, int]) -> bool:
    """So many of its requests that it would be a finding of its own, were it sure."""
    failed = errors(outcomes)
    return failed > 0 and failed >= FAILING_FLOOR * sum(outcomes.values())


def slow_tone(found: Iterable[Reason]) -> Tone:
    """How loud a latency is said: a finding of it is a warning."""
    return Tone.WARN if any(reason.kind in SLOW for reason in found) else Tone.PLAIN


def error_tone(failed: int, requests: int) -> Tone:
    """How loud a share of failures is said: as loud as a finding of it would be, were it sure."""
    if not failed or not requests:
        return Tone.DIM
    share = failed / requests
    return Tone.BAD if share >= BROKEN_SHARE else Tone.WARN if share >= FAILING_FLOOR else Tone.PLAIN


def _reason(one: Said, name: str) -> Reason:
    """A cause says since when and what to do, a symptom where it comes from."""
    finding, standing = one.finding, one.standing
    text, does = safe(_less(finding.sentence, name), _LONGEST), ""
    if one.is_cause:
        text += f" (since {_minute(standing.since_s)})" if standing is not None else ""
        does = safe(finding.action.sentence, 60) if finding.action is not None else ""
    else:
        text = f"because of {safe(str(one.group.cause.subject), 80)}: {text}"
    hurt_per_s = finding.hurt_per_s if standing is None else standing.placed_per_s
    return Reason(GLYPHS[finding.severity], text, finding.kind, hurt_per_s, does)


def _less(sentence: str, name: str) -> str:
    rest = sentence.removeprefix(name).removeprefix(":") if name else sentence
    return rest.lstrip() if rest.startswith(" ") else sentence


def _minute(at_s: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%H:%M}"
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return "?"
