"""What `/stats` answers: counters and sketches, by instance, caller, queue and experiment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_agent.http.schemas.shapes import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    answer_of,
    list_of,
    map_of,
    object_of,
    or_null,
)

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

_SKETCH: Final = object_of(index=list_of(WHOLE), count=list_of(WHOLE), zero=WHOLE, sum=WHOLE)
_ENDPOINT: Final = object_of(
    name=TEXT,
    num_requests=WHOLE,
    num_errors=WHOLE,
    num_application_errors=WHOLE,
    last_error=TEXT,
    last_error_time=or_null(TIME),
    processing_time=WHOLE,
    average_processing_time=WHOLE,
    outcomes=map_of(WHOLE),
    p50_ms=or_null(NUMBER),
    p95_ms=or_null(NUMBER),
    p99_ms=or_null(NUMBER),
    sketch=_SKETCH,
)
_SAMPLE: Final[dict[str, Any]] = {
    "assigned": WHOLE,
    "carried": WHOLE,
    "outcomes": map_of(WHOLE),
    "p50_ms": or_null(NUMBER),
    "p95_ms": or_null(NUMBER),
    "p99_ms": or_null(NUMBER),
    "sketch": _SKETCH,
}
_STATS: Final = answer_of(
    broker=object_of(incarnation=TEXT, started=or_null(TIME), pid=WHOLE, restarts=or_null(WHOLE)),
    instances=list_of(object_of(name=TEXT, id=TEXT, version=TEXT, state=TEXT, endpoints=list_of(_ENDPOINT))),
    callers=list_of(
        object_of(caller=TEXT, version=TEXT, feature=TEXT, outcomes=map_of(WHOLE), breaches=WHOLE, sketch=_SKETCH)
    ),
    retries=list_of(object_of(caller=TEXT, version=TEXT, package=TEXT, retried=WHOLE, refused=WHOLE)),
    assignments=list_of(object_of(package=TEXT, version=TEXT, how=TEXT, broken=FLAG, count=WHOLE)),
    experiments=list_of(
        object_of(
            package=TEXT,
            experiment=TEXT,
            salt=TEXT,
            stable=TEXT,
            since=or_null(TIME),
            by_rule=WHOLE,
            broken=WHOLE,
            arms=list_of(
                object_of(
                    version=TEXT,
                    parts=WHOLE,
                    sticky=object_of(
                        **_SAMPLE,
                        groups=object_of(
                            assigned=list_of(WHOLE),
                            ended=list_of(WHOLE),
                            errors=list_of(WHOLE),
                            application=list_of(WHOLE),
                            ticks=list_of(WHOLE),
                        ),
                    ),
                    random=object_of(**_SAMPLE),
                )
            ),
        )
    ),
    queues=list_of(
        object_of(
            package=TEXT,
            version=TEXT,
            queued=WHOLE,
            capacity=WHOLE,
            over_s=WHOLE,
            callers=list_of(object_of(caller=TEXT, started=WHOLE, refused=WHOLE, waiting=WHOLE)),
        )
    ),
    peers=list_of(object_of(host=TEXT, state=TEXT, incarnation=TEXT, why=TEXT)),
    counters=map_of(WHOLE),
)

SCHEMAS: Final[dict[str, Json]] = {
    "stats": _STATS,
}
