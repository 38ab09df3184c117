"""What one host answers of itself: the epoch it is at, its drain, its children, who conducts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.http.schemas.shapes import FLAG, NUMBER, TEXT, TIME, WHOLE, answer_of, list_of, object_of, or_null

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

_CHILD: Final = object_of(
    schema={"const": 1},
    host=TEXT,
    key=TEXT,
    package=TEXT,
    state=TEXT,
    restarts=WHOLE,
    failures=WHOLE,
    crash_loops=FLAG,
    why=TEXT,
    argv=list_of(TEXT),
)

SCHEMAS: Final[dict[str, Json]] = {
    "epoch": answer_of(
        epoch=WHOLE,
        applied=WHOLE,
        vanished=list_of(object_of(host=TEXT, since=or_null(TIME))),
        **{"except": list_of(TEXT)},
        reached_=FLAG,
    ),
    "drain": answer_of(
        state={"enum": ["in_use", "avoided", "draining", "drained"]},
        epoch=WHOLE,
        decided=or_null(
            object_of(state=TEXT, owner=TEXT, reason=TEXT, since=or_null(TIME), until=or_null(TIME), grace_s=NUMBER)
        ),
        since=or_null(TIME),
        grace_left_s=or_null(NUMBER),
        in_flight=WHOLE,
        queued=WHOLE,
        given_up=WHOLE,
        instances=list_of(object_of(id=TEXT, package=TEXT, version=TEXT, in_flight=WHOLE, held=WHOLE)),
        callers=list_of(
            object_of(
                caller=TEXT,
                version=or_null(TEXT),
                instance=or_null(TEXT),
                pid=or_null(WHOLE),
                program=or_null(TEXT),
                in_flight=WHOLE,
                last_s=or_null(NUMBER),
                sends=FLAG,
            )
        ),
        senders=list_of(object_of(host=TEXT, refused=WHOLE, last_s=NUMBER)),
        conductor=FLAG,
        safe=FLAG,
        remains=list_of(TEXT),
    ),
    "child": _CHILD,
    "conductor": object_of(
        schema={"const": 1},
        fleet=TEXT,
        host=TEXT,
        as_of=or_null(TIME),
        leading=FLAG,
        standing=TEXT,
        drained=FLAG,
        leader=or_null(TEXT),
        since=or_null(TIME),
        term=or_null(WHOLE),
        next_due=or_null(TIME),
        problem=TEXT,
        duties=list_of(object_of(duty=TEXT, subject=TEXT, due=or_null(TIME), past=FLAG, reason=TEXT, stays=TEXT)),
    ),
}
