"""The version of a request whose package has a traffic document: what it carries is read, decided on, counted. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.assignment import NO_HEADERS, How, assign
from h2o_core.baggage import assigned_version, decode_headers
from h2o_core.choice import Candidates
from h2o_core.envelope import (
    REQUEST_ASSIGNED,
    TAG_ASSIGNMENT,
    TAG_HEADERS,
    TAG_STICKY_KEY,
    MalformedFrame,
    decode_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_broker.members import LocalInstance, Pool, RemoteInstance
    from h2o_broker.requests import Request
    from h2o_broker.telemetry import Oddities
    from h2o_core.assignment import Assigned, CompiledTraffic

_NOBODY: Final = Candidates["LocalInstance | RemoteInstance"](())
_TOLD: Final = frozenset((How.RULE, How.CARRIED, How.STICKY, How.RANDOM))
"""What the request's tree is told of: a version that stands in for another is no assignment, the only one no choice."""


class Versions:
    """Chooses once for a request, and again only when its version has lost its last instance meanwhile."""

    def __init__(self, oddities: Oddities, dice: Callable[[], float]) -> None:
        """*dice* returns a float in [0, 1)."""
        self._oddities = oddities
        self._dice = dice

    def members(
        self, request: Request, pool: Pool, traffic: CompiledTraffic
    ) -> Candidates[LocalInstance | RemoteInstance]:
        """Whom its version may be given to; empty when that version has nobody."""
        members = pool.by_version.get(request.version)
        if members is None:
            members = pool.by_version.get(self._choose(request, pool, traffic), _NOBODY)
        return members

    def _choose(self, request: Request, pool: Pool, traffic: CompiledTraffic) -> str:
        assigned = traffic.settled
        if assigned is None or assigned.version not in pool.by_version:
            assigned = self._assign(request, pool, traffic)
        request.version = version = assigned.version
        if assigned.how in _TOLD:
            request.flags |= REQUEST_ASSIGNED
        else:
            request.flags &= ~REQUEST_ASSIGNED
        counted = version, assigned.how, assigned.broken
        pool.assigned[counted] = pool.assigned.get(counted, 0) + 1
        return version

    def _assign(self, request: Request, pool: Pool, traffic: CompiledTraffic) -> Assigned:
        fields = self._fields(request)
        headers: Mapping[str, str] = NO_HEADERS
        if traffic.reads_headers and TAG_HEADERS in fields:
            headers = self._headers(fields[TAG_HEADERS])
        carried, key = fields.get(TAG_ASSIGNMENT), fields.get(TAG_STICKY_KEY, b"")
        assigned = assign(
            traffic,
            pool.by_version,
            caller=request.caller.package,
            headers=headers,
            key=key,
            carried=assigned_version(carried, pool.assignment_key) if carried else "",
            dice=self._dice,
        )
        if pool.trial is not None:
            counter = request.source.caller.counter(request.name)
            request.account = pool.trial.account(counter, assigned, key, again=bool(request.version))
        return assigned

    def _fields(self, request: Request) -> dict[int, bytes]:
        """Nonsense says nothing: its request goes where one without a word would."""
        try:
            return decode_fields(request.fields(), TAG_STICKY_KEY)
        except MalformedFrame:
            self._oddities.count("malformed_fields")
            return {}

    def _headers(self, data: bytes) -> Mapping[str, str]:
        try:
            return decode_headers(data)
        except MalformedFrame:
            self._oddities.count("malformed_fields")
            return NO_HEADERS
