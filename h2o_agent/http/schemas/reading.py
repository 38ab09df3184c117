"""What is answered of the host and the fleet as its broker sees them, and of their health. Pure."""

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

STATUS: Final[Any] = {"enum": ["pass", "warn", "fail"]}
_CHECK: Final = object_of(
    componentId=TEXT,
    componentType=TEXT,
    status=STATUS,
    time=or_null(TIME),
    severity={"enum": ["PAGE", "TICKET", "NOTE"]},
    observedValue_=NUMBER,
    observedUnit_=TEXT,
    output_=TEXT,
)
_INSTANCE: Final = object_of(
    id=TEXT,
    package=TEXT,
    version=TEXT,
    host=TEXT,
    zone=TEXT,
    state={"enum": ["ready", "suspect", "leaving", "starting", "backoff", "unknown"]},
    routable=FLAG,
    why=TEXT,
    slots=or_null(WHOLE),
    in_flight=or_null(WHOLE),
    queued=or_null(WHOLE),
    started=or_null(TIME),
    pid=or_null(WHOLE),
    launch=or_null(TEXT),
    restarts=or_null(WHOLE),
)
_FEATURE: Final = object_of(
    name=TEXT,
    package=TEXT,
    version=TEXT,
    request_type=TEXT,
    reply_type=TEXT,
    idempotent=FLAG,
    mean_ms=or_null(NUMBER),
    upper95_ms=or_null(NUMBER),
)
_HOST: Final = object_of(
    host=TEXT,
    zone=TEXT,
    address=or_null(TEXT),
    incarnation=or_null(TEXT),
    link=TEXT,
    why=TEXT,
    register=or_null(TEXT),
    rtt_ms=or_null(NUMBER),
    agent=or_null(TEXT),
    instances=WHOLE,
    labels=map_of(TEXT),
    conducts=FLAG,
)

SCHEMAS: Final[dict[str, Json]] = {
    "health": object_of(
        status=STATUS,
        version=TEXT,
        releaseId=TEXT,
        serviceId=TEXT,
        description=TEXT,
        checks=map_of(list_of(_CHECK)),
        output_=TEXT,
    ),
    "instances": answer_of(instances=list_of(_INSTANCE)),
    "features": answer_of(features=list_of(_FEATURE)),
    "hosts": answer_of(
        alarms=list_of(object_of(kind=TEXT, path=TEXT, since=or_null(TIME), what=TEXT)), hosts=list_of(_HOST)
    ),
    "targets": list_of(object_of(targets=list_of(TEXT), labels=map_of(TEXT))),
}
