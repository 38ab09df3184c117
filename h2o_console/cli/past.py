"""What `h2o timeline` does: reads journal and agents, puts what happened in one order, also as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.acting.request import SHOWN_DIGITS, sentence
from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange
from h2o_console.asking.hoststats import PROTOBUF
from h2o_console.asking.together import answers
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.moments import ago
from h2o_console.cli.output import Column, one_line, render_table
from h2o_console.cli.printing import Page
from h2o_console.cli.recorded import called
from h2o_console.cli.register import check_register, in_register, read_agents
from h2o_console.cli.remarks import tell
from h2o_console.cli.token import token_for
from h2o_console.commands.happened import Event, Kind, events_of
from h2o_console.commands.journal import Wanted, newest_first
from h2o_console.feed.answers import SCHEMA
from h2o_core.io.calls import read_calls
from h2o_core.io.clock import rfc3339, unix_s
from h2o_core.names import from_operator, matches, package_of, shown
from h2o_core.pb.host_pb2 import History
from h2o_core.times import clock

if TYPE_CHECKING:
    from h2o_console.cli.output import Style
    from h2o_core import calls
    from h2o_core.audit import Entry
    from h2o_core.context import Context
    from h2o_core.io.registry import Registry

_MOST_CALLS: Final = 10_000
_FINE_S: Final = 3600.0
"""So far back agents remember tens of seconds; further back minutes."""
_MARKED: Final = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
COLUMNS: Final = (
    Column("TIME UTC"),
    Column("LASTED", right=True),
    Column("KIND"),
    Column("SUBJECT"),
    Column("BY"),
    Column("WHAT"),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when until when, Unix times."""

    since_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class About:
    """Globs; "" for everything."""

    package: str
    host: str


def stretch(since: str, until: str) -> Stretch:
    """What was typed; raises CommandFailed."""
    now_s = unix_s()
    found = Stretch(ago("--since", since, now_s), ago("--until", until, now_s) if until else now_s)
    if found.since_s >= found.until_s:
        msg = f"--since {since} is not before --until {until}"
        raise CommandFailed(Exit.USAGE, msg, "h2o timeline --since 14:00 --until 15:30")
    return found


def page(context: Context, timeout_s: float, meant: Stretch, about: About, *, markdown: bool) -> Page:
    """Everything that happened; raises CommandFailed. Leaves with 5 when a host is missing."""
    check_register(context)

    async def read(registry: Registry) -> tuple[list[Event], dict[str, str]]:
        wanted = Wanted(about.package, about.host, since_s=meant.since_s, until_s=meant.until_s)
        entries = [one async for one in newest_first(registry, meant.since_s, tell) if wanted.means(one)]
        made = await read_calls(registry, meant.since_s, until_s=meant.until_s, most=_MOST_CALLS)
        decided = [*map(_decided, entries), *(_called(one) for one in made if wanted.means_call(one))]
        return decided, await read_agents(registry)

    decided, agents = in_register(context, timeout_s, read)
    histories, missing = _remembered(context, agents, meant, timeout_s)
    for host, why in missing.items():
        tell(f"host {host} is missing here: {why}", "is its agent up? h2o hosts")
    events = [one for one in events_of(histories, meant.since_s, meant.until_s) if _meant(one, about)]
    events = sorted([*decided, *events], key=lambda one: one.at_s)
    return events_page(context.fleet, events, meant, missing, markdown=markdown)


def _remembered(
    context: Context, agents: dict[str, str], meant: Stretch, timeout_s: float
) -> tuple[dict[str, History], dict[str, str]]:
    """Host → what it remembers; host → why it says nothing."""
    fine = meant.since_s >= unix_s() - _FINE_S
    path = f"/history?resolution={'10s' if fine else '60s'}&since={meant.since_s:.0f}"
    tokens = {address: token_for(context, address) for address in agents.values()}

    def ask(host: str) -> History | str:
        address = agents[host]
        try:
            raw = exchange(address, path, timeout_s, accept=PROTOBUF, token=tokens[address])
            if raw.status != 200:
                raise raw.refusal(path)
            found = History.FromString(raw.body)
        except (AgentUnreachable, AgentRefused) as error:
            return str(error)
        except DecodeError:
            return "what it answers is no history: is its agent older or newer? h2o version"
        return found

    said = dict(one for one in answers(agents, ask) if one is not None)
    histories = {host: one for host, one in sorted(said.items()) if not isinstance(one, str)}
    return histories, {host: one for host, one in sorted(said.items()) if isinstance(one, str)}


def _decided(entry: Entry) -> Event:
    why = f" ({entry.author.reason})" if entry.author.reason else ""
    undone = f"undoes {entry.undo_of[:SHOWN_DIGITS]}: " if entry.undo_of else ""
    forced = "forced: " if entry.forced else ""
    what = f"{undone}{forced}{sentence(entry)}{why}"
    return Event(entry.at_s, Kind.CHANGE, entry.change_id[:SHOWN_DIGITS], what, entry.author.actor)


def _called(one: calls.Entry) -> Event:
    why = f" ({one.call.author.reason})" if one.call.author.reason else ""
    subject = shown(package_of(one.call.feature))
    return Event(one.call.at_s, Kind.CALL, subject, f"{called(one)}{why}", one.call.author.actor)


def _meant(event: Event, about: About) -> bool:
    name = event.subject.partition(" ")[0]
    if event.kind is Kind.GAP:
        return not about.package and fnmatchcase(name, about.host or "*")
    if about.host and event.kind is Kind.INSTANCES and not fnmatchcase(event.what.rpartition(" ")[2], about.host):
        return False
    return not about.package or matches(about.package, from_operator(name))


def events_page(
    fleet: str, events: list[Event], meant: Stretch, missing: dict[str, str], *, markdown: bool = False
) -> Page:
    """A line an event."""
    rows = [
        (
            clock(one.at_s, meant.until_s),
            f"{one.until_s - one.at_s:.0f} s" if one.until_s else "",
            one.kind.value,
            one.subject,
            one.by,
            one.what,
        )
        for one in events
    ]
    document = {
        "schema": SCHEMA,
        "fleet": fleet,
        "since": rfc3339(meant.since_s),
        "until": rfc3339(meant.until_s),
        "events": [
            {
                "at": rfc3339(one.at_s),
                "until": rfc3339(one.until_s) if one.until_s else None,
                "kind": one.kind.value,
                "subject": one.subject,
                "by": one.by or None,
                "what": one.what,
            }
            for one in events
        ],
        "unreachable": [{"host": host, "error": why} for host, why in missing.items()],
    }
    head = f"{fleet}, {rfc3339(meant.since_s)} to {rfc3339(meant.until_s)}"

    def text(style: Style) -> str:
        return to_markdown(head, rows) if markdown else render_table(COLUMNS, rows, style)

    code = Exit.PARTIAL if missing else Exit.OK
    return Page(COLUMNS, rows, document, [one.subject for one in events], code, text=text)


def to_markdown(head: str, rows: list[tuple[str, ...]]) -> str:
    """A table to paste; what names and reasons hold is text there, never a link, a tag or another cell."""
    heads = [column.head for column in COLUMNS]
    lines = [f"Timeline of {_marked(head)}", "", _line(heads), _line(["---"] * len(heads))]
    return "\n".join([*lines, *(_line([_marked(cell) for cell in row]) for row in rows)]) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(cell: str) -> str:
    return _MARKED.sub(r"\\\1", one_line(cell))
