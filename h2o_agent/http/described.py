"""A path and what is said of it, side by side: `/openapi.json` and the errors' hints are made of these.

A family of paths that others add says it the same way::

    Described("/logs", logs, "The host's log lines", query=(Parameter("grep", "Text."),))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from h2o_agent.http.guard import FREE
from h2o_agent.http.schemas.named import ERROR, reference

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.views.head import Json

JSON: Final = "application/json"
_TO_WRITERS: Final = {
    400: "The body means nothing; the sentence says what would.",
    401: "A write token is needed, but on the Unix socket.",
    403: "The token only reads, or a page in a browser asks.",
    413: "The body is too large.",
    415: "The body is not JSON.",
}
_PARAMETER: Final = re.compile(r"{(\w+)(?::\w+)?}")
_ALSO: Final = {
    400: "The query means nothing; the sentence says what would.",
    404: "There is no such thing here; the sentence says what there is.",
    408: "It was waited for in vain.",
    409: "It does not hold any more; the answer says which operation, and why.",
    502: "It was done, and failed; the answer says whose fault it is, and what to do.",
    503: "There is nothing to tell, or the checks fail; the sentence says why.",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query. `kind` is a JSON type; `repeated`: it may stand there more than once."""

    name: str
    says: str
    kind: str = "string"
    repeated: bool = False

    def document(self) -> Json:
        """As OpenAPI has it."""
        one: Json = {"type": self.kind}
        schema = {"type": "array", "items": one} if self.repeated else one
        return {"name": self.name, "in": "query", "description": self.says, "schema": schema}


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a path beside its first line. `schema`: of the JSON answer, a name in `schemas.named`.

    `posts`: what is posted to it, also a name there, "" when nothing is; `answers` what then is answered, and
    `also_posting` with which other statuses; `reads` is false for what takes nothing else.
    """

    says: str
    query: tuple[Parameter, ...] = ()
    media: tuple[str, ...] = (JSON,)
    schema: str = ""
    also: tuple[int, ...] = ()
    shown: str = ""
    posts: str = ""
    reads: bool = True
    answers: str = ""
    also_posting: tuple[int, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


class Described(Route):
    """A route that says what it is about."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        says: str,
        **more: Any,
    ) -> None:
        """*more*: as `Description` has it."""
        self.description = Description(says, **more)
        reads, posts = ["GET"] * self.description.reads, ["POST"] * bool(self.description.posts)
        super().__init__(path, endpoint, methods=reads + posts)

    @property
    def shown(self) -> str:
        """``/children/{child}``."""
        return self.description.shown or _PARAMETER.sub(r"{\1}", self.path)

    def item(self) -> Json:
        """The path item: GET, HEAD which is the same without a body, and what is posted."""
        said = self.description
        if not said.reads:
            return {"post": self._post()}
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": said.parameters.get(name, ""),
                "schema": {"type": "string"},
            }
            for name in _PARAMETER.findall(self.shown)
        ]
        parameters += [query.document() for query in said.query]
        operation: Json = {"summary": said.says, "responses": self._responses()}
        if self.path in FREE:
            operation["security"] = []
        return {
            **({"parameters": parameters} if parameters else {}),
            "get": {"operationId": self._name("get"), **operation},
            "head": {"operationId": self._name("head"), **operation},
            **({"post": self._post()} if said.posts else {}),
        }

    def _post(self) -> Json:
        said = self.description
        failing = {JSON: {"schema": reference(ERROR)}}
        answered = {JSON: {"schema": reference(said.answers)}}
        responses: Json = {"200": {"description": said.says, "content": answered}}
        for status, why in sorted(
            {**_TO_WRITERS, **{each: _ALSO[each] for each in (*said.also, *said.also_posting)}}.items()
        ):
            content = answered if status in said.also_posting else failing
            responses[str(status)] = {"description": _TO_WRITERS.get(status, why), "content": content}
        return {
            "operationId": self._name("post"),
            "summary": said.says,
            "requestBody": {"required": True, "content": {JSON: {"schema": reference(said.posts)}}},
            "responses": responses,
            "security": [{}, {"writeToken": []}],
        }

    def _name(self, method: str) -> str:
        return method + "".join(part.capitalize() for part in re.findall(r"[A-Za-z]+", self.shown))

    def _responses(self) -> Json:
        said = self.description
        schema = reference(said.schema) if said.schema else {}
        content = {media: {"schema": schema} if media.endswith("json") and schema else {} for media in said.media}
        failing = {JSON: {"schema": reference(ERROR)}}
        responses: Json = {"200": {"description": said.says, "content": content}}
        if self.path not in FREE:
            responses["401"] = {"description": "From elsewhere a token is needed.", "content": failing}
            responses["403"] = {"description": "A page of another origin asks.", "content": failing}
        for status in said.also:
            # probes and health say with 503 what they say with 200
            same = (status in {408, 503} and said.schema in {"health", "epoch"}) or said.media == ("text/plain",)
            responses[str(status)] = {"description": _ALSO[status], "content": content if same else failing}
        return responses


def paths_of(routes: Iterable[Any]) -> Sequence[str]:
    """As people write them: ``/children/<child>``."""
    return [
        _PARAMETER.sub(r"<\1>", route.shown)
        for route in routes
        if isinstance(route, Described) and not route.shown.endswith("/{check}")
    ]
