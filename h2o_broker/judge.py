"""What this host's instances are found to be by what they answer, and what other brokers find of theirs. Pure.

A destination sees all of an instance's traffic, so it judges alone; every origin, this broker's included, goes by its
verdict. `pools` draws the conclusions. Rules: `h2o_core.ejection`, `h2o_core.health`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.members import Health
from h2o_broker.pools import out_of, shares_of
from h2o_core.ejection import DEFAULT, Event, Policy, Standing, State
from h2o_core.envelope import MOST_VERDICTS, UNKNOWN_PERCENT, InstanceVerdict, encode_verdicts
from h2o_core.errors import Code
from h2o_core.health import OUT, SIGNS, UNKNOWN_SHARE, Sign, Verdict, may_eject, median
from h2o_core.pb.registration_pb2 import Check, Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from h2o_broker.members import LocalInstance, Peer, Pool, RemoteInstance
    from h2o_broker.requests import Request
    from h2o_broker.telemetry import Oddities

HEARTBEATS_THAT_TELL: Final = 2
"""A check that fails once may have met a moment."""
WORTH_TELLING: Final = 0.95
"""An instance that is well and has a higher share is like the many: other brokers take it for one."""
PATIENT_NS: Final = 1_000_000_000
"""Whoever gives so much (the default time-out) has waited long enough, whatever is usual there."""
_TIMEOUT: Final = Code.TIMEOUT.value
_SIGN_OF: Final = tuple(SIGNS[code] for code in sorted(Code))


class Judge:
    """Keeps the standings of this host's instances; verdicts of all are at the instances themselves."""

    def __init__(
        self,
        instances: dict[bytes, LocalInstance],
        pools: dict[str, Pool],
        oddities: Oddities,
        dice: Callable[[], float],
        rebuild: Callable[[Pool, int], None],
        policy: Policy = DEFAULT,
    ) -> None:
        """*instances*: this host's; *rebuild(pool, now)*: a verdict has changed; *dice* returns [0, 1)."""
        self._instances = instances
        self._pools = pools
        self._oddities = oddities
        self._dice = dice
        self._rebuild = rebuild
        self._policy = policy
        self._told: bytes | None = None
        """What PONGs say; None: has to be worked out."""

    def standing(self, now: int) -> Standing:
        """Of an instance that has just come."""
        return Standing(now, self._dice, self._policy)

    # ------------------------------------------------------------------ evidence

    def heed(self, instance: LocalInstance, code: int, request: Request, now: int) -> None:
        """What came of *request* there; a success only when its standing is on alert."""
        standing = instance.standing
        before = standing.state
        if instance.health is Health.GONE:
            return
        sign = _SIGN_OF[code]
        if code == _TIMEOUT and (instance.unanswered_pings > 1 or _was_hurried(request, now)):
            # it does not speak: that is suspicion's matter, and over with its next PONG; or its caller could not wait
            sign = Sign.NOTHING
        if standing.heed(sign, request.id, now):
            self._eject(instance, standing.run_text(), now)
        elif standing.state is not before:
            self._changed(instance, now)

    def handed(self, instance: LocalInstance, request: int, now: int) -> None:
        """*request* is on its way to an instance that is not OK: the first after its time decides."""
        if instance.standing.state is State.WAITING:
            instance.standing.handle(Event.PROBE, now, request=request)
            self._changed(instance, now)

    def checked(self, instance: LocalInstance, heartbeat: bytes, now: int) -> None:
        """What it says of itself: two heartbeats in a row with a failing check of severity page make it unfit."""
        try:
            checks = Heartbeat.FromString(heartbeat).checks
        except DecodeError:
            self._oddities.count("malformed_heartbeats")
            return
        fails = any(unfits(one) for one in checks)
        instance.failing_heartbeats = instance.failing_heartbeats + 1 if fails else 0
        if self._verdict(instance) is not instance.verdict:
            self._changed(instance, now)

    def _eject(self, instance: LocalInstance, reason: str, now: int) -> None:
        crowd = self._crowd(instance)
        if instance not in crowd:
            return
        if not may_eject(out_of(crowd), len(crowd)):
            self._oddities.count("ejections_held_back")
            return
        self._oddities.count("ejections")
        instance.standing.handle(Event.EJECT, now, reason=reason)
        self._changed(instance, now)

    def _crowd(self, instance: LocalInstance) -> Sequence[LocalInstance | RemoteInstance]:
        """Its version's instances, fleet-wide, that it is one of; without it when nobody is sent to it anyway."""
        return instance.version.pool.crowds.get(instance.version.spec.version, ())

    def _changed(self, instance: LocalInstance, now: int) -> None:
        verdict = self._verdict(instance)
        if verdict is instance.verdict:
            return
        instance.verdict = verdict
        instance.route_to_client = b""
        self._told = None
        self._rebuild(instance.version.pool, now)

    def _verdict(self, instance: LocalInstance) -> Verdict:
        if instance.standing.state is State.IN and instance.failing_heartbeats >= HEARTBEATS_THAT_TELL:
            return Verdict.CHECK_FAILING
        return instance.standing.verdict

    # ------------------------------------------------------------------ time

    def tick(self, now: int) -> None:
        """A few times a second: times that are over, shares of whole seconds, pardons, probes that nobody took."""
        staying = [one for one in self._instances.values() if one.health is not Health.LEAVING]
        told_anew = [one for one in staying if one.standing.tick(now)]
        for instance in told_anew:  # once all of them have their second: they are compared with one another
            if instance.standing.is_poor():
                self._compare(instance, now)
        if told_anew:
            self._told = None
        for instance in staying:
            if instance.verdict in OUT and instance.id not in instance.version.pool.left_out:
                instance.standing.handle(Event.PARDON, now)
            self._changed(instance, now)
        for pool in self._pools.values():
            pool.probes = pool.wanting.copy()  # what was sent may have been taken by another, or have got lost

    def _compare(self, instance: LocalInstance, now: int) -> None:
        pools_median = median(shares_of(self._crowd(instance)))
        if instance.standing.is_worse_than(pools_median):
            self._eject(instance, instance.standing.share_text(pools_median), now)

    # ------------------------------------------------------------------ between brokers

    def told(self) -> bytes:
        """What this host's PONGs say: instances that are not OK, or have a share that others' medians need."""
        if self._told is None:
            self._told = encode_verdicts(list(self._worth_telling())[:MOST_VERDICTS])
        return self._told

    def _worth_telling(self) -> Iterable[InstanceVerdict]:
        sick = sorted(self._instances.values(), key=lambda one: (one.verdict is Verdict.OK, one.id))
        for one in sick:
            share = one.standing.share
            if one.verdict is not Verdict.OK or (share is not None and share < WORTH_TELLING):
                yield InstanceVerdict(one.id, one.verdict, UNKNOWN_PERCENT if share is None else int(share * 100))

    def hear(self, peer: Peer, told: Iterable[InstanceVerdict], now: int) -> None:
        """What another broker's PONG says of its instances; of whom it says nothing is well."""
        news = {one.instance: one for one in told}
        if not news and not peer.told:
            return
        changed: dict[int, Pool] = {}
        for instance_id in news.keys() | peer.told:
            known = peer.instances.get(instance_id)
            if known is None:
                continue
            pool, instance = known
            one = news.get(instance_id)
            instance.share = one.percent / 100 if one is not None and one.percent <= 100 else UNKNOWN_SHARE
            verdict = _verdict_of(one.verdict) if one is not None else Verdict.OK
            if verdict is not instance.verdict:
                instance.verdict = verdict
                changed[id(pool)] = pool
        peer.told = set(news)
        for pool in changed.values():
            self._rebuild(pool, now)

    def stamped(self, peer: Peer, server: RemoteInstance, verdict: int, now: int) -> None:
        """What an answer of another broker says of the instance that served; a PONG would say it later."""
        known = peer.instances.get(server.id)
        if known is not None and known[1] is server and _verdict_of(verdict) is not server.verdict:
            server.verdict = _verdict_of(verdict)
            peer.told.add(server.id)
            self._rebuild(known[0], now)


def _was_hurried(request: Request, now: int) -> bool:
    """It had less time at the instance than such requests usually take there (decision 0028)."""
    counter = request.counter
    return counter is not None and now - request.sent_ns < min(PATIENT_NS, counter.usual_ns())


def unfits(check: Check) -> bool:
    """It fails, and its author would wake somebody for it."""
    return check.status == Check.Status.FAIL and check.severity == Check.Severity.PAGE


def _verdict_of(number: int) -> Verdict:
    """A newer broker's verdict that this one does not know is no reason to leave an instance out."""
    try:
        return Verdict(number)
    except ValueError:
        return Verdict.OK
