"""Calls features by name with the types that were registered, as `h2o call` and an agent do for an operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from h2o_core.envelope import RouteWish
from h2o_core.errors import Code, Executed, H2OError
from h2o_core.io.off_loop import off_loop
from h2o_core.names import from_operator, package_of, shown
from h2o_core.pb.manifest_pb2 import Manifest
from h2o_core.pb.stats_pb2 import Ask, Picture
from h2o_core.schema import HasNoForm, document_of, schema_of
from h2o_core.whereabouts import NotThere, feature_of, nothing_matches, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from h2o_core.io.client import Client
    from h2o_core.pb.manifest_pb2 import Feature
    from h2o_core.schema import Schema

ANYWHERE: Final = RouteWish()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator says. `where`: an instance's id may be a beginning.

    `timeout_s` None: five times the feature's promise, one second at least. `key`: a sticky one.
    """

    feature: str
    where: RouteWish = ANYWHERE
    timeout_s: float | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Found:
    """What a broker knows of it. `where` has the whole id of an instance, and is None for anywhere.

    `idempotent`: whichever version may get it declares that. `fleet` and `dev` are of the broker's fleet.
    """

    feature: Feature
    idempotent: bool
    version: str
    types: Schema
    where: RouteWish | None
    timeout_s: float
    fleet: str
    dev: bool

    @property
    def is_journalled(self) -> bool:
        """It may change data, of people: not in a fleet for development."""
        return not (self.idempotent or self.dev)


async def find(client: Client, asked: Asked) -> Found:
    """Raises NotThere, Ambiguous, HasNoForm, and H2OError when the broker does not answer."""
    name = from_operator(asked.feature)
    where = None
    if asked.where != ANYWHERE:
        where = place_of(await _picture(client), package_of(name), asked.where)
    version = "" if where is None else where.version
    manifest = await _manifest(client, name, version)
    feature = feature_of(manifest, name)
    types = await off_loop(partial(schema_of, manifest, feature), "types")
    timeout_s = asked.timeout_s or max(1.0, 5 * feature.upper95_ms / 1000)
    fleet, dev = (client.welcome.fleet, client.welcome.dev) if client.welcome is not None else ("", False)
    idempotent = feature.idempotent and (dev or bool(version) or await _is_so_everywhere(client, name))
    return Found(feature, idempotent, manifest.version, types, where, timeout_s, fleet, dev)


async def call(client: Client, asked: Asked, found: Found, request: Message) -> dict[str, Any]:
    """Make it, and return the reply in JSON's types; raises H2OError."""
    reply = await client.call(
        found.feature.name,
        request,
        found.types.reply,
        timeout_s=found.timeout_s,
        sticky_key=asked.key,
        headers=asked.headers or None,
        wish=found.where,
    )
    try:
        return await off_loop(partial(document_of, found.types, reply), "reply")
    except HasNoForm as error:
        name = found.feature.name
        raise H2OError(str(error), code=Code.INTERNAL, executed=Executed.YES, feature=name, hint=error.hint) from None


async def _manifest(client: Client, name: str, version: str) -> Manifest:
    """Of the feature's package (no *version*: the newest)."""
    try:
        question = Ask(what=Ask.MANIFEST, package=package_of(name), version=version)
        return Manifest.FromString(await client.ask(question))
    except H2OError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    known = sorted({shown(one.name) for each in (await _picture(client)).manifests for one in each.features})
    raise NotThere(nothing_matches(shown(name), known), "see what there is: h2o list")


async def _is_so_everywhere(client: Client, name: str) -> bool:
    """Every version declares the feature idempotent: what is known of it is the newest's, and any may get the call."""
    return all(
        feature.idempotent
        for manifest in (await _picture(client)).manifests
        for feature in manifest.features
        if feature.name == name
    )


async def _picture(client: Client) -> Picture:
    return Picture.FromString(await client.ask(Ask(what=Ask.PICTURE)))
