"""What somebody typed for a feature and a place, found among what there is, or told from it. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import RouteWish
from h2o_core.names import InvalidName, package_of, parse_feature, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.pb.manifest_pb2 import Feature, Manifest
    from h2o_core.pb.stats_pb2 import Picture

_MOST_NAMED: Final = 8


class NotThere(LookupError):
    """There is nothing of that name; `hint`: what to type instead."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


class Ambiguous(LookupError):
    """There are several of that name; `hint`: what to type instead."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


def feature_of(manifest: Manifest, name: str) -> Feature:
    """The feature *name* of the package; raises NotThere with what it has."""
    for feature in manifest.features:
        if feature.name == name:
            return feature
    known = [shown(feature.name) for feature in manifest.features]
    near = get_close_matches(shown(name), known, n=1, cutoff=0)
    known.sort(key=lambda each: each not in near)
    try:
        parse_feature(name)
        what = f"{shown(package_of(name))} {manifest.version} has no feature {shown(name)}"
    except InvalidName:
        what = f"{shown(name)} is a package, not a feature"
    hint = f"see an example of one: h2o call {known[0]}" if known else "see what there is: h2o list"
    msg = f"{what}; it has: {', '.join(known) or 'none'}"
    raise NotThere(msg, hint)


def nothing_matches(typed: str, known: list[str]) -> str:
    """The sentence for what was *typed* and is none of the *known*; names the nearest."""
    wanted = typed.strip("/").replace(".", "/")
    near = [name for name in known if wanted in name][:3] or get_close_matches(wanted, known, n=3, cutoff=0.75)
    also = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"nothing matches {typed!r}{also}"


def place_of(picture: Picture, package: str, typed: RouteWish) -> RouteWish:
    """Where alone a call may be executed: *typed*, with the whole id of its instance and that one's host and version.

    Raises NotThere when *package* does not run there, Ambiguous when several instances' ids begin so.
    """
    there = [
        RouteWish(host.host, instance.version, instance.instance)
        for host in picture.hosts
        for instance in host.instances
        if instance.package == package
    ]
    found = [
        each
        for each in there
        if typed.host in {"", each.host}
        and typed.version in {"", each.version}
        and each.instance.startswith(typed.instance)
    ]
    if not found:
        msg = f"{shown(package)} does not run there: {place(typed)}"
        raise NotThere(msg, _instead(there))
    if typed.instance and len(found) > 1:
        ids = _some(each.instance for each in found)
        msg = f"{typed.instance!r} is the beginning of {len(found)} instances: {ids}"
        raise Ambiguous(msg, "type more of it")
    return found[0] if typed.instance else typed


def place(wish: RouteWish) -> str:
    """``host host-3, version 2.0.0``; "" for anywhere."""
    parts = (("host", wish.host), ("version", wish.version), ("instance", wish.instance))
    return ", ".join(f"{what} {name}" for what, name in parts if name)


def _instead(there: list[RouteWish]) -> str:
    if not there:
        return "see what runs: h2o list"
    return f"it runs on {_some(each.host for each in there)}, as {_some(each.version for each in there)}"


def _some(names: Iterable[str]) -> str:
    every = sorted(set(names))
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return f"{', '.join(every[:_MOST_NAMED])}{more}"
