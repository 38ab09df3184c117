"""All schemas by their names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.http.schemas import call, host, reading, register, stats, why
from h2o_agent.http.schemas.shapes import TEXT, object_of

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

ERROR: Final = "error"
SCHEMAS: Final[dict[str, Json]] = {
    ERROR: object_of(error=TEXT, hint=TEXT),
    **call.SCHEMAS,
    **host.SCHEMAS,
    **reading.SCHEMAS,
    **register.SCHEMAS,
    **stats.SCHEMAS,
    **why.SCHEMAS,
}


def reference(name: str) -> Json:
    """To the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}
