"""What `h2o why` does: asks the agent of the host that chooses, and lays out what its broker says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.output import count, finite, milliseconds, percent
from h2o_console.cli.printing import Page
from h2o_console.cli.sections import render_sections
from h2o_console.cli.statistics import host_addresses
from h2o_console.feed.answers import number, objects, text
from h2o_console.sections import Field, Section, plain
from h2o_core.names import InvalidName, from_operator, parse_feature, parse_package, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.picture import Fleet

_WHOLE: Final = 10_000
_HOW: Final = {
    "rule": "a match rule of its traffic document sends it there",
    "carried": "the requests that led to it have this version already",
    "sticky": "its key decides, against the weights",
    "random": "it has no key: dice, against the weights",
    "whole": "the stable version has all weight",
    "hold": "nobody has decided about its versions: the one that was registered first takes all",
    "share": "nobody has decided about its versions: they compete by load",
    "fallback": "what was decided on has no instance: it is the stable version's",
    "wish": "an operator's call names where it may go",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed: names as operators write them, headers as ``name=value``."""

    feature: str
    key: str
    caller: str
    headers: tuple[str, ...]

    def query(self) -> str:
        """For `/why`; raises CommandFailed when a name can't be one."""
        try:
            feature = parse_feature(from_operator(self.feature))
            caller = self.caller and self.caller != "operator" and parse_package(from_operator(self.caller))
        except InvalidName as error:
            raise CommandFailed(Exit.USAGE, str(error), "names look like service/customer/retrieve") from None
        for header in self.headers:
            if not header.partition("=")[0] or "=" not in header:
                raise CommandFailed(Exit.USAGE, f"{header!r} is no header", "write --header name=value")
        pairs = [("feature", feature), *(("header", each) for each in self.headers)]
        pairs += [(name, value) for name, value in (("key", self.key), ("caller", caller)) if value]
        return urlencode(pairs)


def of_feature(fleet: Fleet, asked: Asked, host: str) -> Page:
    """How *host*'s broker (the asked agent's without) chooses now; raises CommandFailed."""
    path = f"/why?{asked.query()}"
    address = _address_of(fleet, host) if host else fleet.context.agent
    if not address:
        msg = "only an agent can ask its broker why, and the context names none"
        raise CommandFailed(Exit.UNREACHABLE, msg, "name one: --agent http://HOST:PORT")
    try:
        document = ask(address, path, fleet.timeout_s, fleet.token_of(address))
    except AgentUnreachable as error:
        raise CommandFailed(Exit.UNREACHABLE, str(error), "see which hosts are up: h2o hosts") from None
    except AgentRefused as error:
        raise CommandFailed(Exit.UNREACHABLE, error.error, error.hint) from None
    if text(document, "code") in {"NOT_FOUND", "NO_ROUTE"} and not objects(document, "candidates"):
        known = [text(each, "name") for each in fleet.features()]
        if shown(from_operator(asked.feature)) not in known:
            raise no_match(asked.feature, known, "list")
    return _page(document)


def of_request(fleet: Fleet, request_id: str, host: str) -> Page:
    """How the request was routed, as whichever broker sampled it remembers; raises CommandFailed."""
    path = f"/why?{urlencode({'request': request_id})}"
    hosts = fleet.all_hosts()
    agents = host_addresses(fleet, hosts)
    wanted = {host: _address_of(fleet, host)} if host else agents
    silent: dict[str, str] = {}
    for name, address in wanted.items():
        try:
            return _page(ask(address, path, fleet.timeout_s, fleet.token_of(address)))
        except AgentUnreachable as error:
            silent[name] = str(error)
        except AgentRefused as error:
            if error.status == 400:
                raise CommandFailed(Exit.USAGE, error.error, "ids are in errors, logs and traces") from None
            if error.status != 404:
                silent[name] = error.error
    for name, why in silent.items():
        fleet.say(f"host {name} could not be asked: {why}")
    msg = f"no broker remembers a request {request_id}"
    hint = "only some are sampled, and for minutes; how it would go now: h2o why FEATURE"
    raise CommandFailed(Exit.PARTIAL if silent else Exit.NO_MATCH, msg, hint)


def _address_of(fleet: Fleet, host: str) -> str:
    hosts = fleet.all_hosts()
    address = host_addresses(fleet, hosts).get(host, "")
    if not address:
        raise no_match(host, [each.host for each in hosts.hosts], "hosts")
    return address


def _page(document: Mapping[str, Any]) -> Page:
    code = Exit.OK if text(document, "code") == "OK" else Exit.FAILED
    sections = [_decision(document), _versions(document), _candidates(document)]
    names = [text(each, "instance") for each in objects(document, "candidates") if each.get("eligible") is True]
    return Page((), (), document, names, code, text=lambda style: render_sections(sections, style))


def _decision(document: Mapping[str, Any]) -> Section:
    sampled = text(document, "request_id")
    code = text(document, "code")
    facts = {
        "feature": text(document, "feature"),
        "request": sampled,
        "caller": text(document, "caller"),
        "key": text(document, "sticky_key"),
        "seen_by": f"{text(document, 'host')}, at control epoch {count(document.get('epoch'))}",
        "at": text(document, "at") if sampled else "",
        "outcome": "" if code in {"", "OK"} else f"{code}: {text(document, 'sentence')}",
        "version": text(document, "version"),
        "because": _because(document),
        "chosen": text(document, "chosen"),
        "warning": text(document, "warning"),
    }
    fields = (
        Field("feature", "feature"),
        Field("request", "request"),
        Field("called by", "caller"),
        Field("sticky key", "key"),
        Field("chosen by", "seen_by"),
        Field("routed at", "at"),
        Field("goes nowhere", "outcome"),
        Field("version", "version"),
        Field("because", "because"),
        Field("given to", "chosen"),
        Field("but", "warning"),
    )
    return Section("decision", "Request", fields, [facts], facts=True)


def _because(document: Mapping[str, Any]) -> str:
    said = _HOW.get(text(document, "how"), text(document, "how"))
    rule, bucket = number(document, "rule"), number(document, "bucket")
    if rule is not None:
        said = f"{said} (rule {int(rule) + 1})"
    if bucket is not None:
        said = f"{said} (bucket {int(bucket)} of {_WHOLE:,})"
    if number(document, "attempt"):
        said = f"{said}; routed once more"
    return said


def _share(value: Any) -> str:
    known = finite(value)
    return percent(known * 100) if known is not None else "-"


def _weight(value: Any) -> str:
    known = finite(value)
    return percent(known / 100) if known is not None else "-"


def _versions(document: Mapping[str, Any]) -> Section:
    fields = (
        Field("VERSION", "version"),
        Field("WEIGHT", "weight", _weight, right=True),
        Field("CHANCE", "chance", _share, right=True),
        Field("INSTANCES", "instances", count, right=True),
        Field("ELIGIBLE", "candidates", count, right=True),
    )
    return Section("versions", "Versions", fields, objects(document, "versions"))


def _candidates(document: Mapping[str, Any]) -> Section:
    fields = (
        Field("INSTANCE", "instance", lambda value: plain(value)[:8]),
        Field("VERSION", "version"),
        Field("HOST", "host"),
        Field("ZONE", "zone", wide=True),
        Field("PLACE", "place", wide=True),
        Field("CHANCE", "chance", _share, right=True),
        Field("LOAD ms", "load_ms", milliseconds, right=True),
        Field("LATENCY ms", "latency_ms", milliseconds, right=True, wide=True),
        Field("SUCCESS", "success", _share, right=True),
        Field("PENDING", "pending", count, right=True),
        Field("SLOTS", "slots", count, right=True, wide=True),
        Field("INCLUDED", "inclusion", _share, right=True, wide=True),
        Field("WHY", "why"),
    )
    chances = sorted(
        objects(document, "candidates"), key=lambda each: (-(number(each, "chance") or 0.0), text(each, "host"))
    )
    return Section("candidates", "Instances", fields, chances)
