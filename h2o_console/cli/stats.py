"""`h2o stats <id|name>…`: the counters of single instances, read from the agents of their hosts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.cli.completing import measured
from h2o_console.cli.counters import InstanceStats, parse_stats
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.options import Reading, choosing_options, reading
from h2o_console.cli.output import Column, count, milliseconds
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import Page, show
from h2o_console.cli.selection import keep_endpoints, select_instances, short_length
from h2o_console.cli.token import token_for
from h2o_console.cli.views import InstancesView, document_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from h2o_console.cli.counters import Endpoint
    from h2o_console.feed.answers import Instance

COLUMNS: Final = (
    Column("FEATURE"),
    Column("VERSION"),
    Column("ID"),
    Column("HOST"),
    Column("REQUESTS", right=True),
    Column("ERRORS", right=True),
    Column("APP ERRORS", right=True),
    Column("MEAN MS", right=True),
    Column("P50 MS", right=True),
    Column("P95 MS", right=True),
    Column("P99 MS", right=True),
    Column("OUTCOMES", wide=True),
    Column("LAST ERROR"),
)
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the agents answered, and which hosts did not (host → why)."""

    stats: tuple[InstanceStats, ...]
    unreachable: Mapping[str, str]


@click.command("stats")
@click.argument("names", metavar="ID|NAME...", nargs=-1, required=True, shell_complete=measured)
@choosing_options
def command(names: tuple[str, ...], **options: Any) -> Exit:
    """Show what instances did since their brokers started.

    ID is an instance's id or any unique beginning of it; NAME a package, a feature or a glob. Counted at the
    destination: each feature of each instance. JSON follows the field names of NATS' micro services
    (num_requests, num_errors, processing_time in ns, …) and adds quantiles.
    """
    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    return show(lambda: _read(fleet, names, told), told)


def _read(fleet: Fleet, names: Sequence[str], told: Reading) -> Page:
    view = fleet.instances()
    chosen = choose(view.instances, names)
    gathered = gather(addresses(fleet, view, chosen), told.timeout_s, partial(token_for, fleet.context))
    report_missing(chosen, gathered, fleet.say)
    return page(view, chosen, gathered, names, told)


def choose(instances: Sequence[Instance], names: Sequence[str]) -> list[Instance]:
    """The registered instances that any of *names* means; raises CommandFailed when one means none."""
    chosen: dict[str, Instance] = {}
    for name in names:
        found = [each for each in select_instances(instances, name) if each.id]
        if not found:
            msg = f"no instance of {name!r} has registered yet"
            raise CommandFailed(Exit.NO_MATCH, msg, f"see why: h2o list {name}")
        chosen.update((each.id, each) for each in found)
    return sorted(chosen.values(), key=lambda each: (each.package, each.version, each.host, each.id))


def addresses(fleet: Fleet, view: InstancesView, chosen: Sequence[Instance]) -> dict[str, str]:
    """Host → its agent's address, "" when it has none, for the hosts of the *chosen*."""
    wanted = {each.host for each in chosen}
    known: dict[str, str] = {}
    if view.head.source == "agent" and view.head.host in wanted:
        known[view.head.host] = fleet.context.agent
    if wanted - set(known):
        for host in fleet.hosts().hosts:
            if host.host in wanted and host.agent:
                known.setdefault(host.host, f"http://{host.agent}")
    return {host: known.get(host, "") for host in sorted(wanted)}


def gather(agents: Mapping[str, str], timeout_s: float, token_of: Callable[[str], str]) -> Gathered:
    """Ask all *agents* (host → address) for their statistics, many at once; *token_of*: what an address is shown."""
    tokens = [token_of(address) for address in agents.values()]
    if len(agents) == 1:
        answers = [_of_host(host, address, timeout_s, tokens[0]) for host, address in agents.items()]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for more than one host only

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(_of_host, agents, agents.values(), repeat(timeout_s), tokens))
    return Gathered(
        tuple(each for stats, _ in answers for each in stats),
        {host: why for host, (_, why) in zip(agents, answers, strict=True) if why},
    )


def _of_host(host: str, address: str, timeout_s: float, token: str) -> tuple[tuple[InstanceStats, ...], str]:
    if not address:
        return (), "no agent of that host is in the register"
    try:
        document = ask(address, "/stats", timeout_s, token)
    except AgentUnreachable as error:
        return (), str(error)
    except AgentRefused as error:
        return (), f"its agent says: {error.error}"
    answering = document.get("host")
    if answering != host:
        return (), f"the agent at {address} is that of host {answering}"
    return parse_stats(document), ""


def report_missing(chosen: Sequence[Instance], gathered: Gathered, say: Callable[[str, str], None]) -> None:
    """Say which hosts did not answer, and which instances have left in the meantime."""
    there = {each.id for each in gathered.stats}
    for each in chosen:
        if each.id not in there and each.host not in gathered.unreachable:
            sentence = f"{each.package} {each.id} on host {each.host} has left since"
            say(sentence, f"see who is there: h2o list {each.package}")
    for host, why in gathered.unreachable.items():
        say(f"host {host} is missing here: {why}", "is its agent up? h2o hosts")


def page(
    view: InstancesView, chosen: Sequence[Instance], gathered: Gathered, names: Sequence[str], told: Reading
) -> Page:
    """The statistics of the *chosen* in all shapes; leaves with 5 when a host is missing."""
    by_id = {each.id: each for each in gathered.stats}
    found = [_kept(by_id[each.id], names) for each in chosen if each.id in by_id]
    length = (
        max((len(each.id) for each in found), default=0)
        if told.output == "wide"
        else short_length(each.id for each in view.instances)
    )
    missing = [{"host": host, "error": why} for host, why in gathered.unreachable.items()]
    document = document_of(view.head, "instances", [each.document for each in found], unreachable=missing)
    rows = [row(each, endpoint, length) for each in found for endpoint in each.endpoints]
    return Page(COLUMNS, rows, document, [each.id for each in found], Exit.PARTIAL if missing else Exit.OK)


def _kept(stats: InstanceStats, names: Sequence[str]) -> InstanceStats:
    """Fewer endpoints only when all that was typed names features of this package, or other packages."""
    narrowed = [keep_endpoints(stats, name) for name in names]
    fewer = [each for each in narrowed if each is not stats]
    if not fewer or len(fewer) < len(narrowed):
        return stats
    return max(fewer, key=lambda each: len(each.endpoints))


def row(stats: InstanceStats, endpoint: Endpoint, id_length: int) -> tuple[str, ...]:
    """One feature of one instance, in the order of `COLUMNS`."""
    mean_ms = None if endpoint.average_ns is None else endpoint.average_ns / 1e6
    return (
        endpoint.name,
        stats.version,
        stats.id[:id_length],
        stats.host,
        count(endpoint.requests),
        count(endpoint.errors),
        count(endpoint.application_errors),
        milliseconds(mean_ms if endpoint.requests else None),
        milliseconds(endpoint.p50_ms),
        milliseconds(endpoint.p95_ms),
        milliseconds(endpoint.p99_ms),
        outcomes(endpoint),
        endpoint.last_error,
    )


def outcomes(endpoint: Endpoint) -> str:
    """``OK=120,TIMEOUT=1``, the most frequent first."""
    counted: Any = endpoint.document.get("outcomes")
    if not isinstance(counted, dict):
        return ""
    pairs = [(str(key), value) for key, value in counted.items() if isinstance(value, int)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    return ",".join(f"{key}={value}" for key, value in sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
