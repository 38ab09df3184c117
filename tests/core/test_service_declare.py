"""What an author declares: read off the annotations, or refused with what to write instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from h2o_core.pb.manifest_pb2 import Manifest
from h2o_core.pb.registration_pb2 import Register, Registered
from h2o_core.pb.stats_pb2 import BrokerReport
from h2o_service import CheckWarning, DeclarationError, Package, call, call_sync, current_request
from h2o_service.descriptors import descriptor_set

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty


@pytest.fixture
def package() -> Package:
    return Package("/service/customer", version="1.4.2")


async def retrieve(request: StringValue) -> Duration:
    return Duration(seconds=len(request.value))


def plain(request: StringValue, /) -> Duration:
    return Duration(seconds=len(request.value))


class Store:
    async def retrieve(self, request: StringValue) -> Duration:
        return Duration(seconds=len(request.value))


def test_types_come_from_the_annotations(package: Package) -> None:
    assert package.feature("retrieve", idempotent=True, mean_ms=5, upper95_ms=20)(retrieve) is retrieve
    package.feature("plain", errors=("not_found",))(plain)
    package.feature("of/an/object")(Store().retrieve)
    first = package.features["/service/customer/retrieve"]
    assert (first.request_type, first.reply_type, first.plain, first.idempotent) == (StringValue, Duration, False, True)
    second = package.features["/service/customer/plain"]
    assert (second.request_type, second.plain, second.errors) == (StringValue, True, {"not_found"})
    assert not package.features["/service/customer/of/an/object"].plain


async def awaits(request: StringValue) -> Duration:
    await asyncio.sleep(0)
    return await retrieve(request)


async def loops(request: StringValue) -> Duration:
    return Duration(seconds=len([each async for each in stream(request)]))


async def enters(request: StringValue) -> Duration:
    async with asyncio.timeout(1):  # noqa: ASYNC100 - the compiler can't know that nothing in it waits
        return Duration(seconds=len(request.value))


async def starts(request: StringValue) -> Duration:
    asyncio.get_running_loop().call_soon(print, (each for each in request.value))
    return Duration()


def test_only_what_can_not_wait_goes_without_a_task(package: Package) -> None:
    for name, handler in {"retrieve": retrieve, "plain": plain, "method": Store().retrieve}.items():
        package.feature(name)(handler)
    for handler in (awaits, loops, enters, starts):
        package.feature(handler.__name__)(handler)
    quick = {feature.name.rsplit("/", 1)[1] for feature in package.features.values() if feature.never_waits}
    assert quick == {"retrieve", "method", "starts"}


def test_the_manifest_is_sorted_and_always_the_same(package: Package) -> None:
    package.feature("b", idempotent=True, mean_ms=5, upper95_ms=20)(retrieve)
    package.feature("a")(plain)
    manifest = package.manifest()
    assert [each.name for each in manifest.features] == ["/service/customer/a", "/service/customer/b"]
    assert (manifest.package, manifest.version) == ("/service/customer", "1.4.2")
    assert manifest.features[1].request_type == "google.protobuf.StringValue"
    assert (manifest.features[1].mean_ms, manifest.features[1].upper95_ms) == (5, 20)
    other = Package("/service/customer", version="1.4.2")
    other.feature("a")(plain)
    other.feature("b", idempotent=True, mean_ms=5, upper95_ms=20)(retrieve)
    assert other.manifest().SerializeToString() == manifest.SerializeToString()


def test_descriptors_are_complete_in_order_and_without_doubles() -> None:
    files = descriptor_set([BrokerReport, Register, Registered, Manifest]).file
    names = [file.name for file in files]
    assert len(names) == len(set(names)) == 4
    pool = DescriptorPool()  # knows nothing: adding fails unless dependencies come first
    for file in files:
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    assert pool.FindMessageTypeByName("h2o.v1.BrokerReport").fields_by_name["instances"]


def test_descriptors_survive_the_manifest(package: Package) -> None:
    package.feature("a")(retrieve)
    files = FileDescriptorSet.FromString(package.manifest().descriptors).file
    assert [file.name for file in files] == ["google/protobuf/wrappers.proto", "google/protobuf/duration.proto"]


# --- refusals -----------------------------------------------------------------------------------------


async def two(request: StringValue, more: int) -> Duration: ...
async def none() -> Duration: ...
async def bare(request) -> Duration: ...  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]  # noqa: ANN001
async def silent(request: StringValue): ...
async def number(request: int) -> Duration: ...
async def maybe(request: StringValue) -> Duration | None: ...
async def any_message(request: Message) -> Duration: ...
async def unknown(request: Empty) -> Duration: ...
async def keyword(*, request: StringValue) -> Duration: ...


async def stream(request: StringValue) -> AsyncIterator[Duration]:
    del request
    yield Duration()


HOPELESS: list[tuple[Callable[..., Any], str]] = [
    (two, "takes the request and nothing else"),
    (none, "takes the request and nothing else"),
    (keyword, "takes the request and nothing else"),
    (bare, "does not say its request's type"),
    (silent, "does not say its reply's type"),
    (number, "request is int, which is no generated protobuf message"),
    (maybe, r"reply is .*Duration \| None, which is no generated"),
    (any_message, "request is Message, which is no generated"),
    (unknown, "'Empty' is not defined; import its type at module level, not under `if TYPE_CHECKING:`"),
    (stream, "is a generator; a handler returns one reply"),
]


@pytest.mark.parametrize(("handler", "sentence"), HOPELESS)
def test_handlers_that_can_not_work(package: Package, handler: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(DeclarationError, match=sentence) as caught:
        package.feature("retrieve")(handler)
    assert handler.__name__ in str(caught.value)
    assert package.features == {}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "/retrieve"}, 'write @package.feature\\("retrieve"\\)'),
        ({"name": "Retrieve"}, "not a lower-case word"),
        ({"name": ""}, "not a lower-case word"),
        ({"name": retrieve}, "a feature needs its name"),
        ({"name": "a", "mean_ms": -1}, "mean_ms=-1 of feature 'a' is no time"),
        ({"name": "a", "upper95_ms": float("nan")}, "upper95_ms=nan"),
        ({"name": "a", "errors": "not_found"}, r"write errors=\('not_found',\)"),
        ({"name": "a", "errors": ("Not found",)}, "'Not found' is no error code"),
    ],
)
def test_declarations_that_can_not_work(package: Package, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DeclarationError, match=sentence):
        package.feature(**options)(retrieve)


def test_a_feature_twice(package: Package) -> None:
    package.feature("retrieve")(retrieve)
    with pytest.raises(DeclarationError, match="declared twice; retrieve has it already"):
        package.feature("retrieve")(plain)


@pytest.mark.parametrize(
    ("name", "version", "slots", "sentence"),
    [
        ("customer", "1", 64, 'write Package\\("/service/customer"'),
        ("/storage/customer", "1", 64, "the tiers are"),
        ("/service/customer/retrieve", "1", 64, "is a feature, not a package"),
        ("/service/customer", "one two", 64, "is not a version"),
        ("/service/customer", "1", 0, "use 1 to"),
    ],
)
def test_packages_that_can_not_be(name: str, version: str, slots: int, sentence: str) -> None:
    with pytest.raises(DeclarationError, match=sentence):
        Package(name, version=version, slots=slots)


def test_a_package_without_features(package: Package) -> None:
    with pytest.raises(DeclarationError, match="has no feature; declare one"):
        package.manifest()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": ""}, "a check needs its name"),
        ({"name": "store", "severity": "urgent"}, 'severity is "note", "ticket" or "page"'),
        ({"name": "store", "interval_s": 0}, "seconds above 0"),
        ({"name": "event_loop"}, "exists already"),
    ],
)
def test_checks_that_can_not_work(package: Package, options: dict[str, Any], sentence: str) -> None:
    def store() -> None:
        raise CheckWarning

    with pytest.raises(DeclarationError, match=sentence):
        package.check(**options)(store)
    with pytest.raises(DeclarationError, match="takes parameters"):
        package.check("other")(plain)


def test_outside_of_a_handler_the_helpers_say_so(package: Package) -> None:
    with pytest.raises(RuntimeError, match="works inside handlers"):
        current_request()
    with pytest.raises(RuntimeError, match="no package runs here"):
        call_sync("/service/a/b", Int64Value(), Int64Value)
    with pytest.raises(RuntimeError, match="no package runs here"):
        asyncio.run(call("/service/a/b", Int64Value(), Int64Value))
    with pytest.raises(RuntimeError, match=r"package\.client works while the package runs"):
        package.client.call_sync("/service/a/b", Int64Value(), Int64Value)
