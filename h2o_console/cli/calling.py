"""What `h2o call` does: asks the broker for the feature's types, turns JSON into a request, and calls."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.options import DEFAULT_TIMEOUT_S
from h2o_console.cli.output import Format, one_line, to_json, to_yaml
from h2o_console.cli.printing import write
from h2o_console.cli.remarks import tell
from h2o_console.cli.schema import Schema, document_of, example, parse_request, schema_of
from h2o_console.cli.whereabouts import wish
from h2o_core.context import BROKER_SOCKET, Context, NoContext, Overrides, check_socket_path
from h2o_core.envelope import RouteWish
from h2o_core.errors import ApplicationError, Code, Fault, H2OError
from h2o_core.io.client import Client
from h2o_core.io.context import current_context, runtime_dir
from h2o_core.names import InvalidName, from_operator, package_of, parse_feature, shown
from h2o_core.pb.manifest_pb2 import Manifest
from h2o_core.pb.stats_pb2 import Ask, Picture

if TYPE_CHECKING:
    from h2o_core.pb.manifest_pb2 import Feature


@dataclass(frozen=True, slots=True)
class Call:
    """What was typed. `where`: an instance's id may be a beginning.

    `timeout_s` None: five times the feature's promise, one second at least.
    """

    feature: str
    request: str | None
    key: str | None
    where: RouteWish
    timeout_s: float | None
    output: Format
    flags: Overrides


def run(call: Call) -> Exit:
    """Call, print the reply or the error, return the exit code; raises CommandFailed."""
    try:
        return asyncio.run(_run(call))
    except H2OError as error:
        code = Exit.UNREACHABLE if error.code is Code.UNAVAILABLE else Exit.FAILED
        raise CommandFailed(code, sentence(error), error.hint) from None


async def _run(call: Call) -> Exit:
    endpoint, context = _endpoint(call.flags)
    async with Client(endpoint, program="h2o call", connect_timeout_s=call.timeout_s or DEFAULT_TIMEOUT_S) as client:
        _check_fleet(client, context)
        name = from_operator(call.feature)
        where = await wish(client, name, call.where) if call.where != RouteWish() else None
        manifest, feature = await _registered(client, name, where.version if where is not None else "")
        types = schema_of(manifest, feature)
        if call.request is None:
            return _show_example(feature, types)
        return await _call(client, call, where, feature, types)


def _show_example(feature: Feature, types: Schema) -> Exit:
    document = example(types)
    tell(f"call it with: h2o call {shown(feature.name)} {shlex.quote(json.dumps(document))}")
    write(to_json(document))
    return Exit.OK


async def _call(client: Client, call: Call, where: RouteWish | None, feature: Feature, types: Schema) -> Exit:
    text = sys.stdin.read() if call.request == "-" else call.request or ""
    request = parse_request(types, text, shown(feature.name))
    within_s = call.timeout_s or max(1.0, 5 * feature.upper95_ms / 1000)
    try:
        reply = await client.call(
            feature.name, request, types.reply, timeout_s=within_s, sticky_key=call.key, wish=where
        )
    except H2OError as error:
        tell(f"h2o: {sentence(error)}")
        again = "yes" if error.retry_is_safe(idempotent=feature.idempotent) else "no"
        whose = "" if error.fault is Fault.NOBODY else f"fault: the {error.fault.value}'s; "
        tell(f"  {whose}executed: {error.executed.name.lower()}; safe to repeat: {again}", error.hint)
        for line in error.traceback.splitlines():
            indent = len(line) - len(line.lstrip(" "))
            tell(f"    {' ' * min(indent, 40)}{one_line(line.lstrip(' '))}")
        return Exit.FAILED
    document = document_of(types, reply)
    write(to_yaml(document) if call.output is Format.YAML else to_json(document))
    return Exit.OK


def sentence(error: H2OError) -> str:
    """What went wrong and where, without the hint, which stands on its own line."""
    text = str(error).removesuffix(f"\n  {error.hint}") if error.hint else str(error)
    if isinstance(error, ApplicationError):
        return text.replace("APPLICATION:", f"APPLICATION {error.application_code}:", 1)
    return text


def _endpoint(flags: Overrides) -> tuple[str, Context]:
    try:
        context = current_context(flags)
        if not context.run_dir and context.agent:
            msg = f"the agent {context.agent} is elsewhere, and a call goes through the broker of this machine"
            raise CommandFailed(Exit.USAGE, msg, "log in there, or name a runtime directory here: H2O_BROKER=/run/h2o")
        run_dir = context.run_dir or str(runtime_dir(fleet=context.fleet))
        return "unix:" + check_socket_path(f"{run_dir}/{BROKER_SOCKET}"), context
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None


def _check_fleet(client: Client, context: Context) -> None:
    there = client.welcome.fleet if client.welcome else ""
    if context.fleet and there and context.fleet != there:
        msg = f"the broker of this machine belongs to fleet {there}, not to {context.fleet}"
        hint = f"call that one: --fleet {there}, or set H2O_BROKER to a runtime directory of {context.fleet}"
        raise CommandFailed(Exit.USAGE, msg, hint)


async def _registered(client: Client, name: str, version: str) -> tuple[Manifest, Feature]:
    """The manifest of the feature's package (no *version*: the newest); raises CommandFailed with what there is."""
    try:
        question = Ask(what=Ask.MANIFEST, package=package_of(name), version=version)
        manifest = Manifest.FromString(await client.ask(question))
    except H2OError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise no_match(shown(name), await _known_features(client), "list") from None
    for feature in manifest.features:
        if feature.name == name:
            return manifest, feature
    raise _no_feature(manifest, name)


def _no_feature(manifest: Manifest, name: str) -> CommandFailed:
    known = [shown(feature.name) for feature in manifest.features]
    near = get_close_matches(shown(name), known, n=1, cutoff=0)
    known.sort(key=lambda each: each not in near)
    try:
        parse_feature(name)
        what = f"{shown(package_of(name))} {manifest.version} has no feature {shown(name)}"
    except InvalidName:
        what = f"{shown(name)} is a package, not a feature"
    hint = f"see an example of one: h2o call {known[0]}" if known else "see what there is: h2o list"
    return CommandFailed(Exit.NO_MATCH, f"{what}; it has: {', '.join(known) or 'none'}", hint)


async def _known_features(client: Client) -> list[str]:
    picture = Picture.FromString(await client.ask(Ask(what=Ask.PICTURE)))
    return sorted({shown(feature.name) for manifest in picture.manifests for feature in manifest.features})
