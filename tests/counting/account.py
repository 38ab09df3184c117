"""The account: every request held against every execution. Pure.

What has to be true of each request id, whatever died meanwhile:

- exactly one terminal answer; what a broker says after the client has made an answer up is late, not a second one;
- told "not executed": no execution; told "executed": at least one;
- not idempotent: never two executions. The client repeats nothing, so a second one would be a broker's retry.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tests.counting.wire import CODES, NO, OK, YES

if TYPE_CHECKING:
    from tests.counting.executions import Execution

_EXECUTED: Final = ("unknown", "no", "yes")
_SHOWN: Final = 5
"""So many of the broken ones are printed whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client was told of a request, or told itself (`made_up`). `at_s`: monotonic."""

    at_s: float
    code: int
    executed: int
    made_up: bool = False
    instance: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One id and all that came of it. Times are monotonic seconds; `sent_s` is when it became due, if it never left."""

    id: str
    feature: str
    idempotent: bool
    sent_s: float
    deadline_s: float
    answers: tuple[Answer, ...] = ()

    @property
    def terminal(self) -> Answer | None:
        """The answer that counts: the first."""
        return self.answers[0] if self.answers else None

    @property
    def ok(self) -> bool:
        """It was served."""
        return bool(self.answers) and self.answers[0].code == OK


@dataclass(frozen=True, slots=True)
class Account:
    """Requests and executions, joined."""

    requests: int
    codes: dict[str, int]
    """Code → requests that ended with it; TIMEOUT and the like include what the client made up."""
    executions: int
    late: int
    """Answers that came after the client had made one up."""
    longest_gap_s: float
    """Longest time without an OK, from the first request to the last answer."""
    breaches: tuple[str, ...]
    """What must never be, one sentence and its history each."""

    @property
    def failed(self) -> int:
        """Requests that were not OK."""
        return self.requests - self.codes.get(CODES[OK], 0)

    def __str__(self) -> str:
        codes = ", ".join(f"{count} {code}" for code, count in self.codes.items())
        head = (
            f"{self.requests} requests: {codes or 'none'}; {self.executions} executions, {self.late} late answers, "
            f"{self.longest_gap_s:.3f} s without an OK at most, {len(self.breaches)} broken"
        )
        more = [f"… and {len(self.breaches) - _SHOWN} more"] if len(self.breaches) > _SHOWN else []
        return "\n".join((head, *self.breaches[:_SHOWN], *more))


def settle(requests: Sequence[Request], executions: Iterable[Execution]) -> Account:
    """Join both; call it when nothing is in flight any more and no instance is still stopped."""
    executed: defaultdict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        executed[execution.request_id].append(execution)
    codes: Counter[str] = Counter(_code(one.terminal) for one in requests if one.terminal)
    breaches: list[str] = []
    known: set[str] = set()
    for request in requests:
        ran = executed.get(request.id, [])
        wrong = _wrong(request, ran)
        if request.id in known:
            wrong = "the same id twice"
        known.add(request.id)
        if wrong:
            breaches.append(_history(wrong, request, ran))
    breaches += [f"executed, and nobody asked: {one}" for key in executed.keys() - known for one in executed[key]]
    return Account(
        len(requests),
        dict(codes.most_common()),
        sum(map(len, executed.values())),
        sum(_late(one) for one in requests),
        _longest_gap_s(requests),
        tuple(breaches),
    )


def served_again_s(requests: Iterable[Request], struck_s: float) -> float | None:
    """Seconds from *struck_s* to the first OK of a request that was sent after it; None when there was none."""
    oks = [one.answers[0].at_s for one in requests if one.ok and one.sent_s >= struck_s]
    return min(oks) - struck_s if oks else None


def failing_until_s(requests: Iterable[Request], struck_s: float) -> float:
    """Seconds from *struck_s* to the last sending of a request that failed: from then on the fault was routed round.

    0 when none failed that was sent after it. One without an answer has not failed yet.
    """
    failed = (one for one in requests if one.answers and not one.ok and one.sent_s >= struck_s)
    return max((one.sent_s - struck_s for one in failed), default=0.0)


def _wrong(request: Request, ran: Sequence[Execution]) -> str:
    """What must not be, "" when all is well."""
    terminal = request.terminal
    if terminal is None:
        return "no answer"
    if len(request.answers) - _late(request) > 1:
        return f"{len(request.answers)} answers"
    told = {terminal.executed, *(one.executed for one in request.answers if not one.made_up)}
    if NO in told and ran:
        return f"told not executed, and executed {len(ran)} times"
    if {NO, YES} <= told:
        return "told both executed and not executed"
    if YES in told and not ran:
        return "told executed, and no handler was entered"
    if terminal.code == OK and terminal.executed != YES:
        return f"OK with executed {_EXECUTED[terminal.executed]}"
    if len(ran) > 1 and not request.idempotent:
        return f"not idempotent, and executed {len(ran)} times"
    return ""


def _late(request: Request) -> int:
    """Answers after a made-up one: the first a broker sends is late, a second would be double."""
    return int(len(request.answers) > 1 and request.answers[0].made_up and not request.answers[1].made_up)


def _longest_gap_s(requests: Sequence[Request]) -> float:
    """The ends count too: nothing OK at all is a gap as long as the whole."""
    if not requests:
        return 0.0
    oks = sorted(one.answers[0].at_s for one in requests if one.ok)
    ends = [one.answers[0].at_s for one in requests if one.answers]
    first_s = min(one.sent_s for one in requests)
    return max(after - before for before, after in pairwise((first_s, *oks, max(ends, default=first_s))))


def _code(answer: Answer) -> str:
    return CODES[answer.code] if answer.code < len(CODES) else f"CODE_{answer.code}"


def _history(wrong: str, request: Request, ran: Sequence[Execution]) -> str:
    events = [
        (request.sent_s, f"sent {request.feature}, deadline after {1e3 * (request.deadline_s - request.sent_s):.0f} ms")
    ]
    for one in request.answers:
        who = "made up" if one.made_up else f"from {one.instance[:8] or 'nobody'} on {one.host or 'the own broker'}"
        events.append((one.at_s, f"{_code(one)}, executed {_EXECUTED[one.executed % 3]}, {who}"))
    events += [(one.at_s, f"executed by {one.instance[:8]} (pid {one.pid})") for one in ran]
    lines = [f"  {1e3 * (at_s - request.sent_s):+9.1f} ms  {what}" for at_s, what in sorted(events)]
    return "\n".join((f"{request.id}: {wrong}", *lines))
