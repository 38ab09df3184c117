"""What `h2o weight` makes of what was typed: a package's traffic as it is to be, or what to type instead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_core.control import WHOLE, NewVersions, Traffic
from h2o_core.names import shown
from h2o_core.weights import InvalidWeights, percent, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EDIT: Final = re.compile(r"(?P<version>[^=]+)=(?P<percent>[0-9]{1,3}(\.[0-9]{1,2})?)%")
_EXAMPLE: Final = "h2o weight service/customer 2.1.0=10%"


@dataclass(frozen=True, slots=True)
class Known:
    """A package as the register has it. `versions` is in the order of registration, with the instances of each."""

    package: str
    traffic: Traffic | None
    versions: Mapping[str, int]
    new_versions: NewVersions = NewVersions.HOLD

    def shares(self) -> dict[str, int | None]:
        """Version → parts out of 10,000 that it gets now; None: it competes by load, nobody has decided about it."""
        if self.traffic is not None:
            decided = dict(self.traffic.weights)
            return {version: decided.get(version, 0) for version in dict.fromkeys((*decided, *self.versions))}
        live = [version for version, count in self.versions.items() if count]
        if self.new_versions is NewVersions.SHARE and len(live) > 1:
            return {version: None if count else 0 for version, count in self.versions.items()}
        return {version: WHOLE if live[:1] == [version] else 0 for version in self.versions}


def parse_edits(typed: Sequence[str]) -> dict[str, int]:
    """``2.1.0=10%`` … → version → parts out of 10,000; raises CommandFailed."""
    edits: dict[str, int] = {}
    for text in typed:
        found = _EDIT.fullmatch(text.strip())
        if found is None:
            raise CommandFailed(Exit.USAGE, f"{text!r} is not a weight: VERSION=PERCENT, as in 2.1.0=10%", _EXAMPLE)
        parts = int(Decimal(found["percent"]) * 100)
        if parts > WHOLE:
            raise CommandFailed(Exit.USAGE, f"{text} is more than there is: 0% to 100%", _EXAMPLE)
        if edits.setdefault(found["version"], parts) != parts:
            raise CommandFailed(Exit.USAGE, f"{found['version']} is given two weights; keep one")
    return edits


def weighed(known: Known, edits: Mapping[str, int], *, owner: str, reason: str, review_s: float) -> Traffic:
    """The traffic document with these weights; one alone scales the others. Raises CommandFailed.

    Rules, salt and stable version stay. Without a document the stable version is the one registered first that runs;
    what there is to be scaled is all of it or, where versions compete by load, each version's part of the instances.
    """
    for version in edits:
        if version not in known.versions and (known.traffic is None or version not in dict(known.traffic.weights)):
            raise no_match(version, list(known.versions), f"describe {shown(known.package)}")
    base = known.traffic or _first(known, edits)
    (version, parts), *more = edits.items()
    try:
        weights = _all(base, edits) if more else scaled(base, version, parts)
    except InvalidWeights as error:
        hint = f"h2o weight {shown(known.package)} " + " ".join(
            f"{one}=…%" for one in dict.fromkeys([*dict(base.weights), *edits])
        )
        raise CommandFailed(Exit.USAGE, str(error), hint) from None
    return replace(base, weights=weights, owner=owner, reason=reason, review_s=review_s)


def _first(known: Known, edits: Mapping[str, int]) -> Traffic:
    live = {version: count for version, count in known.versions.items() if count}
    stable = next(iter([*live, *known.versions, *edits]))
    if known.new_versions is NewVersions.HOLD or len(live) < 2:
        return Traffic(known.package, stable, ((stable, WHOLE),))
    parts = {version: max(1, count * WHOLE // sum(live.values())) for version, count in live.items()}
    parts[stable] += WHOLE - sum(parts.values())
    return Traffic(known.package, stable, tuple(parts.items()))


def _all(base: Traffic, edits: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Each is said: nothing is left to be scaled. The order stays, new versions go to the end (decision 0017)."""
    total = sum(edits.values())
    if total != WHOLE:
        said = " + ".join(percent(parts) for parts in edits.values())
        msg = f"{said} = {percent(total)}, not 100%; give one version and the rest is scaled, or all of them"
        raise InvalidWeights(msg)
    names = dict.fromkeys([*dict(base.weights), *edits])
    return tuple((name, edits.get(name, 0)) for name in names)
