"""What `/call` takes and answers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.http.schemas.shapes import FLAG, TEXT, WHOLE, map_of, object_of, or_null

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

SCHEMAS: Final[dict[str, Json]] = {
    "callable": object_of(
        schema={"const": 1},
        fleet=TEXT,
        feature=TEXT,
        version=TEXT,
        request_type=TEXT,
        reply_type=TEXT,
        idempotent=FLAG,
        dev=FLAG,
        journalled=FLAG,
        timeout_ms=WHOLE,
        example={},
    ),
    "call": object_of(
        fleet_=TEXT,
        feature=TEXT,
        request={},
        timeout_ms_=WHOLE,
        key_=TEXT,
        headers_=map_of(TEXT),
        host_=TEXT,
        version_=TEXT,
        instance_=TEXT,
        actor_=TEXT,
        origin_=TEXT,
        reason_=TEXT,
        journal_=FLAG,
    ),
    "called": object_of(
        schema={"const": 1},
        feature=TEXT,
        request_id=TEXT,
        code=TEXT,
        reply={},
        idempotent=FLAG,
        journal=or_null(TEXT),
        not_journalled=TEXT,
        error_=TEXT,
        hint_=TEXT,
        fault_={"enum": ["nobody", "caller", "package", "platform"]},
        executed_={"enum": ["yes", "no", "unknown"]},
        retry_safe_=FLAG,
        application_code_=TEXT,
        host_=TEXT,
        instance_=TEXT,
        version_=TEXT,
        at_=TEXT,
        traceback_=TEXT,
    ),
}
