"""The words that the schemas are made of. Pure.

Fields may be added to an answer, so more than these is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from h2o_agent.views.head import Json

TEXT: Final[Any] = {"type": "string"}
WHOLE: Final[Any] = {"type": "integer"}
NUMBER: Final[Any] = {"type": "number"}
FLAG: Final[Any] = {"type": "boolean"}
TIME: Final[Any] = {"type": "string", "format": "date-time"}


def object_of(**fields: Any) -> Json:
    """An object. All of them are there; a field whose name ends in ``_`` need not be."""
    properties = {name.removesuffix("_"): schema for name, schema in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in fields if not name.endswith("_")],
    }


def list_of(of: Json) -> Json:
    """A list of any length."""
    return {"type": "array", "items": of}


def map_of(of: Json) -> Json:
    """An object whose keys are data."""
    return {"type": "object", "additionalProperties": of}


def or_null(schema: Json) -> Json:
    """The same, or null for what is not known."""
    return {**schema, "type": [schema["type"], "null"]}


def answer_of(**fields: Any) -> Json:
    """An answer about the fleet, with what each of those begins with."""
    register = object_of(state=TEXT, silent_s=NUMBER, from_file=FLAG, alarms=WHOLE)
    return object_of(
        schema={"const": 1},
        fleet=TEXT,
        host=TEXT,
        as_of=or_null(TIME),
        report_age_s=NUMBER,
        picture_age_s=or_null(NUMBER),
        register=register,
        **fields,
    )
