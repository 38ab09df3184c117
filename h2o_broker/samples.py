"""How some real requests were routed, for whoever asks later: a few a second, the newest few thousand. Pure.

What is kept is bytes, so that a pool of a hundred instances costs as much as its explanation has, and no more.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from h2o_broker.explain import explain
from h2o_broker.pools import version_of
from h2o_core.baggage import decode_headers
from h2o_core.choice import chances
from h2o_core.envelope import TAG_ASSIGNMENT, TAG_HEADERS, TAG_REQUEST_ID, TAG_STICKY_KEY, MalformedFrame, decode_fields
from h2o_core.pb.explain_pb2 import Considered, Explanation, Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.members import LocalInstance, RemoteInstance
    from h2o_broker.requests import Request
    from h2o_broker.switch import Switch

MOST: Final = 1_000
MOST_BYTES: Final = 2 << 20


class Samples:
    """Ten requests a second of packages, and ten of operators: those who ask are mostly operators, about their own."""

    def __init__(self, switch: Switch, zone: str, epoch: Callable[[], int]) -> None:
        """*zone* is this host's; *epoch()* the control epoch that is applied."""
        self._switch = switch
        self._zone = zone
        self._epoch = epoch
        self._kept: deque[tuple[str, int, bytes]] = deque()
        self._bytes = 0
        switch.origin.routing.on_routed = self.take

    def take(self, request: Request, target: LocalInstance | RemoteInstance, now: int) -> None:
        """*request* is about to be given to *target*."""
        try:
            fields = decode_fields(request.fields())
            headers = decode_headers(fields[TAG_HEADERS]) if TAG_HEADERS in fields else {}
        except MalformedFrame:
            return
        request_id = fields.get(TAG_REQUEST_ID, b"").hex()
        if not request_id:
            return
        question = Question(
            feature=request.name.decode(errors="replace"),
            sticky_key=fields.get(TAG_STICKY_KEY, b"").decode(errors="replace"),
            caller=request.caller.package,
            headers=headers,
        )
        told = explain(self._switch, question, self._zone, now, fields.get(TAG_ASSIGNMENT, b""))
        told.code = told.sentence = ""  # whatever such requests get now: this one has gone somewhere
        told.request_id = request_id
        told.epoch = self._epoch()
        told.chosen = target.id
        told.attempt = request.attempt
        if request.attempt and request.wish is None:
            self._second(told, request, now)
        if request.wish is not None:
            told.how, told.version, told.rule, told.bucket = "wish", version_of(target), -1, -1
        elif request.version:
            told.version = request.version
        self._keep(request_id, now, told.SerializeToString())

    def _second(self, told: Explanation, request: Request, now: int) -> None:
        """A second attempt has fewer to choose from: not where it was refused, nor where it has failed."""
        switch = self._switch
        pool = switch.features[request.name]
        left = switch.origin.routing.eligible.of(request, pool, request.refused_by, request.first)
        odds = dict(zip((one.id for one in left), chances(left, now), strict=True))
        for one in told.candidates:
            one.chance = odds.get(one.instance, 0.0)
            if one.eligible and one.instance not in odds:
                one.eligible, one.why = False, _why_not_again(request, one)
        for version in told.versions:
            of_it = [one for one in told.candidates if one.version == version.version]
            version.chance = sum(one.chance for one in of_it)
            version.candidates = sum(one.eligible for one in of_it)

    def _keep(self, request_id: str, now: int, data: bytes) -> None:
        self._kept.append((request_id, now, data))
        self._bytes += len(data)
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= len(self._kept.popleft()[2])

    def find(self, beginning: str) -> tuple[Explanation, int] | None:
        """The newest one whose id begins so, and when it was taken (monotonic ns)."""
        for request_id, at_ns, data in reversed(self._kept):
            if request_id.startswith(beginning):
                return Explanation.FromString(data), at_ns
        return None


def _why_not_again(request: Request, one: Considered) -> str:
    first = request.first
    if one.host == request.refused_by:
        return "its host has refused this request already"
    if first is not None and one.instance == first.instance:
        return "this request has failed there already"
    if first is not None and one.host == first.host:
        return "this request has failed on its host already"
    return "what may have been executed is not executed again: the feature is not declared idempotent"
