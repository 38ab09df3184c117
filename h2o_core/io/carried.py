"""The optional fields of a call that travel through its whole tree: what its caller says, over what it carries on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.baggage import encode_headers
from h2o_core.envelope import TAG_ASSIGNMENT, TAG_HEADERS, TAG_PRIORITY, TAG_STICKY_KEY, encode_fields
from h2o_core.io.ambient import AMBIENT, NOTHING
from h2o_core.io.refusals import bad_request, sticky_bytes
from h2o_core.priorities import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping


def fields_of_call(
    feature: str, sticky_key: str | None, headers: Mapping[str, str] | None, priority: Priority | None
) -> bytes:
    """The encoded fields; None is for what the request being handled carries. Raises H2OError BAD_REQUEST.

    *headers* are put over the carried ones. An empty *sticky_key* sends none.
    """
    ambient = AMBIENT.get()
    if sticky_key is None and headers is None and priority is None:
        return b"" if ambient is None else ambient.carried
    ambient = ambient or NOTHING
    sticky = ambient.bounded(TAG_STICKY_KEY) if sticky_key is None else sticky_bytes(feature, sticky_key)
    if headers is not None:
        try:
            encoded = encode_headers({**ambient.headers, **headers})
        except ValueError as error:
            raise bad_request(feature, str(error), 'write headers={"x-canary": "yes"}') from None
    else:
        encoded = ambient.bounded(TAG_HEADERS)
    urgency = ambient.priority if priority is None else priority
    fields = {
        TAG_STICKY_KEY: sticky,
        TAG_HEADERS: encoded,
        TAG_PRIORITY: b"" if urgency is Priority.NORMAL else bytes((urgency,)),
        TAG_ASSIGNMENT: ambient.assignment,
    }
    return encode_fields({tag: value for tag, value in fields.items() if value})
