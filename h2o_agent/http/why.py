"""`/why`: how the host's broker chooses for one of its clients; `/why?request=ID`: how it chose for a sampled one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from h2o_agent.http.answers import Unavailable, answer, error, told
from h2o_agent.http.described import Described, Parameter
from h2o_agent.views.explanation import document
from h2o_core.names import from_operator, parse_feature, parse_package
from h2o_core.pb.explain_pb2 import Question

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source
    from h2o_core.pb.explain_pb2 import Explanation

_OPERATOR: Final = "operator"
_MOST_TEXT: Final = 1024
_HINT: Final = "ask: /why?feature=service/customer/retrieve&key=42&caller=api/website, or /why?request=ID"


class Explains(Protocol):
    """Whoever can ask the host's broker."""

    async def explain(self, question: Question) -> Explanation | None:
        """How it chooses; None when it does not answer."""
        ...


def routes(source: Source, broker: Explains) -> list[Described]:
    """The one."""

    async def why(request: Request) -> Response:
        try:
            question = _question(request)
        except ValueError as problem:  # an InvalidName is one
            return error(400, str(problem), _HINT)
        snapshot, said = told(source)
        explanation = await broker.explain(question)
        if explanation is None:
            msg = "the broker does not answer its agent"
            raise Unavailable(msg)
        status = 404 if explanation.code == "NOT_FOUND" and question.request_id else 200
        if status == 404:
            return error(404, explanation.sentence, "without an ID it says how it would choose now: h2o why FEATURE")
        return answer(document(snapshot, said, explanation), status)

    query = (
        Parameter("feature", "Whose requests: tier/service/feature."),
        Parameter("key", "With this sticky key."),
        Parameter("caller", "From this package; without it, from an operator."),
        Parameter("header", "With this header, name=value.", repeated=True),
        Parameter("request", "Instead of all these: a sampled request's id, or its beginning."),
    )
    says = "Which version and which instance a request gets, and why no other"
    return [Described("/why", why, says, query=query, schema="why", also=(400, 404, 503))]


def _question(request: Request) -> Question:
    """Raises ValueError with a sentence."""
    query = request.query_params
    if any(len(value) > _MOST_TEXT for _, value in query.multi_items()):
        msg = f"a value has at most {_MOST_TEXT} characters"
        raise ValueError(msg)
    if "request" in query:
        wanted = query["request"].lower()
        if not wanted or not set(wanted) <= set("0123456789abcdef"):
            msg = "a request's id has hexadecimal digits alone"
            raise ValueError(msg)
        return Question(request_id=wanted)
    if "feature" not in query:
        msg = "of which feature?"
        raise ValueError(msg)
    headers = [each.partition("=") for each in query.getlist("header")]
    if any(not equals or not name for name, equals, _ in headers):
        msg = "a header is name=value"
        raise ValueError(msg)
    return Question(
        feature=parse_feature(from_operator(query["feature"])),
        sticky_key=query.get("key", ""),
        caller=_caller(query.get("caller", "")),
        headers={name.lower(): value for name, _, value in headers},
    )


def _caller(said: str) -> str:
    return _OPERATOR if said in {"", _OPERATOR} else parse_package(from_operator(said))
