"""What `h2o describe` does: finds out what a name means, asks the agents that know of it, and lays out the page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.asking.hoststats import gather
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.portraits import pages
from h2o_console.cli.portraits.known import Known
from h2o_console.cli.printing import Page
from h2o_console.cli.sections import render_sections
from h2o_console.cli.statistics import host_addresses
from h2o_console.feed.answers import SCHEMA, text
from h2o_core.names import from_operator, matches, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_console.cli.picture import Fleet
    from h2o_console.cli.views import HostsView, InstancesView
    from h2o_console.sections import Section
    from h2o_core.pb.host_pb2 import ChildReport, HostStats

_LEAST_PREFIX: Final = 2


class Kind(StrEnum):
    """What a page can be about."""

    PACKAGE = "package"
    FEATURE = "feature"
    INSTANCE = "instance"
    CHILD = "child"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was meant; of a child `host` says where it is."""

    kind: Kind
    name: str
    host: str = ""


def page(fleet: Fleet, typed: str) -> Page:
    """The page; raises CommandFailed when nothing, or several things, are meant."""
    view, hosts = fleet.instances(), fleet.all_hosts()
    features = fleet.features()
    subject = find(typed, view, hosts, features)
    wanted = _hosts_to_ask(subject, view, hosts)
    known_agents = host_addresses(fleet, hosts)
    agents = {host: known_agents.get(host, "") for host in sorted(wanted)}
    gathered = gather(agents, fleet.timeout_s, fleet.token_of)
    for host, why in gathered.unreachable.items():
        fleet.say(f"host {host} is missing here: {why}", "is its agent up? h2o hosts")
    known = Known(view, hosts, features, gathered.answers, view.head.as_of)
    child = _child(fleet, subject, known, agents)
    sections = _sections(subject, known, child)
    missing = [{"host": host, "error": why} for host, why in gathered.unreachable.items()]
    head = {"schema": SCHEMA, "fleet": view.head.fleet, "as_of": view.head.as_of, "kind": subject.kind.value}
    document = {
        **head,
        "name": subject.name,
        **{each.key: each.document() for each in sections},
        "unreachable": missing,
    }
    code = Exit.PARTIAL if missing else Exit.OK
    return Page((), (), document, [subject.name], code, text=lambda style: render_sections(sections, style))


def find(typed: str, view: InstancesView, hosts: HostsView, features: Sequence[Mapping[str, Any]]) -> Subject:
    """What an operator means: a host, an instance, a launch, a package, a feature. Raises CommandFailed."""
    name = shown(from_operator(typed))
    packages = {each.package for each in view.instances} | {text(each, "package") for each in features}
    offered = {text(each, "name") for each in features}
    launches = {text(entry, "launch"): text(entry, "host") for entry in view.entries if text(entry, "launch")}
    if typed in {each.host for each in hosts.hosts}:
        return Subject(Kind.HOST, typed)
    if typed in launches:
        return _launched(typed, view, launches[typed])
    if name in packages:
        return Subject(Kind.PACKAGE, name)
    if name in offered:
        return Subject(Kind.FEATURE, name)
    ids = {each.id: each.host for each in view.instances if each.id and each.id.startswith(typed)}
    if typed in ids or (len(ids) == 1 and len(typed) >= _LEAST_PREFIX):
        found = typed if typed in ids else next(iter(ids))
        return Subject(Kind.INSTANCE, found, ids[found])
    return _only_one(typed, sorted(ids), packages, offered, [each.host for each in hosts.hosts])


def _launched(launch: str, view: InstancesView, host: str) -> Subject:
    for entry in view.entries:
        if text(entry, "launch") == launch and text(entry, "id"):
            return Subject(Kind.INSTANCE, text(entry, "id"), host)
    return Subject(Kind.CHILD, launch, host)


def _only_one(typed: str, ids: list[str], packages: set[str], features: set[str], hosts: list[str]) -> Subject:
    """A plain word or a glob that means one thing alone."""
    found = [Subject(Kind.PACKAGE, each) for each in sorted(packages) if matches(typed, f"/{each}")]
    if from_operator(typed).count("/") > 2:
        found += [Subject(Kind.FEATURE, each) for each in sorted(features) if matches(typed, f"/{each}")]
    if len(found) == 1:
        return found[0]
    several = [each.name for each in found] or ids
    if len(several) > 1:
        msg = f"{typed!r} means {len(several)} things: {', '.join(several[:5])}{', …' if len(several) > 5 else ''}"
        raise CommandFailed(Exit.USAGE, msg, f"type one of them: h2o describe {several[0]}")
    raise no_match(typed, [*sorted(packages), *sorted(features), *hosts], "list")


def _hosts_to_ask(subject: Subject, view: InstancesView, hosts: HostsView) -> set[str]:
    """Callers may be anywhere; of an instance or a host one host knows all there is."""
    if subject.kind is Kind.HOST:
        return {subject.name}
    if subject.kind in {Kind.INSTANCE, Kind.CHILD}:
        return {subject.host}
    return {each.host for each in hosts.hosts if each.agent or each.host == view.head.host}


def _sections(subject: Subject, known: Known, child: Mapping[str, Any] | None) -> list[Section]:
    match subject.kind:
        case Kind.PACKAGE:
            return pages.package(known, subject.name, child)
        case Kind.FEATURE:
            return pages.feature(known, subject.name)
        case Kind.INSTANCE:
            return pages.instance(known, subject.name, child)
        case Kind.CHILD:
            return pages.child(subject.name, child)
        case Kind.HOST:
            return pages.host(known, subject.name)


def _child(fleet: Fleet, subject: Subject, known: Known, agents: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What the agent says of the process: of a package, of the one that ended last."""
    if subject.kind in {Kind.INSTANCE, Kind.CHILD}:
        return _asked(fleet, agents.get(subject.host, ""), subject.name)
    if subject.kind is not Kind.PACKAGE:
        return None
    ended = [(each.last_exit_s, host, each) for host, each in _children(known.answers, subject.name) if each.exited]
    if not ended:
        return None
    _, host, last = max(ended, key=lambda each: each[:2])
    return _asked(fleet, agents.get(host, ""), last.key)


def _children(answers: Mapping[str, HostStats], package: str) -> Iterable[tuple[str, ChildReport]]:
    for host, answer in answers.items():
        for each in answer.children:
            if shown(each.package) == package:
                yield host, each


def _asked(fleet: Fleet, address: str, which: str) -> Mapping[str, Any] | None:
    """None for what its agent did not start, or when it does not answer (which was said before)."""
    if not address:
        return None
    try:
        return ask(address, f"/children/{quote(which, safe='')}", fleet.timeout_s, fleet.token_of(address))
    except (AgentRefused, AgentUnreachable):
        return None
