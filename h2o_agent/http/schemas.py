"""The shapes of the agent's JSON answers, as JSON Schema. Fields may be added, so more than these is no error. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

ERROR: Final = "error"
_TEXT: Final[Any] = {"type": "string"}
_WHOLE: Final[Any] = {"type": "integer"}
_NUMBER: Final[Any] = {"type": "number"}
_FLAG: Final[Any] = {"type": "boolean"}
_TIME: Final[Any] = {"type": "string", "format": "date-time"}
_STATUS: Final[Any] = {"enum": ["pass", "warn", "fail"]}


def reference(name: str) -> Json:
    """To the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**fields: Any) -> Json:
    """All of them are there; a field whose name ends in ``_`` need not be."""
    properties = {name.removesuffix("_"): schema for name, schema in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in fields if not name.endswith("_")],
    }


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


def _map(of: Json) -> Json:
    return {"type": "object", "additionalProperties": of}


def _or_null(schema: Json) -> Json:
    return {**schema, "type": [schema["type"], "null"]}


def _answer(**fields: Any) -> Json:
    """With what every answer begins with."""
    register = _object(state=_TEXT, silent_s=_NUMBER, from_file=_FLAG, alarms=_WHOLE)
    return _object(
        schema={"const": 1},
        fleet=_TEXT,
        host=_TEXT,
        as_of=_or_null(_TIME),
        report_age_s=_NUMBER,
        picture_age_s=_or_null(_NUMBER),
        register=register,
        **fields,
    )


_CHECK: Final = _object(
    componentId=_TEXT,
    componentType=_TEXT,
    status=_STATUS,
    time=_or_null(_TIME),
    severity={"enum": ["PAGE", "TICKET", "NOTE"]},
    observedValue_=_NUMBER,
    observedUnit_=_TEXT,
    output_=_TEXT,
)
_INSTANCE: Final = _object(
    id=_TEXT,
    package=_TEXT,
    version=_TEXT,
    host=_TEXT,
    zone=_TEXT,
    state={"enum": ["ready", "suspect", "leaving", "starting", "backoff", "unknown"]},
    routable=_FLAG,
    why=_TEXT,
    slots=_or_null(_WHOLE),
    in_flight=_or_null(_WHOLE),
    queued=_or_null(_WHOLE),
    started=_or_null(_TIME),
    pid=_or_null(_WHOLE),
    launch=_or_null(_TEXT),
    restarts=_or_null(_WHOLE),
)
_FEATURE: Final = _object(
    name=_TEXT,
    package=_TEXT,
    version=_TEXT,
    request_type=_TEXT,
    reply_type=_TEXT,
    idempotent=_FLAG,
    mean_ms=_or_null(_NUMBER),
    upper95_ms=_or_null(_NUMBER),
)
_HOST: Final = _object(
    host=_TEXT,
    zone=_TEXT,
    address=_or_null(_TEXT),
    incarnation=_or_null(_TEXT),
    link=_TEXT,
    why=_TEXT,
    register=_or_null(_TEXT),
    rtt_ms=_or_null(_NUMBER),
    agent=_or_null(_TEXT),
    instances=_WHOLE,
    labels=_map(_TEXT),
    conducts=_FLAG,
)
_SKETCH: Final = _object(index=_list(_WHOLE), count=_list(_WHOLE), zero=_WHOLE, sum=_WHOLE)
_ENDPOINT: Final = _object(
    name=_TEXT,
    num_requests=_WHOLE,
    num_errors=_WHOLE,
    num_application_errors=_WHOLE,
    last_error=_TEXT,
    last_error_time=_or_null(_TIME),
    processing_time=_WHOLE,
    average_processing_time=_WHOLE,
    outcomes=_map(_WHOLE),
    p50_ms=_or_null(_NUMBER),
    p95_ms=_or_null(_NUMBER),
    p99_ms=_or_null(_NUMBER),
    sketch=_SKETCH,
)
_SAMPLE: Final[dict[str, Any]] = {
    "assigned": _WHOLE,
    "carried": _WHOLE,
    "outcomes": _map(_WHOLE),
    "p50_ms": _or_null(_NUMBER),
    "p95_ms": _or_null(_NUMBER),
    "p99_ms": _or_null(_NUMBER),
    "sketch": _SKETCH,
}
_STATS: Final = _answer(
    broker=_object(incarnation=_TEXT, started=_or_null(_TIME), pid=_WHOLE, restarts=_or_null(_WHOLE)),
    instances=_list(_object(name=_TEXT, id=_TEXT, version=_TEXT, state=_TEXT, endpoints=_list(_ENDPOINT))),
    callers=_list(
        _object(caller=_TEXT, version=_TEXT, feature=_TEXT, outcomes=_map(_WHOLE), breaches=_WHOLE, sketch=_SKETCH)
    ),
    retries=_list(_object(caller=_TEXT, version=_TEXT, package=_TEXT, retried=_WHOLE, refused=_WHOLE)),
    assignments=_list(_object(package=_TEXT, version=_TEXT, how=_TEXT, broken=_FLAG, count=_WHOLE)),
    experiments=_list(
        _object(
            package=_TEXT,
            experiment=_TEXT,
            salt=_TEXT,
            stable=_TEXT,
            since=_or_null(_TIME),
            by_rule=_WHOLE,
            broken=_WHOLE,
            arms=_list(
                _object(
                    version=_TEXT,
                    parts=_WHOLE,
                    sticky=_object(
                        **_SAMPLE,
                        groups=_object(
                            assigned=_list(_WHOLE),
                            ended=_list(_WHOLE),
                            errors=_list(_WHOLE),
                            application=_list(_WHOLE),
                            ticks=_list(_WHOLE),
                        ),
                    ),
                    random=_object(**_SAMPLE),
                )
            ),
        )
    ),
    queues=_list(
        _object(
            package=_TEXT,
            version=_TEXT,
            queued=_WHOLE,
            capacity=_WHOLE,
            over_s=_WHOLE,
            callers=_list(_object(caller=_TEXT, started=_WHOLE, refused=_WHOLE, waiting=_WHOLE)),
        )
    ),
    peers=_list(_object(host=_TEXT, state=_TEXT, incarnation=_TEXT, why=_TEXT)),
    counters=_map(_WHOLE),
)
_NODE: Final = _object(
    data=_TEXT, version=_WHOLE, czxid=_WHOLE, mzxid=_WHOLE, owner=_WHOLE, stamp_ms=_WHOLE, created_ms=_WHOLE
)
_ENTRY: Final = _object(
    path=_TEXT,
    epoch=_WHOLE,
    change_id=_TEXT,
    at=_NUMBER,
    actor=_TEXT,
    verified=_FLAG,
    origin=_TEXT,
    reason_=_TEXT,
    documents=_list(_object(path=_TEXT, before=_or_null(_TEXT), after=_or_null(_TEXT))),
    sentence_=_TEXT,
    command_=_TEXT,
    guards_=_list(_object(name=_TEXT, verdict=_TEXT, sentence=_TEXT, subject_=_TEXT)),
    until_=_NUMBER,
    undo_of_=_TEXT,
)
_CHILD: Final = _object(
    schema={"const": 1},
    host=_TEXT,
    key=_TEXT,
    package=_TEXT,
    state=_TEXT,
    restarts=_WHOLE,
    failures=_WHOLE,
    crash_loops=_FLAG,
    why=_TEXT,
    argv=_list(_TEXT),
)

SCHEMAS: Final[dict[str, Json]] = {
    ERROR: _object(error=_TEXT, hint=_TEXT),
    "health": _object(
        status=_STATUS,
        version=_TEXT,
        releaseId=_TEXT,
        serviceId=_TEXT,
        description=_TEXT,
        checks=_map(_list(_CHECK)),
        output_=_TEXT,
    ),
    "instances": _answer(instances=_list(_INSTANCE)),
    "features": _answer(features=_list(_FEATURE)),
    "hosts": _answer(
        alarms=_list(_object(kind=_TEXT, path=_TEXT, since=_or_null(_TIME), what=_TEXT)), hosts=_list(_HOST)
    ),
    "stats": _STATS,
    "epoch": _answer(
        epoch=_WHOLE,
        applied=_WHOLE,
        vanished=_list(_object(host=_TEXT, since=_or_null(_TIME))),
        **{"except": _list(_TEXT)},
        reached_=_FLAG,
    ),
    "drain": _answer(
        state={"enum": ["in_use", "avoided", "draining", "drained"]},
        epoch=_WHOLE,
        decided=_or_null(
            _object(
                state=_TEXT, owner=_TEXT, reason=_TEXT, since=_or_null(_TIME), until=_or_null(_TIME), grace_s=_NUMBER
            )
        ),
        since=_or_null(_TIME),
        grace_left_s=_or_null(_NUMBER),
        in_flight=_WHOLE,
        queued=_WHOLE,
        given_up=_WHOLE,
        instances=_list(_object(id=_TEXT, package=_TEXT, version=_TEXT, in_flight=_WHOLE, held=_WHOLE)),
        callers=_list(
            _object(
                caller=_TEXT,
                version=_or_null(_TEXT),
                instance=_or_null(_TEXT),
                pid=_or_null(_WHOLE),
                program=_or_null(_TEXT),
                in_flight=_WHOLE,
                last_s=_or_null(_NUMBER),
                sends=_FLAG,
            )
        ),
        senders=_list(_object(host=_TEXT, refused=_WHOLE, last_s=_NUMBER)),
        conductor=_FLAG,
        safe=_FLAG,
        remains=_list(_TEXT),
    ),
    "why": _answer(
        feature=_TEXT,
        package=_TEXT,
        caller=_TEXT,
        sticky_key=_or_null(_TEXT),
        epoch=_WHOLE,
        at=_or_null(_TIME),
        request_id=_or_null(_TEXT),
        attempt=_WHOLE,
        chosen=_or_null(_TEXT),
        code=_TEXT,
        sentence=_TEXT,
        warning=_TEXT,
        how=_or_null(_TEXT),
        version=_or_null(_TEXT),
        rule=_or_null(_WHOLE),
        bucket=_or_null(_WHOLE),
        broken=_FLAG,
        versions=_list(_object(version=_TEXT, weight=_WHOLE, chance=_NUMBER, instances=_WHOLE, candidates=_WHOLE)),
        candidates=_list(
            _object(
                instance=_TEXT,
                version=_TEXT,
                host=_TEXT,
                zone=_TEXT,
                place=_TEXT,
                eligible=_FLAG,
                why=_TEXT,
                chance=_NUMBER,
                load_ms=_or_null(_NUMBER),
                latency_ms=_or_null(_NUMBER),
                success=_NUMBER,
                pending=_WHOLE,
                slots=_WHOLE,
                inclusion=_NUMBER,
            )
        ),
    ),
    "child": _CHILD,
    "conductor": _object(
        schema={"const": 1},
        fleet=_TEXT,
        host=_TEXT,
        as_of=_or_null(_TIME),
        leading=_FLAG,
        standing=_TEXT,
        drained=_FLAG,
        leader=_or_null(_TEXT),
        since=_or_null(_TIME),
        term=_or_null(_WHOLE),
        next_due=_or_null(_TIME),
        problem=_TEXT,
        duties=_list(_object(duty=_TEXT, subject=_TEXT, due=_or_null(_TIME), past=_FLAG, reason=_TEXT, stays=_TEXT)),
    ),
    "control": _object(
        schema={"const": 1},
        fleet=_TEXT,
        host=_TEXT,
        as_of=_or_null(_TIME),
        epoch=_WHOLE,
        documents=_map(_TEXT),
        unreadable=_list(_TEXT),
        entries=_list(_ENTRY),
        more=_FLAG,
        notes=_TEXT,
        age_s=_NUMBER,
    ),
    "callable": _object(
        schema={"const": 1},
        fleet=_TEXT,
        feature=_TEXT,
        version=_TEXT,
        request_type=_TEXT,
        reply_type=_TEXT,
        idempotent=_FLAG,
        dev=_FLAG,
        journalled=_FLAG,
        timeout_ms=_WHOLE,
        example={},
    ),
    "call": _object(
        fleet_=_TEXT,
        feature=_TEXT,
        request={},
        timeout_ms_=_WHOLE,
        key_=_TEXT,
        headers_=_map(_TEXT),
        host_=_TEXT,
        version_=_TEXT,
        instance_=_TEXT,
        actor_=_TEXT,
        origin_=_TEXT,
        reason_=_TEXT,
        journal_=_FLAG,
    ),
    "look": _object(fleet_=_TEXT, sync_=_FLAG, nodes_=_list(_TEXT), children_=_list(_TEXT)),
    "looked": _object(
        schema={"const": 1},
        fleet=_TEXT,
        nodes=_map(_or_null(_NODE)),
        children=_map({"type": ["array", "null"], "items": _TEXT}),
    ),
    "change": _object(
        fleet_=_TEXT,
        operations=_list(
            _object(operation={"enum": ["set", "create", "delete"]}, path=_TEXT, data_=_TEXT, version_=_WHOLE)
        ),
    ),
    "note": _object(
        fleet_=_TEXT,
        kind=_TEXT,
        subject=_map(_TEXT),
        says={"enum": ["acknowledged", "muted"]},
        until=_NUMBER,
        owner_=_TEXT,
        reason_=_TEXT,
    ),
    "noted": _object(schema={"const": 1}, fleet=_TEXT, id=_TEXT, owner=_TEXT, verified=_FLAG, at=_NUMBER),
    "changed": _object(schema={"const": 1}, fleet=_TEXT, epoch=_WHOLE, change_id=_TEXT, actor=_TEXT, verified=_FLAG),
    "called": _object(
        schema={"const": 1},
        feature=_TEXT,
        request_id=_TEXT,
        code=_TEXT,
        reply={},
        idempotent=_FLAG,
        journal=_or_null(_TEXT),
        not_journalled=_TEXT,
        error_=_TEXT,
        hint_=_TEXT,
        fault_={"enum": ["nobody", "caller", "package", "platform"]},
        executed_={"enum": ["yes", "no", "unknown"]},
        retry_safe_=_FLAG,
        application_code_=_TEXT,
        host_=_TEXT,
        instance_=_TEXT,
        version_=_TEXT,
        at_=_TEXT,
        traceback_=_TEXT,
    ),
    "targets": _list(_object(targets=_list(_TEXT), labels=_map(_TEXT))),
}
