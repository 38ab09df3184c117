"""Weights of versions: one changed and the rest scaled, and how much a version may be given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from h2o_core.control.traffic import Traffic

Weights = tuple[tuple[str, int], ...]
"""(version, parts out of 10,000), summing to 10,000, in the document's order."""

CAP_SHARE: Final = 0.8
"""How much of its ready slots a version may be planned to need (TRAFFIC.md "Cap")."""


class InvalidWeights(ValueError):
    """Weights can't be changed like that; the sentence says what to type instead."""


def scaled(traffic: Traffic, version: str, parts: int) -> Weights:
    """Give *version* *parts* and scale the rest: in integers, summing to 10,000, nobody rounded down to nothing.

    A new version goes to the end: who is in the others stays there (decision 0017). When no other has weight, the
    stable version takes the rest. Rounding by largest remainders, the earlier first. Raises InvalidWeights.
    """
    if not 0 <= parts <= WHOLE:
        msg = f"{version} can't have {percent(parts)}; give it 0% to 100%"
        raise InvalidWeights(msg)
    others = {name: weight for name, weight in traffic.weights if name != version}
    if parts < WHOLE and not any(others.values()):
        if version == traffic.stable:
            msg = f"nobody else has weight to take the {percent(WHOLE - parts)} that {version} leaves; name who does"
            raise InvalidWeights(msg)
        others[traffic.stable] = 1
    shares = _shares(others, WHOLE - parts) | {version: parts}
    order = [name for name, _ in traffic.weights]
    return tuple((name, shares[name]) for name in dict.fromkeys((*order, version)))


def _shares(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """*total* in the proportions of *weights*; who had something keeps 1 at least, unless *total* is 0."""
    live = {name: weight for name, weight in weights.items() if weight}
    if total and total < len(live):
        msg = (
            f"{percent(total)} are too little for the {len(live)} other versions that have weight; give some of them 0%"
        )
        raise InvalidWeights(msg)
    shares = dict.fromkeys(weights, 0)
    if not total:
        return shares
    whole = sum(live.values())
    for name, weight in live.items():
        shares[name] = max(1, weight * total // whole)
    by_remainder = sorted(live, key=lambda name: -(live[name] * total % whole))
    missing = total - sum(shares.values())
    for name in by_remainder[: max(0, missing)]:
        shares[name] += 1
    while missing < 0:  # the ones that were kept at 1 are paid for by the largest
        shares[max(live, key=lambda name: shares[name])] -= 1
        missing += 1
    return shares


def weight_cap(demand: float, slots: int) -> int:
    """The highest weight (parts out of 10,000) of a version with *slots* ready ones.

    *demand*: slots that the whole package keeps busy (rate × service time). A version without slots: 0.
    """
    if slots <= 0:
        return 0
    if demand <= 0:
        return WHOLE
    return min(WHOLE, int(CAP_SHARE * slots / demand * WHOLE))


@dataclass(frozen=True, slots=True)
class OverCap:
    """A version that is to get more than it can take. `refused`: only force gets past it, else it is a warning."""

    version: str
    parts: int
    cap: int
    refused: bool
    sentence: str


def over_cap(
    before: Mapping[str, int],
    after: Mapping[str, int],
    slots: Mapping[str, int],
    demand: float,
    failing: Collection[str] = (),
) -> tuple[OverCap, ...]:
    """What is wrong with a change of weights (parts out of 10,000 by version), for the versions that rise.

    *slots*: ready ones by version; *demand* as for `weight_cap`. Taking weight from a *failing* version is never
    refused: where it goes may be too small, where it is is worse.
    """
    flight = any(after.get(version, 0) < before.get(version, 0) for version in failing)
    found: list[OverCap] = []
    for version, parts in after.items():
        ready = slots.get(version, 0)
        cap = weight_cap(demand, ready)
        if parts <= max(cap, before.get(version, 0)):
            continue
        if ready:
            why = f"{version} at {percent(parts)} needs {demand * parts / WHOLE:.3g} of its {ready} ready slots"
            todo = f"{CAP_SHARE:.0%} may be planned with; give it {percent(cap)} at most, or start more instances of it"
        else:
            why, todo = f"{version} has no ready instance for its {percent(parts)}", "start one first"
        found.append(OverCap(version, parts, cap, version in failing or not flight, f"{why}; {todo}"))
    return tuple(found)


def percent(parts: int) -> str:
    """Parts out of 10,000 as an operator types them: ``1050`` → ``10.5%``."""
    return f"{parts / 100:g}%"
