"""`/openapi.json`: every route has its description, and the agent's answers have the shapes that it tells."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from jsonschema import Draft202012Validator

from h2o_agent.http.app import build
from h2o_agent.http.described import Described, paths_of
from h2o_agent.http.openapi import document
from h2o_agent.logs.shelf import Shelf
from h2o_agent.metrics.discovery import targets
from h2o_agent.views import children, conducting, control, drain, explanation, fleet, health, instances, stats
from h2o_core.pb.explain_pb2 import Considered, Explanation
from tests.core.test_agent_docs import CONDUCTING, DRAINED, KNOWN, OF, Nowhere, example
from tests.core.test_agent_views import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

ROUTES = list(
    build(
        Nowhere(),
        "0",
        Shelf(Path("nowhere"), "host-1", "0"),
        past=cast("Any", Nowhere()),
        broker=cast("Any", Nowhere()),
        caller=cast("Any", Nowhere()),
        registrar=cast("Any", Nowhere()),
        decided=cast("Any", Nowhere()),
    ).routes
)
DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(cast("Any", ROUTES), "0.1.0")))
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]


def problems(name: str, answer: Any) -> list[str]:
    """What is wrong with the shape of *answer*."""
    validator = Draft202012Validator({**DOCUMENT, "$ref": f"#/components/schemas/{name}"})
    errors: Iterable[Any] = validator.iter_errors(json.loads(json.dumps(answer)))  # pyright: ignore[reportUnknownMemberType] - untyped
    return [f"{error.json_path}: {error.message}" for error in errors]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: getattr(route, "path", "?"))
def test_every_route_has_a_description(route: Any):
    assert isinstance(route, Described), f"{route.path}: make it a Described (h2o_agent/http/described.py)"
    assert route.methods == ({"GET", "HEAD"} if route.description.reads else set()) | (
        {"POST"} if route.description.posts else set()
    )
    assert route.description.says[0].isupper()
    assert route.shown in DOCUMENT["paths"]


def test_it_is_openapi_3_1():
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert set(DOCUMENT) <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    assert {"title", "version"} <= set(DOCUMENT["info"])
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    schemes = set(DOCUMENT["components"]["securitySchemes"])
    assert all(set(each) <= schemes for each in DOCUMENT["security"])


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_operation_is_whole(path: str, method: str, operation: dict[str, Any]):
    assert path.startswith("/")
    assert method in {"get", "head", "post"}
    posted = {"requestBody"} if method == "post" else set[str]()
    assert set(operation) - posted <= {"operationId", "summary", "responses", "security"}
    assert posted <= set(operation)
    for status, response in operation["responses"].items():
        assert re.fullmatch(r"[1-5]\d\d", status)
        assert response["description"]
        assert all(re.fullmatch(r"[a-z]+/[a-z.+-]+", media) for media in response["content"])
    parameters = DOCUMENT["paths"][path].get("parameters", [])
    assert [one["name"] for one in parameters if one["in"] == "path"] == re.findall(r"{(\w+)}", path)
    assert all(one["required"] and one["description"] for one in parameters if one["in"] == "path")
    assert len({(one["in"], one["name"]) for one in parameters}) == len(parameters)
    for one in parameters:
        Draft202012Validator.check_schema(one["schema"])


def test_every_reference_leads_somewhere():
    schemas = DOCUMENT["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert named == set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


assert OF.told is not None
assert DRAINED.told is not None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("instances", instances.instances(OF, OF.told, fleet=True)),
        ("features", fleet.features(OF, OF.told, fleet=True)),
        ("hosts", fleet.hosts(OF, OF.told)),
        ("stats", stats.stats(OF, OF.told)),
        ("health", health.health(OF, "0").document),
        ("health", health.health(snapshot(told=None, broker=None), "0").document),
        ("child", children.detail(OF, OF.children[0])),
        ("conductor", conducting.document(replace(OF, conducting=CONDUCTING))),
        ("conductor", conducting.document(OF)),
        ("control", control.document(OF, KNOWN, control.Wanted())),
        ("control", example("/control")),
        ("targets", targets(snapshot(agents={"host-1": "127.0.0.1:1"}))),
        ("error", {"error": "it is not there", "hint": ""}),
        ("instances", example("/instances")),
        ("features", example("/features")),
        ("hosts", example("/hosts")),
        ("stats", example("/stats")),
        ("health", example("/health")),
        ("health", example("/health/\\<tier>/\\<service>")),
        ("epoch", example("/epoch")),
        ("drain", example("/drain")),
        ("drain", drain.document(DRAINED, DRAINED.told, {}, 1)),
        ("drain", drain.document(OF, OF.told, {}, 1)),
        ("why", example("/why")),
        ("callable", example("/call")),
        ("call", example("/call", 1)),
        ("called", example("/call", 2)),
        ("look", example("/register")),
        ("looked", example("/register", 1)),
        ("change", example("/changes")),
        ("changed", example("/changes", 1)),
        ("note", example("/notes")),
        ("noted", example("/notes", 1)),
        ("why", explanation.document(OF, OF.told, Explanation(rule=-1, bucket=-1, candidates=[Considered()]))),
        ("child", example("/children/\\<child>")),
        ("targets", example("/sd/prometheus")),
    ],
)
def test_an_answer_has_the_shape_that_is_told(name: str, answer: Any):
    assert not problems(name, answer)


def test_a_wrong_shape_is_noticed():
    broken = instances.instances(OF, cast("Any", OF.told), fleet=True)
    broken["instances"][0]["slots"] = "many"
    assert len(problems("instances", broken)) == 1


def test_hints_name_the_paths_as_people_write_them():
    assert {"/livez", "/health/<tier>/<service>", "/children/<child>", "/openapi.json"} <= set(paths_of(ROUTES))
