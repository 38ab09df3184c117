"""Which versions of a package get what, `control/traffic/<package>`: weights, match rules, experiments. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_core.documents import Reader, encode_document
from h2o_core.fields import WORD, parse_moment, parse_package_name
from h2o_core.names import dotted, parse_version

if TYPE_CHECKING:
    from collections.abc import Mapping

TRAFFIC_CAP_BYTES: Final = 128 << 10
WHOLE: Final = 10_000
"""Weights are parts out of this."""
MOST_VERSIONS: Final = 16
MOST_RULES: Final = 32
MOST_CALLERS: Final = 64
MOST_HEADERS: Final = 8
MOST_KEYS: Final = 1_000
MIN_EFFECT: Final = 100
"""One point more of errors, in parts out of 10,000: what matters in an experiment, unless it says another."""
_CALLER: Final = re.compile(r"operator|/[a-z0-9_*?\[\]!/-]{1,199}")
HEADER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Requests that go to `version` whatever the weights: all that is said here must hold, of a list any one.

    `callers` are packages' names or globs (``/orchestration/*``), ``operator`` who is no package; `headers`
    values by lower-case name; `keys` sticky keys.
    """

    version: str
    callers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """Which versions of a package get what; a version that is not named gets nothing.

    `weights` are (version, parts out of 10,000) and sum to 10,000; their order matters to who gets what
    (decision 0017): new versions go to the end. `review_s` (Unix time, 0: never) makes a finding, no change.
    `experiment` is its name while the versions are compared, `min_effect` the smallest difference of errors that
    matters then, in parts out of 10,000. `ended`: they are not compared any more; its name and salt stay, since they
    are part of what keeps keys where they are.
    """

    package: str
    stable: str
    weights: tuple[tuple[str, int], ...]
    rules: tuple[MatchRule, ...] = ()
    salt: str = "0"
    experiment: str = ""
    owner: str = ""
    reason: str = ""
    review_s: float = 0.0
    min_effect: int = MIN_EFFECT
    ended: bool = False

    def weight(self, version: str) -> int:
        """A version's parts out of 10,000."""
        return dict(self.weights).get(version, 0)


def encode_traffic(traffic: Traffic) -> bytes:
    """`control/traffic/<package>`; raises InvalidDocument for what `parse_traffic` would not read."""
    fields: dict[str, object] = {
        "package": dotted(traffic.package),
        "stable": traffic.stable,
        "weights": [{"version": version, "parts": parts} for version, parts in traffic.weights],
        "rules": [
            {
                "version": rule.version,
                "callers": list(rule.callers),
                "headers": dict(rule.headers),
                "keys": list(rule.keys),
            }
            for rule in traffic.rules
        ],
        "salt": traffic.salt,
        "experiment": traffic.experiment,
        "owner": traffic.owner,
        "reason": traffic.reason,
        "review": traffic.review_s,
        "min_effect": traffic.min_effect,
        "ended": traffic.ended,
    }
    path = f"control/traffic/{dotted(traffic.package)}"
    data = encode_document(path, TRAFFIC_CAP_BYTES, fields)
    parse_traffic(path, data)
    return data


def parse_traffic(path: str, data: bytes) -> Traffic:
    """`control/traffic/<package>` → Traffic; raises InvalidDocument."""
    reader = Reader.of_document(path, data, TRAFFIC_CAP_BYTES)
    package = parse_package_name(reader)
    if dotted(package) != path.rsplit("/", 1)[-1]:
        reader.fail(f"it says that it is of {dotted(package)}")
    stable = reader.name("stable", parse_version)
    weights = _parse_weights(reader)
    if stable not in dict(weights):
        reader.fail(f"stable is {stable}, which has no weight; name it, with 0 if it is to get nothing")
    return Traffic(
        package=package,
        stable=stable,
        weights=weights,
        rules=tuple(_parse_rule(item) for item in reader.objects("rules", MOST_RULES)),
        salt=reader.text("salt", form=WORD),
        experiment=reader.text("experiment", form=WORD) if reader.fields.get("experiment") != "" else "",
        owner=reader.text("owner", empty=True),
        reason=reader.text("reason", empty=True),
        review_s=parse_moment(reader, "review"),
        min_effect=reader.integer("min_effect", 1, WHOLE) if "min_effect" in reader.fields else MIN_EFFECT,
        ended="ended" in reader.fields and reader.flag("ended"),
    )


def _parse_weights(reader: Reader) -> tuple[tuple[str, int], ...]:
    weights = tuple(
        (item.name("version", parse_version), item.integer("parts", 0, WHOLE))
        for item in reader.objects("weights", MOST_VERSIONS)
    )
    if len(dict(weights)) != len(weights):
        reader.fail("two weights are of the same version")
    total = sum(parts for _, parts in weights)
    if total != WHOLE:
        reader.fail(f"the weights sum to {total}, not to {WHOLE} (100 %)")
    return weights


def _parse_rule(reader: Reader) -> MatchRule:
    callers = reader.texts("callers", MOST_CALLERS)
    for caller in callers:
        if not _CALLER.fullmatch(caller):
            reader.fail(f"callers has {caller!a:.60}; name a package, /tier/service, a glob of such, or operator")
    headers = reader.table("headers", MOST_HEADERS)
    for name in headers:
        if not HEADER_NAME.fullmatch(name):
            reader.fail(f"headers has {name!a:.60}; a name is of lower-case letters, digits, - and _ (at most 63)")
    rule = MatchRule(
        version=reader.name("version", parse_version),
        callers=callers,
        headers=headers,
        keys=reader.texts("keys", MOST_KEYS),
    )
    if not (rule.callers or rule.headers or rule.keys):
        reader.fail("it has nothing to match: name callers, headers or keys, or use weights for everybody")
    return rule
