"""This host while it is drained: until when what runs may finish, and who would still miss it. Pure, beside the switch.

That nothing new starts is the destination's (it refuses) and the origin's (it chooses nobody here); what waited has
moved on at the beginning. What is left is what runs: it may finish within the grace, and is given up at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_broker.events import GivenUp
from h2o_broker.members import LocalInstance
from h2o_broker.requests import MAYBE_EXECUTED
from h2o_core.control.hosts import HostState
from h2o_core.envelope import TAG_REQUEST_ID, MalformedFrame, decode_fields
from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.requests import Ledger, Request
    from h2o_core.control.hosts import HostControl

_GRACE: Final = -1
"""What the end of the grace is called among the requests' deadlines: no request has this id."""
_S: Final = 1_000_000_000


@dataclass(slots=True)
class Sender:
    """Another host that has sent what was refused here."""

    refused: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class Drain:
    """One drain of this host. Monotonic ns, from when this broker saw it: the document's clock is another machine's."""

    since_ns: int
    grace_s: float
    ends_ns: int
    over: bool = False
    """The grace has ended."""


class Draining:
    """`drain` is None while this host is not drained."""

    def __init__(self, ledger: Ledger, host: str, tell: Callable[[GivenUp], None]) -> None:
        """*tell* is called for each request that is given up."""
        self._ledger = ledger
        self._host = host
        self._tell = tell
        self._bucket: set[int] = set()
        self.drain: Drain | None = None
        self.given_up = 0
        """Requests, since this broker started."""
        self.senders: dict[str, Sender] = {}
        """By host, since the drain began."""
        self.asked: dict[bytes, int] = {}
        """Routing id of a local stream → when it has sent its last request, since the drain began."""

    def decide(self, control: HostControl | None, now: int, *, over: bool) -> None:
        """What operators want of this host now; *over*: its grace had passed before this broker began.

        A drain that goes on keeps its beginning; with another grace it has another end.
        """
        before = self.drain
        if control is None or control.state is not HostState.DRAIN:
            self._bucket.discard(_GRACE)
            self.drain = None
            return
        if before is None:
            self.senders, self.asked = {}, {}
        elif control.grace_s == before.grace_s:
            return
        since_ns = now if before is None else before.since_ns
        self.drain = Drain(since_ns, control.grace_s, now if over else since_ns + int(control.grace_s * _S))
        self._bucket.discard(_GRACE)
        self._bucket = self._ledger.deadlines.add(_GRACE, self.drain.ends_ns)
        self.expire(now)

    def expire(self, now: int) -> None:
        """At the end of the grace give up what still runs here; what operators send to an instance later is theirs."""
        drain = self.drain
        if drain is None or drain.over or now < drain.ends_ns:
            return
        drain.over = True
        self._bucket.discard(_GRACE)
        for request in list(self._ledger.requests.values()):
            if not request.ended and isinstance(request.target, LocalInstance):
                self._give_up(request, request.target, now)

    def _give_up(self, request: Request, instance: LocalInstance, now: int) -> None:
        """Told to stop like any that is cancelled; that it was too long for an operator is no evidence against it."""
        self.given_up += 1
        self._tell(
            GivenUp(
                feature=request.name.decode(errors="replace"),
                request_id=_id_of(request),
                instance=instance.id,
                caller=request.caller.package,
                ran_s=(now - request.sent_ns) / _S,
            )
        )
        self._ledger.cancel_downstream(request)
        message = f"{self._host} is drained, and instance {instance.id[:8]} worked on this until the grace was over"
        self._ledger.end(request, Code.OUTCOME_UNKNOWN, MAYBE_EXECUTED, message, now, evidence=Code.CANCELLED)

    def turned_away(self, host: str, now: int) -> None:
        """Another host's broker has sent a request here, and it was refused."""
        sender = self.senders.setdefault(host, Sender())
        sender.refused += 1
        sender.last_ns = now


def _id_of(request: Request) -> str:
    """As whoever sent it knows it; empty when it has none that can be read."""
    try:
        return decode_fields(request.fields()).get(TAG_REQUEST_ID, b"").hex()
    except MalformedFrame:
        return ""
