"""`h2o logs [-f] <name|id|host/child>…`: log lines of many hosts in one order, read from their agents."""

from __future__ import annotations

import os
import sys
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.completing import everything
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.log_forms import Forms
from h2o_console.cli.options import reading, streaming_options
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import write
from h2o_console.cli.remarks import tell
from h2o_console.cli.selection import means_package
from h2o_console.logs.entries import Kind
from h2o_console.logs.question import Question, Target
from h2o_console.logs.shown import sentence
from h2o_console.logs.stream import StreamRefused
from h2o_core.logs import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_console.cli.options import Reading
    from h2o_console.feed.answers import Instance
    from h2o_console.logs.entries import Batch

_TAIL: Final = 100
_TAIL_BEFORE_FOLLOWING: Final = 10
_MANY_HOSTS: Final = 50
"""In a fleet that has more, only hosts where something of that name runs are asked."""
_SEVERITIES: Final = [each.name for each in Severity if each]


@click.command("logs")
@click.argument("names", metavar="[NAME|ID|HOST/CHILD]...", nargs=-1, shell_complete=everything)
@click.option("-f", "--follow", "-w", "--watch", "follow", is_flag=True, help="And then what comes, until Ctrl-C.")
@click.option("--since", default="", metavar="WHEN", help="90s, 10m, 2h, 1d ago, or a time with its zone.")
@click.option("--until", default="", metavar="WHEN", help="As --since.")
@click.option("--tail", type=click.IntRange(0, 100_000), metavar="N", help="The last N lines.  [default: 100]")
@click.option("--grep", default="", metavar="TEXT", help="Lines with TEXT; small letters find capitals too.")
@click.option("--severity", type=click.Choice(_SEVERITIES, case_sensitive=False), help="This or worse.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="Of this host alone; a glob; may be repeated.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
@streaming_options
def command(names: tuple[str, ...], *, follow: bool, hosts: tuple[str, ...], **options: Any) -> Exit:
    """Show log lines, the newest last, from all hosts in one order; without a NAME, of everything.

    NAME is a package (service/customer), a glob or a feature; ID an instance's id or its beginning, also of
    one that has ended; CHILD a process of a host by its key: host-1/broker, host-1/agent,
    host-1/service.customer-3f2a91-1. Times are UTC.

    \b
    h2o logs service/customer --since 10m --severity WARN
    h2o logs -w -o json 3f2a91         an object a line, as they come
    h2o logs --grep KeyError -o name   who wrote such lines: HOST/CHILD, each once

    -o wide has the whole time, package, version, whole id and trace. JSON is an object a line, YAML a document
    for each, with or without --watch.

    Exit codes: 3 no such lines, 4 no agent answers, 5 lines are missing (which and why: on standard error).
    """  # noqa: D301 - \b is click's mark for lines to keep
    import asyncio  # noqa: PLC0415 - `h2o --help` does without

    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s)
    if follow and options["until"]:
        msg = "--follow has no end, --until is one; keep one of them"
        raise click.UsageError(msg)
    targets, question = ask_whom(fleet, names, hosts, _question(options, follow=follow))
    printer = Printer(told, plain=bool(options["no_color"]))
    try:
        asyncio.run(_run(targets, question, printer, told.timeout_s, follow=follow))
    except StreamRefused as refused:
        raise CommandFailed(Exit.USAGE, refused.error, "see how: h2o logs --help") from None
    return printer.exit_code(targets, " ".join(names))


def _question(options: dict[str, Any], *, follow: bool) -> Question:
    tail = options["tail"]
    if tail is None and not options["since"] and not options["until"]:
        tail = _TAIL_BEFORE_FOLLOWING if follow else _TAIL
    return Question(
        severity=(options["severity"] or "").upper(),
        grep=options["grep"],
        since=options["since"],
        until=options["until"],
        tail=tail,
    )


def ask_whom(
    fleet: Fleet, names: Sequence[str], only: Sequence[str], question: Question
) -> tuple[list[Target], Question]:
    """The hosts to ask, and what *names* mean there; raises CommandFailed when one can't mean anything."""
    view = fleet.hosts()
    known = view.hosts
    hosts = [each for each in known if not only or any(fnmatchcase(each.host, glob) for glob in only)]
    if not hosts:
        msg = f"no host is called {' or '.join(map(repr, only))}" if only else "the fleet has no host"
        raise CommandFailed(Exit.NO_MATCH, msg, "see what there is: h2o hosts")
    also: dict[str, tuple[str, ...]] = {}
    rest: list[str] = []
    for name in names:
        host, slash, child = name.partition("/")
        if slash and child and any(each.host == host for each in hosts):
            also[host] = (*also.get(host, ()), child)
        else:
            rest.append(name)
    instances = fleet.instances().instances if rest else ()
    packages, ids, at = meant(instances, rest)
    if also and not rest:
        hosts = [each for each in hosts if each.host in also]
    elif rest and at and len(hosts) > _MANY_HOSTS:
        hosts = [each for each in hosts if each.host in at or each.host in also]
    asked = Question(ids, packages, question.severity, question.grep, question.since, question.until, question.tail)
    near = view.head.host if view.head.source == "agent" else ""
    addresses = {each.host: f"http://{each.agent}" if each.agent else "" for each in hosts}
    addresses.update({near: fleet.context.agent} if near in addresses else {})
    return [
        Target(host, address, fleet.token_of(address) if address else "", also.get(host, ()))
        for host, address in addresses.items()
    ], asked


def meant(instances: Sequence[Instance], names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], set[str]]:
    """Packages, instance ids and the hosts that have them; what nobody has now may have been, and is asked for too."""
    packages: list[str] = []
    ids: list[str] = []
    hosts: set[str] = set()
    for name in names:
        of_package = [each for each in instances if means_package(name, each.package)]
        of_id = [each for each in instances if name and each.id.startswith(name)]
        packages += [each.package for each in of_package]
        hosts |= {each.host for each in (of_package or of_id)}
        if not of_package:
            bare = name.strip("/")
            if not of_id and ("/" in bare or "." in bare):
                packages.append(bare)
            else:
                ids.append(name)
    return tuple(dict.fromkeys(packages)), tuple(dict.fromkeys(ids)), hosts


async def _run(
    targets: Sequence[Target], question: Question, printer: Printer, timeout_s: float, *, follow: bool
) -> None:
    from h2o_console.logs.reading import Places, follow as following, read  # noqa: PLC0415 - as asyncio

    places = Places()
    async with aclosing(read(targets, question, places, silence_s=timeout_s)) as batches:
        async for batch in batches:
            printer.show(batch)
    if not follow or not printer.answering(targets):
        return
    async with aclosing(following(targets, question, places)) as batches:
        async for batch in batches:
            printer.show(batch)


class Printer:
    """Prints batches, and remembers what the exit code is about."""

    def __init__(self, told: Reading, *, plain: bool) -> None:
        terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        colour = terminal and not plain and not os.environ.get("NO_COLOR")
        self._forms = Forms(told.output, heads=told.headers, colour=colour)
        self._lines = 0
        self._lost: set[str] = set()
        self._partial = False

    def show(self, batch: Batch) -> None:
        """Lines to standard output, what is to be said about hosts to standard error."""
        for notice in batch.notices:
            if notice.kind is Kind.LOST:
                self._lost.add(notice.host)
            if notice.kind in {Kind.LOST, Kind.DROPPED, Kind.GAP}:
                self._partial = True
            if notice.kind is not Kind.NOTHING:
                tell(f"host {notice.host}: {sentence(notice)}")
        if batch.lines:
            self._lines += len(batch.lines)
            write(self._forms.text(batch.lines))

    def answering(self, targets: Sequence[Target]) -> bool:
        """Does any of them answer? Else there is nothing to follow."""
        return any(each.host not in self._lost for each in targets)

    def exit_code(self, targets: Sequence[Target], names: str) -> Exit:
        """Of what has been shown; raises CommandFailed when that is nothing."""
        if not self.answering(targets):
            raise CommandFailed(Exit.UNREACHABLE, "no host's agent answers", "are they up? h2o hosts")
        if self._partial:
            return Exit.PARTIAL
        if not self._lines:
            said = f"no log lines of {names}" if names else "no log lines"
            raise CommandFailed(Exit.NO_MATCH, said, "ask for more: --since 1h, no --grep; or see what runs: h2o list")
        return Exit.OK
