"""Which versions serve when nobody has decided; which instance of them is `choice`'s. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.control.settings import NewVersions

if TYPE_CHECKING:
    from collections.abc import Mapping


def serving_versions(registered: Mapping[str, int], new_versions: NewVersions) -> list[str]:
    """Of the versions that have instances, those that take requests.

    *registered* maps a version to the order of its registration (a czxid). `hold`: the one registered
    first takes all; `share`: they compete by load, whatever their version.
    """
    in_order = sorted(registered, key=lambda version: (registered[version], version))
    return in_order if new_versions is NewVersions.SHARE else in_order[:1]
