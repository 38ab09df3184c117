"""Paths and documents: everything comes back as it was, and nothing hostile gets through or raises anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from h2o_core.control.epoch import Change, Epoch, encode_epoch, parse_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control, parse_host_control
from h2o_core.control.settings import FleetSettings, NewVersions, TierRule, encode_settings, parse_settings
from h2o_core.control.traffic import MatchRule, Traffic, encode_traffic, parse_traffic
from h2o_core.documents import InvalidDocument, Reader
from h2o_core.manifests import manifest_from_package_version, package_version_from_manifest
from h2o_core.names import InvalidName
from h2o_core.znodes import live
from h2o_core.znodes.agents import AgentNode, encode_agent, parse_agent
from h2o_core.znodes.live import LiveHost, LiveInstance, encode_live, parse_live
from h2o_core.znodes.packages import (
    FeatureSpec,
    PackageVersion,
    encode_package_version,
    manifest_digest,
    package_version,
    parse_package_version,
)
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable

PATHS = Paths("test")
FEATURES = (
    FeatureSpec("/service/customer/retrieve", "customer.Id", "customer.Customer", idempotent=True, upper95_ms=20.5),
    FeatureSpec("/service/customer/create", "customer.Customer", "customer.Id"),
)
MANIFEST = package_version("/service/customer", "1.4.2", FEATURES, b"\x00\xffdescriptors")
INSTANCE = LiveInstance("3f2a", "/service/customer", "1.4.2", MANIFEST.digest, 64, 1_700_000_000.25, 4711)
LIVE = LiveHost(
    "host-1",
    "eu-1",
    "127.0.0.1:41234",
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    0xFEDC,
    "a-b",
    1,
    {"k": "v"},
    (INSTANCE,),
)
AGENT = AgentNode("host-1", "10.0.0.7", 8101, "eu-1", "a-b")
EPOCH = Epoch(7, "c-1", (Change(6, ("control/fleet",)), Change(7, ("control/hosts/host-1", "audit/x"))))
SETTINGS = FleetSettings(NewVersions.SHARE, TierRule.WARN)
RULES = (
    MatchRule("3.0.0", callers=("/orchestration/*", "operator"), headers={"x-canary": "yes"}),
    MatchRule("2.0.0", keys=("42", "ключ")),
)
TRAFFIC = Traffic(
    "/service/customer",
    "1.4.2",
    (("1.4.2", 8_999), ("2.0.0", 1_001), ("3.0.0", 0)),
    RULES,
    "s-1",
    "exp",
    "ann",
    "a try",
    5.5,
)
HOST_CONTROL = HostControl("host-1", HostState.AVOID, "ann", "a noisy disk", 1_700_000_000.5, 1_700_003_600.5)

DOCUMENTS: dict[str, tuple[str, bytes, Callable[[str, bytes], object], object]] = {
    "live": (PATHS.live("host-1"), encode_live(LIVE), parse_live, LIVE),
    "agent": (PATHS.agent("host-1"), encode_agent(AGENT), parse_agent, AGENT),
    "version": (
        PATHS.version("/service/customer", "1.4.2"),
        encode_package_version(MANIFEST),
        parse_package_version,
        MANIFEST,
    ),
    "epoch": (PATHS.epoch, encode_epoch(EPOCH), parse_epoch, EPOCH),
    "settings": (PATHS.settings, encode_settings(SETTINGS), parse_settings, SETTINGS),
    "traffic": (PATHS.traffic("/service/customer"), encode_traffic(TRAFFIC), parse_traffic, TRAFFIC),
    "host": (PATHS.host_control("host-1"), encode_host_control(HOST_CONTROL), parse_host_control, HOST_CONTROL),
}
every_document = pytest.mark.parametrize("kind", DOCUMENTS)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def parse(kind: str, data: bytes) -> object:
    path, _, parser, _ = DOCUMENTS[kind]
    return parser(path, data)


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(DOCUMENTS[kind][1])
    change(document)
    return json.dumps(document).encode()


@every_document
def test_comes_back_as_it_was(kind: str):
    path, data, parser, value = DOCUMENTS[kind]
    assert parser(path, data) == value
    assert json.loads(data)["schema"] == 1
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()


@every_document
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(kind: str, data: bytes):
    with pytest.raises(InvalidDocument):
        parse(kind, data)


def every_spot(value: object, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to each value inside a document."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())  # pyright: ignore[reportUnknownArgumentType] - JSON
    elif isinstance(value, list):
        inner = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType] - JSON
    return [spot for key, one in inner for spot in [(*here, key), *every_spot(one, (*here, key))]]


@every_document
@given(data=st.data())
def test_a_document_with_one_value_exchanged_is_read_or_refused(kind: str, data: st.DataObject):
    document = json.loads(DOCUMENTS[kind][1])
    *way, last = data.draw(st.sampled_from(every_spot(document)))
    place = document
    for key in way:
        place = place[key]
    place[last] = data.draw(json_values)
    with suppress(InvalidDocument):
        assert parse(kind, json.dumps(document).encode()) is not None


@every_document
@given(value=json_values)
def test_a_refusal_says_what_is_wrong_and_repeats_nothing_that_could_harm(kind: str, value: object):
    path, data, parser, _ = DOCUMENTS[kind]
    for key in set(json.loads(data)) - {"status", "additionalEndpoints"}:  # these are Prometheus' alone
        with pytest.raises(InvalidDocument) as caught:
            parser(path, changed(kind, lambda document, key=key: document.update({key: [value, "\x1b[2J"]})))
        assert caught.value.path == path
        assert caught.value.sentence.isprintable()
        assert len(caught.value.sentence) < 400


@every_document
def test_a_newer_schema_is_refused_with_what_to_do(kind: str):
    with pytest.raises(InvalidDocument, match=r"schema 2 is newer than the 1 .* upgrade"):
        parse(kind, changed(kind, lambda document: document.update(schema=2)))


@every_document
def test_unknown_keys_are_let_pass(kind: str):
    assert parse(kind, changed(kind, lambda document: document.update(later={"a": [1]}))) == DOCUMENTS[kind][3]


HOSTILE = {
    "a bomb of brackets": b"[" * 200_000,
    "a number of 5,000 digits": b'{"schema":' + b"9" * 5000 + b"}",
    "UTF-16": '{"schema":1}'.encode("utf-16"),
    "NaN": b'{"schema":NaN}',
    "true for a number": b'{"schema":true}',
    "a list": b"[]",
    "nothing": b"",
    "too long": b'{"schema":1,"x":"' + b"x" * (1 << 21) + b'"}',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
@every_document
def test_hostile_bytes(kind: str, data: bytes):
    with pytest.raises(InvalidDocument):
        parse(kind, data)


BAD_LIVE: dict[str, tuple[dict[str, object], str]] = {
    "another host's": ({"host": "host-2"}, "of host 'host-2'"),
    "a path for a host": ({"host": "../control"}, "not a host name"),
    "port 0": ({"address": "127.0.0.1:0"}, "port"),
    "port 65536": ({"address": "127.0.0.1:65536"}, "port"),
    "an endpoint for an address": ({"address": "1.2.3.4:5;tcp://6.7.8.9:1"}, "address"),
    "a short key": ({"key": "abc"}, "key"),
    "a number for an incarnation": ({"incarnation": 1}, "incarnation"),
    "a long incarnation": ({"incarnation": "0" * 17}, "incarnation"),
    "an escape sequence": ({"zone": "\x1b[31m"}, "zone"),
    "half a character": ({"zone": "\ud800"}, "zone"),
    "a novel": ({"zone": "z" * 1025}, "zone"),
    "wire 0": ({"wire": 0}, "wire"),
    "wire true": ({"wire": True}, "wire"),
    "labels of numbers": ({"labels": {"a": 1}}, "labels"),
    "a label's name to erase lines": ({"labels": {"\r": "x"}}, "labels"),
    "65 labels": ({"labels": {f"l{at}": "" for at in range(65)}}, "at most 64"),
    "no instances": ({"instances": None}, "instances"),
    "an instance that is a text": ({"instances": ["x"]}, "instances 1"),
}


@pytest.mark.parametrize(("change", "says"), BAD_LIVE.values(), ids=BAD_LIVE.keys())
def test_a_bad_host(change: dict[str, object], says: str):
    with pytest.raises(InvalidDocument, match=says):
        parse("live", changed("live", lambda document: document.update(change)))


BAD_INSTANCE: dict[str, dict[str, object]] = {
    "id": {"id": "a/b"},
    "package without tier": {"package": "customer"},
    "package of storage": {"package": "storage.customer"},
    "package with half a surrogate pair": {"package": "service.\ud800"},
    "version": {"version": "../1"},
    "digest": {"digest": "XYZ"},
    "slots below 0": {"slots": -1},
    "slots beyond all measure": {"slots": 10**9},
    "started before 1970": {"started": -1},
    "started never": {"started": float("inf")},
    "pid": {"pid": "1"},
}


@pytest.mark.parametrize("change", BAD_INSTANCE.values(), ids=BAD_INSTANCE.keys())
def test_a_bad_instance(change: dict[str, object]):
    with pytest.raises(InvalidDocument, match=r"instances 1: |not JSON"):
        parse("live", changed("live", lambda document: document["instances"][0].update(change)))


@given(
    st.dictionaries(
        st.sampled_from(["id", "package", "version", "digest", "slots", "started", "pid"]),
        json_values
        | st.sampled_from(["a-b", "service.x", "service.\ud800", "1.2", "0" * 20, 1, 1.5, -1, 10**9, 1e300]),
    )
)
def test_the_quick_way_agrees_with_the_strict_one(change: dict[str, Any]):
    fields = {**json.loads(encode_live(LIVE))["instances"][0], **change}
    quick = live._quick_instance(fields)
    try:
        strict = live._parse_instance(Reader("live/host-1", "instances 1", fields))
    except InvalidDocument:
        strict = None
    assert quick in {None, strict}
    assert change or quick == strict == INSTANCE


def test_an_instance_id_is_never_used_twice():
    with pytest.raises(InvalidDocument, match="same id"):
        parse("live", changed("live", lambda document: document["instances"].append(document["instances"][0])))


def test_a_live_node_has_at_most_256_kib():
    many = tuple(LiveInstance(f"{at:032x}", "/service/customer", "1", "ab" * 20, 64, 1.5, 1) for at in range(2000))
    with pytest.raises(InvalidDocument, match="more than the 262,144"):
        encode_live(LiveHost("h", "z", "h:1", LIVE.key, 1, "m", 1, {}, many))


def test_twenty_instances_take_a_few_kib():
    twenty = tuple(LiveInstance(f"{at:032x}", "/service/customer", "1", "ab" * 20, 64, 1.5, 1) for at in range(20))
    assert len(encode_live(LiveHost("h", "z", "h:1", LIVE.key, 1, "m", 1, {}, twenty))) < 5 << 10


def test_prometheus_reads_an_agent_s_node_as_it_is():
    document = json.loads(DOCUMENTS["agent"][1])
    assert document["serviceEndpoint"] == {"host": "10.0.0.7", "port": 8101}
    assert document["additionalEndpoints"] == {}
    assert document["status"] == "ALIVE"


def test_the_digest_is_about_what_callers_can_see():
    first, second = FEATURES
    digest = manifest_digest(FEATURES, b"d")
    slower = FeatureSpec(first.name, first.request_type, first.reply_type, idempotent=True, mean_ms=1, upper95_ms=2)
    assert manifest_digest((second, slower), b"d") == digest
    others = [
        manifest_digest((second,), b"d"),
        manifest_digest(FEATURES, b"e"),
        manifest_digest((second, FeatureSpec(first.name, "X", first.reply_type, idempotent=True)), b"d"),
        manifest_digest((second, FeatureSpec(first.name, first.request_type, "X", idempotent=True)), b"d"),
        manifest_digest((second, FeatureSpec(first.name, first.request_type, first.reply_type)), b"d"),
    ]
    assert len({digest, *others}) == 6


BAD_VERSION: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another version's": (lambda document: document.update(version="9"), "it says that it is service.customer/9"),
    "another package's": (lambda document: document.update(package="service.email"), "service.email"),
    "another package's feature": (
        lambda document: document["features"][0].update(name="/service/email/send"),
        "not a feature of /service/customer",
    ),
    "a changed type": (lambda document: document["features"][0].update(reply_type="X"), "the digest"),
    "changed descriptors": (lambda document: document.update(descriptors=""), "the digest"),
    "descriptors in another alphabet": (lambda document: document.update(descriptors="é"), "base64"),
    "a feature twice": (
        lambda document: document["features"].append(document["features"][0]),
        "two features have the same name",
    ),
    "negative times": (lambda document: document["features"][0].update(mean_ms=-1), "mean_ms"),
}


@pytest.mark.parametrize(("change", "says"), BAD_VERSION.values(), ids=BAD_VERSION.keys())
def test_a_bad_manifest(change: Callable[[dict[str, Any]], object], says: str):
    with pytest.raises(InvalidDocument, match=says):
        parse("version", changed("version", change))


def test_who_registered_first_is_told_by_the_node_and_is_no_part_of_the_value():
    path, data, _, _ = DOCUMENTS["version"]
    assert parse_package_version(path, data, 12).created == 12
    assert parse_package_version(path, data, 12) == parse_package_version(path, data, 13)


def test_a_manifest_on_the_wire_is_the_same_one():
    wire = manifest_from_package_version(MANIFEST)
    assert package_version_from_manifest(wire) == MANIFEST
    assert [one.name for one in wire.features] == sorted(one.name for one in FEATURES)
    assert manifest_from_package_version(MANIFEST, descriptors=False).descriptors == b""


def test_how_many_instances_its_author_wants_is_kept_and_may_be_left_unsaid() -> None:
    wants = replace(MANIFEST, min_available=3)
    assert package_version_from_manifest(manifest_from_package_version(wants)) == wants
    assert wants.digest == MANIFEST.digest
    assert b"min_available" not in encode_package_version(MANIFEST)
    path = "packages/service.customer/1.4.2"
    with pytest.raises(InvalidDocument, match="min_available"):
        parse_package_version(path, encode_package_version(wants).replace(b'"min_available":3', b'"min_available":-3'))


@pytest.mark.parametrize(
    ("package", "version", "mean_ms"),
    [
        ("service.customer", "1", 0.0),
        ("/service", "1", 0.0),
        ("/service/email", "1", 0.0),
        ("/service/customer", "../1", 0.0),
        ("/service/customer", "1", float("nan")),
        ("/service/customer", "1", -1.0),
    ],
)
def test_a_hostile_registration_is_refused(package: str, version: str, mean_ms: float):
    wire = manifest_from_package_version(MANIFEST)
    wire.package, wire.version = package, version
    wire.features[0].mean_ms = mean_ms
    with pytest.raises(InvalidDocument):
        package_version_from_manifest(wire)


def test_a_manifest_too_large_for_a_node_is_refused_before_it_is_written():
    with pytest.raises(InvalidDocument, match="more than"):
        encode_package_version(PackageVersion("/service/customer", "1", "", (), b"x" * (1 << 20)))


def test_where_things_are():
    assert PATHS.live("a") == "/h2o/test/live/a"
    assert PATHS.agent("a") == "/h2o/test/agents/a"
    assert PATHS.version("/service/customer", "1.0") == "/h2o/test/packages/service.customer/1.0"
    assert PATHS.epoch == "/h2o/test/control/epoch"
    assert PATHS.settings == "/h2o/test/control/fleet"
    assert PATHS.traffic("/service/customer") == "/h2o/test/control/traffic/service.customer"
    assert PATHS.host_control("host-1") == "/h2o/test/control/hosts/host-1"
    with pytest.raises(InvalidName):
        Paths("../other")


def test_reading_documents_needs_neither_protobuf_nor_kazoo():
    modules = [
        "znodes.live",
        "znodes.agents",
        "znodes.packages",
        "control.traffic",
        "control.hosts",
        "inventory",
        "register",
    ]
    program = f"import sys, {', '.join(f'h2o_core.{one}' for one in modules)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"google.protobuf", "kazoo", "zmq", "asyncio"} & set(loaded)
