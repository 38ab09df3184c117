"""Which version, then which instance: pure functions that take their dice.

This slice knows two rules (TRAFFIC.md "Choosing an instance"): versions serve by `new_versions`, and of
two instances drawn at random the one with fewer pending requests wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from h2o_core.control import NewVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Candidate(Protocol):
    """What a choice looks at: requests handed to the instance and not answered yet."""

    pending: int


C = TypeVar("C", bound=Candidate)


def serving_versions(registered: Mapping[str, int], new_versions: NewVersions) -> list[str]:
    """Of the versions that have instances, those that take requests.

    *registered* maps a version to the order of its registration (a czxid). `hold`: the one registered
    first takes all; `share`: they compete by load, whatever their version.
    """
    in_order = sorted(registered, key=lambda version: (registered[version], version))
    return in_order if new_versions is NewVersions.SHARE else in_order[:1]


def choose(candidates: Sequence[C], dice: Callable[[], float]) -> C:
    """Two different ones at random, the one with fewer pending; *candidates* must not be empty.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001). *dice* returns [0, 1).
    """
    count = len(candidates)
    if count == 1:
        return candidates[0]
    first = int(dice() * count)
    second = int(dice() * (count - 1))
    if second >= first:
        second += 1
    one, other = candidates[first], candidates[second]
    return one if one.pending <= other.pending else other
