"""What the store holds of the resources that a place names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.rows.places import Kind, Place

if TYPE_CHECKING:
    from h2o_console.tui.session import Session


def values_of(session: Session, place: Place, now_s: float) -> object | None:
    """The view of the one resource; of several by name, None where nothing is known of it any more."""
    if not place.also:
        return value_of(session, place, now_s)
    kind = place.of or place.kind
    return {key: value_of(session, Place(kind, key), now_s) for key in place.keys}


def value_of(session: Session, place: Place, now_s: float) -> object | None:
    """The view of the resource, whole; None when there is none."""
    match place.of or place.kind:
        case Kind.PACKAGE:
            return session.store.package(place.key, now_s, whole=True)
        case Kind.HOST:
            return session.store.host(place.key, now_s)
        case Kind.INSTANCE:
            return session.instance(place.key, now_s)
        case Kind.FEATURE:
            return tuple(view for view in session.store.features(now_s) if view.feature == place.key) or None
        case Kind.CALLS:
            called = session.store.calls(now_s)
            return tuple(call for call in called if place.key in {call.caller, call.package}) or None
        case _:
            return None
