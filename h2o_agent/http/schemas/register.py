"""What operators read and write by an agent: control, the nodes of the register, notes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.http.schemas.shapes import FLAG, NUMBER, TEXT, TIME, WHOLE, list_of, map_of, object_of, or_null

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

_NODE: Final = object_of(
    data=TEXT, version=WHOLE, czxid=WHOLE, mzxid=WHOLE, owner=WHOLE, stamp_ms=WHOLE, created_ms=WHOLE
)
_ENTRY: Final = object_of(
    path=TEXT,
    epoch=WHOLE,
    change_id=TEXT,
    at=NUMBER,
    actor=TEXT,
    verified=FLAG,
    origin=TEXT,
    reason_=TEXT,
    documents=list_of(object_of(path=TEXT, before=or_null(TEXT), after=or_null(TEXT))),
    sentence_=TEXT,
    command_=TEXT,
    guards_=list_of(object_of(name=TEXT, verdict=TEXT, sentence=TEXT, subject_=TEXT)),
    until_=NUMBER,
    undo_of_=TEXT,
)

SCHEMAS: Final[dict[str, Json]] = {
    "control": object_of(
        schema={"const": 1},
        fleet=TEXT,
        host=TEXT,
        as_of=or_null(TIME),
        epoch=WHOLE,
        documents=map_of(TEXT),
        unreadable=list_of(TEXT),
        entries=list_of(_ENTRY),
        more=FLAG,
        notes=TEXT,
        age_s=NUMBER,
    ),
    "look": object_of(fleet_=TEXT, sync_=FLAG, nodes_=list_of(TEXT), children_=list_of(TEXT)),
    "looked": object_of(
        schema={"const": 1},
        fleet=TEXT,
        nodes=map_of(or_null(_NODE)),
        children=map_of({"type": ["array", "null"], "items": TEXT}),
    ),
    "change": object_of(
        fleet_=TEXT,
        operations=list_of(
            object_of(operation={"enum": ["set", "create", "delete"]}, path=TEXT, data_=TEXT, version_=WHOLE)
        ),
    ),
    "changed": object_of(schema={"const": 1}, fleet=TEXT, epoch=WHOLE, change_id=TEXT, actor=TEXT, verified=FLAG),
    "note": object_of(
        fleet_=TEXT,
        kind=TEXT,
        subject=map_of(TEXT),
        says={"enum": ["acknowledged", "muted"]},
        until=NUMBER,
        owner_=TEXT,
        reason_=TEXT,
        anew_=FLAG,
    ),
    "noted": object_of(schema={"const": 1}, fleet=TEXT, id=TEXT, owner=TEXT, verified=FLAG, at=NUMBER),
}
