"""Who sends requests: the identity that they are counted under, and the stream or link that they come by. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.telemetry import CallerCounter
from h2o_core.names import Tier, callable_tiers

if TYPE_CHECKING:
    from h2o_core.retries import RetryBudget

TIER_BITS: Final = {tier: 1 << at for at, tier in enumerate(Tier)}
"""See `Caller.forbidden`."""


class Caller:
    """An identity that requests are counted under."""

    __slots__ = ("breaches", "budgets", "counters", "forbidden", "instance", "package", "version")

    def __init__(self, package: str, version: str = "", instance: str = "") -> None:
        self.package = package
        self.version = version
        self.instance = instance
        self.counters: dict[bytes, CallerCounter] = {}
        self.budgets: dict[str, RetryBudget] = {}
        """Package → what may still be retried of the calls to it; those that never failed have none."""
        self.breaches: dict[bytes, int] = {}
        """Feature → calls against the tier rules, refused or let pass."""
        self.forbidden = 0
        """The `tier` bits of the pools that it may not call; of another host's callers that host has judged."""

    def counter(self, feature: bytes) -> CallerCounter:
        """What its requests to *feature*, which is one, are counted in."""
        counter = self.counters.get(feature)
        if counter is None:
            counter = self.counters[feature] = CallerCounter()
        return counter

    def judge(self) -> None:
        """Apply the tier rules to it from now on; *package* has been checked."""
        allowed = callable_tiers(self.package)
        self.forbidden = sum(bit for tier, bit in TIER_BITS.items() if tier not in allowed)


class Source:
    """Where requests come from: a local client or instance, or a greeted peer's inbound link."""

    __slots__ = ("caller", "incarnation", "is_instance", "port", "requests", "rid")

    def __init__(self, port: int, rid: bytes, caller: Caller, incarnation: int) -> None:
        self.port = port
        self.rid = rid
        self.caller = caller
        self.incarnation = incarnation
        """What frames to this source carry as the receiver's incarnation (a client: our own)."""
        self.is_instance = False
        self.requests: dict[int, int] = {}
        """The source's correlations in flight → the switch's."""
