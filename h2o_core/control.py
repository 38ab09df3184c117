"""What operators decide: epoch, fleet settings, traffic of packages, hosts that are drained or avoided. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from h2o_core.documents import InvalidDocument, Reader, encode_document
from h2o_core.names import dotted, from_dotted, parse_host, parse_package, parse_version

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH_CAP_BYTES: Final = 256 << 10
EPOCH_CHANGES: Final = 64
SETTINGS_CAP_BYTES: Final = 16 << 10
TRAFFIC_CAP_BYTES: Final = 128 << 10
HOST_CONTROL_CAP_BYTES: Final = 16 << 10
WHOLE: Final = 10_000
"""Weights are parts out of this."""
MOST_VERSIONS: Final = 16
MOST_RULES: Final = 32
MOST_CALLERS: Final = 64
MOST_HEADERS: Final = 8
MOST_KEYS: Final = 1_000
GRACE_S: Final = 300.0
"""What a drained host's requests get to finish, unless somebody says otherwise."""
LONGEST_GRACE_S: Final = 86_400.0
MIN_EFFECT: Final = 100
"""One point more of errors, in parts out of 10,000: what matters in an experiment, unless it says another."""
_LATEST_S: Final = 1e12
_CALLER: Final = re.compile(r"operator|/[a-z0-9_*?\[\]!/-]{1,199}")
HEADER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""An experiment's name, or a salt."""


@dataclass(frozen=True, slots=True)
class Change:
    """One control change: the documents it wrote, as paths below the fleet's root."""

    epoch: int
    paths: tuple[str, ...]
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The control epoch and its last changes, oldest first."""

    epoch: int = 0
    change_id: str = ""
    changes: tuple[Change, ...] = ()


class NewVersions(StrEnum):
    """What a version gets that nobody has decided about."""

    HOLD = "hold"
    SHARE = "share"


class TierRule(StrEnum):
    """What a call against the tier rules gets."""

    ENFORCE = "enforce"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """The fleet's settings, one document for all hosts."""

    new_versions: NewVersions = NewVersions.HOLD
    tiers: TierRule = TierRule.ENFORCE


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


class HostState(StrEnum):
    """What requests a host gets: none, or those that nobody else can take."""

    DRAIN = "drain"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True)
class HostControl:
    """A host that operators want out of the way. Unix times; `until_s` 0: until somebody says otherwise.

    `grace_s`: what has come to a host before it is drained may take that long to finish, and is ended then.
    """

    host: str
    state: HostState
    owner: str
    reason: str = ""
    since_s: float = 0.0
    until_s: float = 0.0
    grace_s: float = GRACE_S


def encode_epoch(epoch: Epoch) -> bytes:
    """`control/epoch`; the last 64 changes are kept."""
    changes = [
        {"epoch": one.epoch, "paths": list(one.paths), "id": one.change_id} for one in epoch.changes[-EPOCH_CHANGES:]
    ]
    fields: dict[str, object] = {"epoch": epoch.epoch, "change_id": epoch.change_id, "changes": changes}
    return encode_document("control/epoch", EPOCH_CAP_BYTES, fields)


def parse_epoch(path: str, data: bytes) -> Epoch:
    """`control/epoch` → Epoch; raises InvalidDocument."""
    reader = Reader.of_document(path, data, EPOCH_CAP_BYTES)
    changes = tuple(
        Change(item.integer("epoch", 0, 1 << 62), item.texts("paths", 10_000), item.text("id", empty=True))
        for item in reader.objects("changes", EPOCH_CHANGES)
    )
    return Epoch(reader.integer("epoch", 0, 1 << 62), reader.text("change_id", empty=True), changes)


def encode_settings(settings: FleetSettings) -> bytes:
    """`control/fleet`."""
    fields: dict[str, object] = {"new_versions": settings.new_versions.value, "tiers": settings.tiers.value}
    return encode_document("control/fleet", SETTINGS_CAP_BYTES, fields)


def parse_settings(path: str, data: bytes) -> FleetSettings:
    """`control/fleet` → FleetSettings; raises InvalidDocument."""
    reader = Reader.of_document(path, data, SETTINGS_CAP_BYTES)
    try:
        return FleetSettings(NewVersions(reader.text("new_versions")), TierRule(reader.text("tiers")))
    except ValueError as error:
        if isinstance(error, InvalidDocument):
            raise
        reader.fail(f"{error}; new_versions is hold or share, tiers is enforce or warn")


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
    package = reader.name("package", _package)
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
        review_s=_moment(reader, "review"),
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


def encode_host_control(control: HostControl) -> bytes:
    """`control/hosts/<host>`; raises InvalidDocument for what `parse_host_control` would not read."""
    fields: dict[str, object] = {
        "host": control.host,
        "state": control.state.value,
        "owner": control.owner,
        "reason": control.reason,
        "since": control.since_s,
        "until": control.until_s,
        "grace": control.grace_s,
    }
    path = f"control/hosts/{control.host}"
    data = encode_document(path, HOST_CONTROL_CAP_BYTES, fields)
    parse_host_control(path, data)
    return data


def parse_host_control(path: str, data: bytes) -> HostControl:
    """`control/hosts/<host>` → HostControl; raises InvalidDocument."""
    reader = Reader.of_document(path, data, HOST_CONTROL_CAP_BYTES)
    host = reader.name("host", parse_host)
    if host != path.rsplit("/", 1)[-1]:
        reader.fail(f"it says that it is of host {host!r}")
    word = reader.text("state")
    if word not in set(HostState):
        reader.fail(f"state is {word!a:.60}; it is drain or avoid")
    since_s, until_s = _moment(reader, "since"), _moment(reader, "until")
    if until_s and until_s <= since_s:
        reader.fail("until is not after since; 0 is for no end")
    return HostControl(
        host=host,
        state=HostState(word),
        owner=reader.text("owner"),
        reason=reader.text("reason", empty=True),
        since_s=since_s,
        until_s=until_s,
        grace_s=_grace(reader),
    )


def _grace(reader: Reader) -> float:
    """Documents of before there was a grace have none."""
    if "grace" not in reader.fields:
        return GRACE_S
    grace_s = reader.number("grace")
    if grace_s > LONGEST_GRACE_S:
        reader.fail(f"grace is {grace_s:g} s; at most {LONGEST_GRACE_S:,.0f} s (a day) are allowed, 0 ends all at once")
    return grace_s


def _package(name: str) -> str:
    return parse_package(from_dotted(name))


def _moment(reader: Reader, key: str) -> float:
    moment_s = reader.number(key)
    if moment_s > _LATEST_S:
        reader.fail(f"{key} is {moment_s:.0e}; a Unix time in seconds is needed, or 0")
    return moment_s
