"""What the conductor is to do, and when: from the control documents and the time alone. Pure.

A duty has a name and finds its dues in what is decided. Rollouts and placement will be duties beside these. A due is a
change to be made (an intent: planned, guarded and audited as an operator's), or something that is only said. Nothing
lapses by surprise: weights never change by themselves, and a drain ends by itself only where the host is known to be
healthy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from h2o_core.control.hosts import HostState
from h2o_core.names import dotted, shown
from h2o_core.plan.intents import Restore
from h2o_core.plan.situation import HOSTS, TRAFFICS
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_core.control.hosts import HostControl
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Decided


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due at `at_s` (Unix time of the register), by `duty`, about `subject`: a host or a package.

    `document` (below the fleet's root) says so, and `reason` names the time in it. `intent`: the change to be made;
    None: it is only said. `if_healthy`: made only while this host is known to be healthy.
    """

    duty: str
    subject: str
    document: str
    at_s: float
    reason: str
    intent: Intent | None = None
    if_healthy: str = ""


@dataclass(frozen=True, slots=True)
class HostHealth:
    """How a host does. `healthy` None: it could not be asked. `why`: what is wrong with it, or with asking."""

    healthy: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be looked at by somebody, since `since_s`: an entry in `/health` of whoever conducts."""

    duty: str
    subject: str
    since_s: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """`changes` are to be made now, `remarks` said for as long as they hold; `next_s`: when to look again, if ever."""

    changes: tuple[Due, ...] = ()
    remarks: tuple[Remark, ...] = ()
    next_s: float | None = None


class Duty(Protocol):
    """One kind of thing that the conductor does."""

    @property
    def name(self) -> str:
        """A word, as `/conductor` and `/health` show it."""
        ...

    def dues(self, decided: Decided) -> Iterable[Due]:
        """Everything of it that has a time, past or to come."""
        ...


@dataclass(frozen=True, slots=True)
class AvoidsEnd:
    """A host that is avoided is used again when its time has come."""

    name: str = "avoid"

    def dues(self, decided: Decided) -> Iterator[Due]:
        """One for each avoid that has an end."""
        for control in _with_end(decided, HostState.AVOID):
            yield _ends(self.name, control, "avoided")


@dataclass(frozen=True, slots=True)
class DrainsEnd:
    """A host that is drained is used again when its time has come, if it is healthy; else somebody has to look."""

    name: str = "drain"

    def dues(self, decided: Decided) -> Iterator[Due]:
        """One for each drain that has an end."""
        for control in _with_end(decided, HostState.DRAIN):
            yield _ends(self.name, control, "drained", if_healthy=control.host)


@dataclass(frozen=True, slots=True)
class Reviews:
    """Weights that somebody wanted to look at again: said, and never changed."""

    name: str = "review"

    def dues(self, decided: Decided) -> Iterator[Due]:
        """One for each package that has a time of review."""
        for traffic in decided.traffic.values():
            if traffic.review_s:
                weights = ", ".join(f"{version} {parts / 100:g} %" for version, parts in traffic.weights)
                owner = f" ({traffic.owner})" if traffic.owner else ""
                again = f"was to be looked at again at {_when(traffic.review_s)}: h2o extend, or other weights"
                reason = _short(f"{shown(traffic.package)} gets {weights}{owner}, which {again}")
                document = f"{TRAFFICS}{dotted(traffic.package)}"
                yield Due(self.name, shown(traffic.package), document, traffic.review_s, reason)


DUTIES: Final[Sequence[Duty]] = (AvoidsEnd(), DrainsEnd(), Reviews())
_YEAR_9999_S: Final = 253_402_300_800.0
_LONGEST: Final = 600
"""What others have written is in it, and a journal's entry bounds its texts."""
NO_ANSWER: Final = HostHealth(None, "it has not been asked")


def dues(decided: Decided, duties: Iterable[Duty] = DUTIES) -> list[Due]:
    """All of them, the first one first."""
    found = [due for duty in duties for due in duty.dues(decided)]
    return sorted(found, key=lambda due: (due.at_s, due.duty, due.subject))


def to_be_asked(found: Iterable[Due], now_s: float) -> set[str]:
    """Hosts whose health decides now."""
    return {due.if_healthy for due in found if due.if_healthy and due.at_s <= now_s}


def outlook(found: Sequence[Due], healths: Mapping[str, HostHealth], now_s: float) -> Outlook:
    """What follows from the dues at *now_s*, the register's time; *healths* of those who were `to_be_asked`."""
    changes: list[Due] = []
    remarks: list[Remark] = []
    for due in found:
        if due.at_s > now_s:
            continue
        if due.intent is None:
            remarks.append(Remark(due.duty, due.subject, due.at_s, due.reason))
            continue
        health = healths.get(due.if_healthy, NO_ANSWER) if due.if_healthy else HostHealth(healthy=True)
        if health.healthy:
            changes.append(due)
        else:
            remarks.append(Remark(due.duty, due.subject, due.at_s, f"{due.reason}; {_stays(due, health)}"))
    return Outlook(tuple(changes), tuple(remarks), min((due.at_s for due in found if due.at_s > now_s), default=None))


def _with_end(decided: Decided, state: HostState) -> Iterator[HostControl]:
    return (one for one in decided.hosts.values() if one.state is state and one.until_s)


def _ends(duty: str, control: HostControl, state: str, if_healthy: str = "") -> Due:
    because = f": {control.reason}" if control.reason else ""
    said = f"{control.host} was to be {state} until {_when(control.until_s)}, said {control.owner}{because}"
    intent = Restore((control.host,))
    return Due(duty, control.host, f"{HOSTS}{control.host}", control.until_s, _short(said), intent, if_healthy)


def _when(at_s: float) -> str:
    return rfc3339(at_s) if at_s < _YEAR_9999_S else "the end of time"


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST - 1]}…"


def _stays(due: Due, health: HostHealth) -> str:
    how = "is not healthy" if health.healthy is False else "does not say that it is healthy"
    return f"it stays so, since {due.if_healthy} {how} ({health.why}): h2o undrain {due.if_healthy}, or h2o extend"
