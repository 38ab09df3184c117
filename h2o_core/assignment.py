"""Which version a request gets, by rules, by what travelled with it, by its key or by dice (decision 0017). Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import translate
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from h2o_core.control.settings import NewVersions
from h2o_core.control.traffic import WHOLE
from h2o_core.routing import serving_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from h2o_core.control.traffic import MatchRule, Traffic

_EXACT: Final = re.compile(r"[^*?\[]*")
_FULL: Final = 1 << 64
_CALLERS_REMEMBERED: Final = 4096
NO_HEADERS: Final[Mapping[str, str]] = {}


class How(StrEnum):
    """What decided about a request's version."""

    RULE = "rule"
    """A match rule."""
    CARRIED = "carried"
    """The request tree that it belongs to had this version already."""
    STICKY = "sticky"
    """Its key, against the weights."""
    RANDOM = "random"
    """Dice, against the weights: it has no key."""
    WHOLE = "whole"
    """Nothing: the stable version has all weight, and there are no rules."""
    HOLD = "hold"
    """Nobody: of the versions with instances the one registered first."""
    SHARE = "share"
    """Nobody: its versions compete by load."""
    FALLBACK = "fallback"
    """What was decided has no instance: it is the stable version's."""


class Assigned(NamedTuple):
    """A request's version; empty: any that serves.

    `rule` is the index of the rule that decided, or -1. `bucket` is where the key fell in the draw that decided,
    0 … 9,999, or -1 without such a draw. `broken`: the version that was decided on has no instance; such a request is
    no evidence about any version.
    """

    version: str
    how: How
    rule: int = -1
    bucket: int = -1
    broken: bool = False


class _Rule:
    """A match rule, ready to be asked."""

    __slots__ = ("_answers", "_exact", "_globs", "_headers", "_keys", "version")

    def __init__(self, rule: MatchRule) -> None:
        self.version = rule.version
        self._exact = frozenset(rule.callers)
        self._globs = tuple(re.compile(translate(one)) for one in rule.callers if not _EXACT.fullmatch(one))
        self._headers = tuple(rule.headers.items())
        self._keys = frozenset(key.encode() for key in rule.keys)
        self._answers: dict[str, bool] = {}

    def matches(self, caller: str, headers: Mapping[str, str], key: bytes) -> bool:
        """Everything that the rule says holds of the request."""
        if self._keys and key not in self._keys:
            return False
        for name, value in self._headers:
            if headers.get(name) != value:
                return False
        return not self._exact or self._calls(caller)

    def _calls(self, caller: str) -> bool:
        answer = self._answers.get(caller)
        if answer is None:
            if len(self._answers) >= _CALLERS_REMEMBERED:
                self._answers.clear()
            answer = caller in self._exact or any(glob.match(caller) for glob in self._globs)
            self._answers[caller] = answer
        return answer


class CompiledTraffic:
    """A traffic document, worked out once so that a request costs look-ups and one hash."""

    __slots__ = ("_arms", "_live", "_parts", "_rules", "document", "reached", "reads_headers", "settled")

    def __init__(self, document: Traffic) -> None:
        self.document = document
        self.reads_headers = any(rule.headers for rule in document.rules)
        """Whether a request's headers make any difference."""
        self.reached = frozenset(rule.version for rule in document.rules)
        """The versions that a request can get, those that only a rule names included."""
        whole = not document.rules and document.weight(document.stable) == WHOLE
        self.settled = Assigned(document.stable, How.WHOLE) if whole else None
        """What every request gets, whatever it carries, as long as that version has instances."""
        self._rules = tuple(_Rule(rule) for rule in document.rules)
        self._live = frozenset(version for version, parts in document.weights if parts) | {document.stable}
        self.reached |= self._live
        others = [(version, parts) for version, parts in document.weights if version != document.stable]
        self._parts = tuple((version, parts) for version, parts in others if parts)
        self._arms = tuple(_arms(others, f"{document.experiment}|{document.salt}|".encode()))

    def by_rule(self, caller: str, headers: Mapping[str, str], key: bytes) -> int:
        """The first rule that matches, or -1."""
        for at, rule in enumerate(self._rules):
            if rule.matches(caller, headers, key):
                return at
        return -1

    def rule_version(self, rule: int) -> str:
        """Where a rule sends requests."""
        return self._rules[rule].version

    def still(self, version: str) -> bool:
        """A version that a request tree has may stay with it: one that was taken to 0 may not."""
        return version in self._live

    def by_key(self, key: bytes) -> tuple[str, int]:
        """(version, bucket) of a sticky key: stick-breaking in the document's order (decision 0017)."""
        bucket = -1
        for version, below, prepared in self._arms:
            hashed = prepared.copy()
            hashed.update(key)
            drawn = int.from_bytes(hashed.digest(), "big")
            bucket = drawn * WHOLE >> 64
            if drawn < below:
                return version, bucket
        return self.document.stable, bucket

    def by_dice(self, dice: Callable[[], float]) -> str:
        """A version in proportion to its weight; *dice* returns [0, 1)."""
        part = int(dice() * WHOLE)
        for version, parts in self._parts:
            if part < parts:
                return version
            part -= parts
        return self.document.stable


def _arms(others: list[tuple[str, int]], prefix: bytes) -> list[tuple[str, int, blake2b]]:
    """(version, the draw must be below this, its hash so far) of each version but the stable one that has weight.

    The first is drawn by the plain hash, each later one by a hash of its own: keyed with the version's name, so
    that a version without weight changes nothing for those after it. In integers: u < w / (1 - earlier) for a
    64-bit u, and the quotient rounded up.
    """
    arms: list[tuple[str, int, blake2b]] = []
    left = WHOLE
    for at, (version, parts) in enumerate(others):
        if parts:
            prepared = blake2b(prefix, digest_size=8, key=version.encode() if at else b"")
            arms.append((version, -(-parts * _FULL // left), prepared))
        left -= parts
    return arms


def assign(
    traffic: CompiledTraffic,
    present: Container[str],
    *,
    caller: str = "",
    headers: Mapping[str, str] = NO_HEADERS,
    key: bytes = b"",
    carried: str = "",
    dice: Callable[[], float],
) -> Assigned:
    """The version of a request to a package that has a traffic document (TRAFFIC.md "Choosing an instance").

    *present*: the versions that have instances. *caller*: the calling package, or ``operator``. *key*: the sticky
    key, empty for none. *carried*: the version that the request tree has of this package, empty for none; it holds
    while that version is stable or has weight: an abort beats it. *dice* returns [0, 1), thrown only without a key.
    """
    if traffic.settled is not None and traffic.settled.version in present:
        return traffic.settled
    rule = traffic.by_rule(caller, headers, key)
    bucket = -1
    if rule >= 0:
        version, how = traffic.rule_version(rule), How.RULE
    elif carried and carried in present and traffic.still(carried):
        return Assigned(carried, How.CARRIED)
    elif key:
        version, bucket = traffic.by_key(key)
        how = How.STICKY
    else:
        version, how = traffic.by_dice(dice), How.RANDOM
    if version in present:
        return Assigned(version, how, rule, bucket)
    stable = traffic.document.stable
    return Assigned(stable, how if version == stable else How.FALLBACK, rule, bucket, broken=True)


def undecided(present: Mapping[str, int], new_versions: NewVersions) -> Assigned:
    """The version of every request to a package that has no traffic document."""
    if new_versions is NewVersions.SHARE:
        return Assigned("", How.SHARE)
    return Assigned("".join(serving_versions(present, new_versions)), How.HOLD)
