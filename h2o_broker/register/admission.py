"""May this process be an instance? The manifest's check against what the fleet knows already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.documents import InvalidDocument
from h2o_core.manifests import package_version_from_manifest
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_core.pb.registration_pb2 import Register
    from h2o_core.znodes.packages import PackageVersion

MAX_SLOTS: Final = 10_000


class Refused(Exception):
    """The registration can't be admitted; the text says why and what to change."""


def checked(register: Register) -> PackageVersion:
    """The manifest that an instance brings, when it makes sense at all; raises Refused."""
    if not 1 <= register.slots <= MAX_SLOTS:
        msg = f"slots = {register.slots}; use 1 to {MAX_SLOTS}"
        raise Refused(msg)
    try:
        spec = package_version_from_manifest(register.manifest)
    except InvalidDocument as error:
        raise Refused(str(error)) from None
    if not spec.features:
        msg = f"{shown(spec.package)} {spec.version} has no feature; declare one with @package.feature"
        raise Refused(msg)
    foreign = [one.name for one in spec.features if not one.name.startswith(spec.package + "/")]
    if foreign:
        msg = f"feature {shown(foreign[0])} is not below {shown(spec.package)}"
        raise Refused(msg)
    return spec


def conflict(spec: PackageVersion, known: PackageVersion | None) -> None:
    """A version keeps its digest for ever; raises Refused when *known* says otherwise."""
    if known is None or known.digest == spec.digest:
        return
    names = {one.name for one in spec.features} ^ {one.name for one in known.features}
    what = f"they differ in {', '.join(sorted(map(shown, names)))}" if names else "their types differ"
    msg = (
        f"{shown(spec.package)} {spec.version} is registered with another manifest ({what}); "
        f"give this one a new version"
    )
    raise Refused(msg)
