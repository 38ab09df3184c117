"""What `h2o stats` does: which instances are meant, what their agents say, once or twice, and the page of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.asking.hoststats import Gathered, gather
from h2o_console.cli.counting import (
    By,
    Counted,
    Group,
    application_errors_of,
    between,
    errors_of,
    group_document,
    grouped,
    instance_documents,
    mean_ms,
    most_frequent,
    quantile_ms,
    since_start,
)
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Column, count, milliseconds, rate
from h2o_console.cli.printing import Page
from h2o_console.cli.reported import counts_of
from h2o_console.cli.selection import means_feature, select_instances, short_length
from h2o_console.cli.views import document_of
from h2o_console.measured import SINCE_START, last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_console.cli.options import Reading
    from h2o_console.cli.picture import Fleet
    from h2o_console.cli.views import HostsView, InstancesView
    from h2o_console.feed.answers import Instance

HEADS: Final[dict[By, tuple[str, ...]]] = {
    By.INSTANCE: ("FEATURE", "VERSION", "ID", "HOST"),
    By.FEATURE: ("FEATURE",),
    By.VERSION: ("PACKAGE", "VERSION"),
    By.PACKAGE: ("PACKAGE",),
    By.HOST: ("HOST",),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What was counted, by whom, and whose part is missing (host → why). `window_s` is None since the start."""

    view: InstancesView
    counted: Sequence[Counted]
    unreachable: dict[str, str]
    window_s: float | None


class Sampler:
    """Reads the counters of what *names* mean; with a window it keeps the last reading for the next difference."""

    def __init__(self, fleet: Fleet, names: Sequence[str], window_s: float | None) -> None:
        self._fleet = fleet
        self._names = names
        self._window_s = window_s
        self._last: Gathered | None = None
        self._last_s = 0.0

    def read(self) -> Sample:
        """Since the start, or over a window, which it waits for; raises CommandFailed."""
        if self._window_s is not None:
            self._wait(self._window_s)
        view, chosen, gathered = self._gather()
        report_missing(chosen, gathered, self._fleet)
        later = {host: counts_of(answer) for host, answer in gathered.answers.items() if answer.HasField("report")}
        unreachable = {
            **gathered.unreachable,
            **{host: answer.broker_problem for host, answer in gathered.answers.items() if host not in later},
        }
        if self._window_s is None:
            counted = since_start(later.values())
        else:
            earlier = {host: counts_of(answer) for host, answer in self._last.answers.items()} if self._last else {}
            counted = between(earlier, later)
            unreachable |= dict.fromkeys(later.keys() - earlier.keys(), "it did not answer the first reading")
            self._last, self._last_s = gathered, time.monotonic()
        ids = {each.id for each in chosen}
        return Sample(view, [one for one in counted if self._is_meant(one, ids)], unreachable, self._window_s)

    def _wait(self, window_s: float) -> None:
        if self._last is None:
            _, chosen, self._last = self._gather()
            self._last_s = time.monotonic()
            if not chosen:
                return
        time.sleep(max(0.0, self._last_s + window_s - time.monotonic()))

    def _gather(self) -> tuple[InstancesView, list[Instance], Gathered]:
        view = self._fleet.instances()
        chosen = choose(view.instances, self._names)
        return view, chosen, gather(addresses(self._fleet, view, chosen), self._fleet.timeout_s, self._fleet.token_of)

    def _is_meant(self, one: Counted, ids: set[str]) -> bool:
        """Fewer features only when all that was typed names features of this package, or other packages."""
        if one.instance.id not in ids:
            return False
        package, feature = one.instance.package, one.endpoint.feature
        narrow = [means_feature(name, package, feature) for name in self._names]
        return not narrow or None in narrow or True in narrow


def choose(instances: Sequence[Instance], names: Sequence[str]) -> list[Instance]:
    """The registered instances that any of *names* means, all without one; raises CommandFailed when one means none."""
    chosen: dict[str, Instance] = {}
    for name in names:
        found = [each for each in select_instances(instances, name) if each.id]
        if not found:
            msg = f"no instance of {name!r} has registered yet"
            raise CommandFailed(Exit.NO_MATCH, msg, f"see why: h2o list {name}")
        chosen.update((each.id, each) for each in found)
    meant = chosen.values() if names else [each for each in instances if each.id]
    return sorted(meant, key=lambda each: (each.package, each.version, each.host, each.id))


def addresses(fleet: Fleet, view: InstancesView, chosen: Sequence[Instance]) -> dict[str, str]:
    """Host → its agent's address, "" when it has none, for the hosts of the *chosen*."""
    wanted = {each.host for each in chosen}
    known = {view.head.host: fleet.context.agent} if view.head.source == "agent" else {}
    if wanted - known.keys():
        known = {**host_addresses(fleet, fleet.all_hosts()), **known}
    return {host: known.get(host, "") for host in sorted(wanted)}


def host_addresses(fleet: Fleet, hosts: HostsView) -> dict[str, str]:
    """Host → its agent's address, "" when it has none; the one that was asked is asked again the same way."""
    known = {each.host: f"http://{each.agent}" if each.agent else "" for each in hosts.hosts}
    if hosts.head.source == "agent" and hosts.head.host in known:
        known[hosts.head.host] = fleet.context.agent
    return known


def report_missing(chosen: Sequence[Instance], gathered: Gathered, fleet: Fleet) -> None:
    """Say which hosts did not answer, and which instances have left in the meantime."""
    there = {one.instance for answer in gathered.answers.values() for one in answer.report.instances}
    for host, answer in gathered.answers.items():
        if not answer.HasField("report"):
            fleet.say(f"host {host} is missing here: {answer.broker_problem}", "is it coming back? h2o hosts")
    for each in chosen:
        answer = gathered.answers.get(each.host)
        if answer is not None and answer.HasField("report") and each.id not in there:
            sentence = f"{each.package} {each.id} on host {each.host} has left since"
            fleet.say(sentence, f"see who is there: h2o list {each.package}")
    for host, why in gathered.unreachable.items():
        fleet.say(f"host {host} is missing here: {why}", "is its agent up? h2o hosts")


def page(sample: Sample, by: By, told: Reading) -> Page:
    """The statistics in all shapes; leaves with 5 when a host is missing."""
    head = sample.view.head
    groups = grouped(sample.counted, by)
    missing = [{"host": host, "error": why} for host, why in sample.unreachable.items()]
    more = {"window_s": sample.window_s, "unreachable": missing}
    if by is By.INSTANCE:
        document = document_of(head, "instances", instance_documents(sample.counted), **more)
        names = list(dict.fromkeys(group.key[2] for group in groups))
    else:
        parts = [part.lower() for part in HEADS[by]]
        document = document_of(head, "groups", [group_document(each, parts) for each in groups], by=by.value, **more)
        names = ["@".join(group.key) for group in groups]
    code = Exit.PARTIAL if missing else Exit.OK
    return Page(columns(by, sample.window_s), rows(sample, groups, by, told), document, names, code)


def columns(by: By, window_s: float | None) -> tuple[Column, ...]:
    """What a table of that grouping shows, measured over so many seconds, or since the start (None)."""
    over = SINCE_START if window_s is None else last(window_s)
    counted = ("REQUESTS", *(() if window_s is None else ("RPS",)), "ERRORS", "APP ERRORS")
    times = ("MEAN MS", "P50 MS", "P95 MS", "P99 MS")
    return (
        *map(Column, HEADS[by]),
        *(() if by is By.INSTANCE else (Column("INSTANCES", right=True),)),
        *(Column(head, right=True, over=over) for head in (*counted, *times)),
        Column("OUTCOMES", wide=True, over=over),
        Column("LAST ERROR"),
    )


def rows(sample: Sample, groups: Sequence[Group], by: By, told: Reading) -> list[tuple[str, ...]]:
    """A line a group, in the order of `columns`."""
    ids = [each.id for each in sample.view.instances]
    length = max(map(len, ids), default=0) if told.output == "wide" else short_length(ids)
    return [
        (
            *((*group.key[:2], group.key[2][:length], group.key[3]) if by is By.INSTANCE else group.key),
            *(() if by is By.INSTANCE else (count(len(group.ids)),)),
            *figures(group, window=sample.window_s is not None),
            group.last_error,
        )
        for group in groups
    ]


def figures(group: Group, *, window: bool) -> tuple[str, ...]:
    """From REQUESTS to OUTCOMES; "-" for what is unknown."""
    known = group.known
    tally = group.tally
    return (
        count(tally.requests if known else None),
        *((rate(group.per_s),) if window else ()),
        count(errors_of(tally) if known else None),
        count(application_errors_of(tally) if known else None),
        milliseconds(mean_ms(tally)),
        *(milliseconds(quantile_ms(tally, q)) for q in (0.5, 0.95, 0.99)),
        most_frequent(tally.outcomes),
    )
