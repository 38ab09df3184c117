"""What `h2o triage` reads: the fleet's picture, agents' counters again and again, their history, what is decided."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from h2o_console.asking.agent import AgentUnreachable, exchange
from h2o_console.asking.hoststats import PROTOBUF, gather
from h2o_console.cli.reported import counts_of
from h2o_console.cli.statistics import host_addresses
from h2o_console.cli.triage_control import ControlReader
from h2o_console.cli.triage_picture import Looked, picture_of
from h2o_core.insights.standing import Findings
from h2o_core.io.clock import unix_s
from h2o_core.pb.host_pb2 import History

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2o_console.asking.hoststats import Gathered
    from h2o_console.cli.picture import Fleet
    from h2o_console.cli.reported import HostCounts
    from h2o_console.feed.answers import Head, Instance
    from h2o_core.insights.notes import Note
    from h2o_core.insights.picture import Control, Picture
    from h2o_core.insights.standing import News
    from h2o_core.pb.host_pb2 import HostStats

WINDOW_S: Final = 60.0
"""Over so long callers and features are counted, once it was watched for so long."""
PAST_S: Final = 900.0
HISTORY_EVERY_S: Final = 10.0
_FEATURES_EVERY_S: Final = 30.0
_IDLE_TIMES: Final = 9.0
"""A look is followed by so many times the processor time it took: watching takes a tenth of a core at the most."""
_LONGEST_PAUSE_S: Final = 10.0
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Look:
    """One look; `findings` remember what was open before. `unreachable`: host → why it says nothing.

    `notes`: those that hold. `data_age_s`: of the oldest counters that were used.
    """

    head: Head
    picture: Picture
    news: News
    findings: Findings
    notes: tuple[Note, ...]
    unreachable: Mapping[str, str]
    data_age_s: float


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    counts: Mapping[str, HostCounts]


class Watcher:
    """Looks at the whole fleet; the first look takes *every_s*, for rates are differences."""

    def __init__(self, fleet: Fleet, every_s: float) -> None:
        self._fleet = fleet
        self._every_s = every_s
        self._samples: deque[_Sample] = deque()
        self._heard: dict[str, float] = {}
        self._behind: dict[str, float] = {}
        self._histories: dict[str, History] = {}
        self._history_s = 0.0
        self._control = ControlReader(fleet)
        self._features: Sequence[Mapping[str, Any]] = ()
        self._features_of: frozenset[tuple[str, str]] | None = None
        self._features_s = 0.0
        self._findings = Findings()
        self._next_s = 0.0

    def look(self) -> Look:
        """Read everything once more; the counters, the first time, twice. Raises CommandFailed."""
        fleet = self._fleet
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        began_s = time.process_time()
        view, hosts = fleet.instances(), fleet.all_hosts()
        agents = host_addresses(fleet, hosts)
        decided = self._control.read()
        if not self._samples:
            self._gather(agents, decided.control)
            self._read_history(agents)
            time.sleep(max(0.0, self._samples[0].at_s + self._every_s - time.monotonic()))
            view = fleet.instances()
            decided = self._control.read()
        gathered = self._gather(agents, decided.control)
        self._read_history(agents)
        last = self._samples[-1]
        looked = Looked(
            now_s=unix_s(),
            instances=view.instances,
            hosts=hosts.hosts,
            features=self._read_features(view.instances),
            stats=gathered.answers,
            unreachable=gathered.unreachable,
            earlier=self._samples[0].counts,
            counts=last.counts,
            histories=self._histories,
            silent_s={host: last.at_s - at_s for host, at_s in self._heard.items()},
            behind_s=self._lagging(gathered.answers, last.at_s, decided.control),
            control=decided.control,
        )
        oldest_s = max((each.report_age_s for each in gathered.answers.values()), default=0.0)
        picture = picture_of(looked)
        self._findings.noted(decided.notes)
        news = self._findings.see(picture)
        now_s = time.monotonic()
        self._next_s = now_s + min(_LONGEST_PAUSE_S, _IDLE_TIMES * (time.process_time() - began_s))
        notes = tuple(one for one in decided.notes if one.until_s > looked.now_s)
        age_s = oldest_s + now_s - last.at_s
        return Look(view.head, picture, news, self._findings, notes, gathered.unreachable, age_s)

    def _gather(self, agents: Mapping[str, str], control: Control | None) -> Gathered:
        """All counters; the first and the last reading of the window are kept."""
        at_s = time.monotonic()
        gathered = gather(agents, self._fleet.timeout_s, self._fleet.token_of)
        counts = {host: counts_of(each) for host, each in gathered.answers.items() if each.HasField("report")}
        self._heard |= dict.fromkeys(gathered.answers, at_s)
        self._samples.append(_Sample(at_s, counts))
        while len(self._samples) > 2 and self._samples[1].at_s <= at_s - WINDOW_S:
            self._samples.popleft()
        self._lagging(gathered.answers, at_s, control)
        return gathered

    def _lagging(self, stats: Mapping[str, HostStats], now_s: float, control: Control | None) -> dict[str, float]:
        """Host → how long it has been behind the newest epoch that anybody knows."""
        epochs = {host: each.report.epoch for host, each in stats.items() if each.HasField("report")}
        newest = max((*epochs.values(), control.epoch if control else 0), default=0)
        behind = {host for host, epoch in epochs.items() if epoch < newest}
        self._behind = {host: self._behind.get(host, now_s) for host in behind}
        return {host: now_s - since_s for host, since_s in self._behind.items()}

    def _read_history(self, agents: Mapping[str, str]) -> None:
        """Of all hosts that answer; they write a point each ten seconds."""
        now_s = time.monotonic()
        if self._histories and now_s - self._history_s < HISTORY_EVERY_S:
            return
        self._history_s = now_s
        asked = {host: agents[host] for host in self._samples[-1].counts if agents.get(host)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._histories = dict(zip(asked, pool.map(self._history, asked.values()), strict=True))

    def _history(self, address: str) -> History:
        """Empty when it can't be read: then its past is not known, and nothing else."""
        path = f"/history?resolution=10s&kind=package&since={unix_s() - PAST_S:.0f}"
        fleet = self._fleet
        try:
            raw = exchange(address, path, fleet.timeout_s, accept=PROTOBUF, token=fleet.token_of(address))
            return History.FromString(raw.body if raw.status == 200 else b"")
        except (AgentUnreachable, DecodeError):
            return History()

    def _read_features(self, instances: Sequence[Instance]) -> Sequence[Mapping[str, Any]]:
        """All features; what they promise is declared once for a version, and seldom read."""
        versions = frozenset((one.package, one.version) for one in instances)
        now_s = time.monotonic()
        if versions != self._features_of or now_s - self._features_s >= _FEATURES_EVERY_S:
            self._features = self._fleet.features()
            self._features_of, self._features_s = versions, now_s
        return self._features
