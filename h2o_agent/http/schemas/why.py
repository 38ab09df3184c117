"""What `/why` answers: where a request would go, and what stood against the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.http.schemas.shapes import FLAG, NUMBER, TEXT, TIME, WHOLE, answer_of, list_of, object_of, or_null

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

SCHEMAS: Final[dict[str, Json]] = {
    "why": answer_of(
        feature=TEXT,
        package=TEXT,
        caller=TEXT,
        sticky_key=or_null(TEXT),
        epoch=WHOLE,
        at=or_null(TIME),
        request_id=or_null(TEXT),
        attempt=WHOLE,
        chosen=or_null(TEXT),
        code=TEXT,
        sentence=TEXT,
        warning=TEXT,
        how=or_null(TEXT),
        version=or_null(TEXT),
        rule=or_null(WHOLE),
        bucket=or_null(WHOLE),
        broken=FLAG,
        versions=list_of(object_of(version=TEXT, weight=WHOLE, chance=NUMBER, instances=WHOLE, candidates=WHOLE)),
        candidates=list_of(
            object_of(
                instance=TEXT,
                version=TEXT,
                host=TEXT,
                zone=TEXT,
                place=TEXT,
                eligible=FLAG,
                why=TEXT,
                chance=NUMBER,
                load_ms=or_null(NUMBER),
                latency_ms=or_null(NUMBER),
                success=NUMBER,
                pending=WHOLE,
                slots=WHOLE,
                inclusion=NUMBER,
            )
        ),
    ),
}
