"""What this broker knows of its fleet: documents as they are read or remembered, judged, and told to the switch. Pure.

A document that can't be used changes nothing but the alarms: the last good one stays in force.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from h2o_broker.members import Health
from h2o_broker.register.alarms import Alarms, Kind
from h2o_broker.register.applying import apply
from h2o_broker.register.decisions import Decisions
from h2o_broker.register.freshness import Freshness
from h2o_broker.register.last_known import Document, LastKnown, in_order
from h2o_broker.register.presence import Drop, Presence, Put
from h2o_core.control.hosts import HostControl
from h2o_core.control.settings import FleetSettings
from h2o_core.control.traffic import Traffic
from h2o_core.documents import InvalidDocument
from h2o_core.inventory import Inventory
from h2o_core.names import from_dotted
from h2o_core.register import NodeGone, NodeSeen, Synced
from h2o_core.znodes.live import parse_live
from h2o_core.znodes.packages import parse_package_version
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from h2o_broker.links import Links
    from h2o_broker.register.decisions import Decision, Found, Wanted
    from h2o_broker.register.last_known import Remembered
    from h2o_broker.register.presence import Change
    from h2o_broker.roster import Roster
    from h2o_broker.switch import Switch
    from h2o_core.inventory import Event
    from h2o_core.register import MirrorEvent, Node
    from h2o_core.times import Moment

log = logging.getLogger(__name__)

LIVE: Final = "live"
PACKAGES: Final = "packages"
CONTROL: Final = "control"
FORGET_S: Final = 86_400.0
PARTS: Final = frozenset({LIVE, PACKAGES, CONTROL})


class Known:
    """`presence` says which hosts count, `inventory` what they have, `alarms` what is wrong with the register."""

    def __init__(self, fleet: str, switch: Switch, roster: Roster, links: Links) -> None:
        self._fleet = fleet
        self._switch = switch
        self._roster = roster
        self._links = links
        self._shown = 0
        """The presence's version that is in the picture's."""
        self._documents: dict[str, Document] = {}
        """The last good ones of hosts and packages, by path: with the decisions' documents they make the file."""
        self.paths = Paths(fleet)
        self.standing: set[str] = set()
        """Of packages: the paths of the nodes that stand in the register, as far as it was read."""
        self.presence = Presence(switch.host)
        self.freshness = Freshness(PARTS)
        self.alarms = Alarms()
        self.inventory = Inventory()
        self.decisions = Decisions(self.paths)
        self._stood: set[str] = set()
        """Hosts whose node was seen in the register, and not seen to go."""
        self._vanished: dict[str, float] = {}

    def vanished(self, now_s: float) -> dict[str, float]:
        """Hosts whose node went without their broker's farewell, and when (Unix time). Until they are back, or a day.

        They may be dead, or cut off and route as before: nobody can say from here.
        """
        self._vanished = {host: at_s for host, at_s in self._vanished.items() if now_s - at_s < FORGET_S}
        return self._vanished

    # ------------------------------------------------------------------ the last-known file

    def remember(self, remembered: Remembered, moment: Moment) -> Iterator[None]:
        """Know what the file knows, document by document; the caller goes on when others had their turn."""
        last = remembered.last
        decisions, damaged = self.decisions.remember(last, remembered.decided)
        for problem in (*remembered.problems, *damaged):
            self._switch.oddities.count("invalid_documents")
            log.error("left out of the last-known file: %s", problem)
        self.freshness.remembered(moment.unix_s - last.true_s, moment.monotonic_ns)
        control = {document.path for document in remembered.decided}
        self._documents = {document.path: document for document in last.documents if document.path not in control}
        self._enforce(decisions, moment, remembered=True)
        for version in remembered.versions:
            self._apply(self.inventory.put_version(version), moment)
            yield
        for change in self.presence.remember(remembered.lives):
            self._change([change], moment)
            yield

    def last_known(self, now_s: float) -> LastKnown | None:
        """What the file is to hold; None while that may not be true any more."""
        if not self.freshness.current:
            return None
        hosts = self.inventory.hosts.values()
        used = {self.paths.version(one.package, one.version) for live in hosts for one in live.instances}
        decisions = self.decisions
        documents = in_order(self.paths, (*self._documents.values(), *decisions.documents), used)
        applied, change_id = decisions.applied, decisions.change_id
        return LastKnown(self._fleet, self._switch.host, now_s, decisions.highest, documents, applied, change_id)

    # ------------------------------------------------------------------ the register's events

    def on_live(self, event: MirrorEvent, moment: Moment) -> None:
        """Of the hosts' nodes."""
        match event:
            case Synced():
                self._change(self.presence.synced(moment.monotonic_ns), moment)
                self.freshness.read(LIVE)
            case NodeGone(name=name):
                self.alarms.end(Kind.DOCUMENT, self.paths.live(name))
                self._change(self.presence.gone(name, moment.monotonic_ns), moment)
            case NodeSeen(name=name, data=data):
                self._live_seen(name, data, moment)

    def _live_seen(self, name: str, data: bytes, moment: Moment) -> None:
        path = self.paths.live(name)
        try:
            live = parse_live(path, data)
        except InvalidDocument as error:
            self._bad_document(error, moment)
            self._change(self.presence.unreadable(name), moment)
            return
        self.alarms.end(Kind.DOCUMENT, path)
        self._vanished.pop(name, None)
        if name != self._switch.host:
            self._stood.add(name)
            self._documents[path] = Document(path, data)
        self._change(self.presence.seen(live), moment)

    def on_package(self, event: MirrorEvent, moment: Moment) -> None:
        """Of the manifests' nodes."""
        match event:
            case Synced():
                self._forget_unregistered()
                self.freshness.read(PACKAGES)
            case NodeGone(name=name):
                path = f"{self.paths.packages}/{name}"
                self.standing.discard(path)
                self._documents.pop(path, None)
                self.alarms.end(Kind.DOCUMENT, path)
            case NodeSeen(name=name, data=data, czxid=czxid):
                path = f"{self.paths.packages}/{name}"
                self.standing.add(path)
                try:
                    spec = parse_package_version(path, data, created=czxid)
                except InvalidDocument as error:
                    self._bad_document(error, moment)
                    return
                self.alarms.end(Kind.DOCUMENT, path)
                self._documents[path] = Document(path, data, spec.created)
                self._apply(self.inventory.put_version(spec), moment)

    def _forget_unregistered(self) -> None:
        """Manifests that the file had and the register has not: the next file is without them."""
        for path in list(self._documents):
            if path.startswith(f"{self.paths.packages}/") and path not in self.standing:
                del self._documents[path]

    def decided(self, wanted: Wanted, epoch: Node, found: Found, moment: Moment) -> bool:
        """Of what operators decide: a reading is done (see `Decisions.settle`); False: it has to be done again."""
        before = set(self.decisions.bad.items())
        decisions = self.decisions.settle(wanted, epoch, found)
        if decisions is None:
            return False
        self._enforce(decisions, moment)
        for _ in set(self.decisions.bad.items()) - before:
            self._switch.oddities.count("invalid_documents")
        self.confirmed(moment)
        return True

    def confirmed(self, moment: Moment) -> None:
        """What is in force is what stands in the register."""
        decisions, path = self.decisions, self.paths.epoch
        wrong = self._epoch_problem() | decisions.bad | decisions.gone
        self._sound(Kind.DOCUMENT, wrong, moment.unix_s, below=self.paths.control)
        self.judge(Kind.EPOCH, path, _behind(decisions.seen, decisions.highest), moment.unix_s)
        self.freshness.read(CONTROL)

    def _epoch_problem(self) -> dict[str, str]:
        decisions = self.decisions
        if not decisions.epoch_problem:
            return {}
        rest = f"which changes there were is not known, and epoch {decisions.applied} is what counts as applied"
        return {self.paths.epoch: f"{decisions.epoch_problem}; {rest}"}

    def _enforce(self, decisions: Iterable[Decision], moment: Moment, *, remembered: bool = False) -> None:
        """All of them, before anything else happens; *remembered*: nothing has come to this broker yet."""
        settings: FleetSettings | None = None
        for decision in decisions:
            parent, _, name = decision.path.rpartition("/")
            match decision.value:
                case Traffic() as traffic:
                    self._switch.put_traffic(traffic.package, traffic, moment.monotonic_ns)
                case HostControl() as control:
                    over = remembered and moment.unix_s >= control.since_s + control.grace_s
                    self._switch.put_host_control(control.host, control, over=over)
                case FleetSettings():
                    settings = decision.value
                case None if parent == self.paths.traffics:
                    self._switch.put_traffic(from_dotted(name), None, moment.monotonic_ns)
                case None if parent == self.paths.host_controls:
                    self._switch.put_host_control(name, None)
                case None:
                    settings = FleetSettings()
        self._switch.settle(moment.monotonic_ns)
        if settings is not None:
            self._apply(self.inventory.put_settings(settings), moment)

    # ------------------------------------------------------------------ links and time

    def link(self, host: str, moment: Moment, *, answers: bool) -> None:
        """The link to another broker answers, or does not (any more)."""
        self._change(self.presence.link(host, answers=answers), moment)

    def tick(self, moment: Moment) -> None:
        """Time has come: see `Presence.next_wakeup`."""
        self._change(self.presence.tick(moment.monotonic_ns), moment)

    # ------------------------------------------------------------------ what follows

    def judge(self, kind: Kind, path: str, sentence: str, now_s: float) -> None:
        """It is wrong, with this sentence; "": it is right."""
        if not sentence:
            self.alarms.end(kind, path)
        elif self.alarms.sound(kind, path, sentence, now_s):
            log.error("%s: %s", path, sentence)

    def _bad_document(self, error: InvalidDocument, moment: Moment) -> None:
        self._switch.oddities.count("invalid_documents")
        known = error.path in self._documents
        rest = "what it said before stays in force" if known else "nothing of it is in force"
        self.judge(Kind.DOCUMENT, error.path, f"{error.sentence}; {rest}", moment.unix_s)

    def _change(self, changes: Iterable[Change], moment: Moment) -> None:
        if self._shown != self.presence.version:
            self._shown = self.presence.version
            self._switch.picture_version += 1
        for change in changes:
            match change:
                case Put(live=live):
                    self._apply(self.inventory.put_host(live), moment)
                case Drop(host=host):
                    self._documents.pop(self.paths.live(host), None)
                    self._note_absence(host, moment.unix_s)
                    self._apply(self.inventory.drop_host(host), moment)
        self._sound_kept(moment.unix_s)
        self._sound_repeated(moment.unix_s)

    def _note_absence(self, host: str, now_s: float) -> None:
        peer = self._links.peers.get(host)
        if host in self._stood and (peer is None or peer.health is not Health.LEAVING):
            self._vanished[host] = now_s
        self._stood.discard(host)

    def _sound_repeated(self, now_s: float) -> None:
        known = self._links.instances.repeated
        repeated = {f"{self.paths.live(host)}#{one}": why for (host, one), why in known.items()}
        self._sound(Kind.REPEATED, repeated, now_s)

    def _sound_kept(self, now_s: float) -> None:
        kept = {self.paths.live(live.host): (live, reason) for live, reason in self.presence.kept()}
        self._sound(
            Kind.KEPT,
            {
                path: f"{live.host} is not in the register, and its broker at {live.address} answers: {reason}"
                for path, (live, reason) in kept.items()
            },
            now_s,
        )

    def _sound(self, kind: Kind, wrong: Mapping[str, str], now_s: float, below: str = "/") -> None:
        """Of the paths *below*, these and no others are wrong: path → sentence."""
        for path in self.alarms.paths(kind) - wrong.keys():
            if path.startswith(below):
                self.alarms.end(kind, path)
        for path, sentence in wrong.items():
            self.judge(kind, path, sentence, now_s)

    def _apply(self, events: Iterable[Event], moment: Moment) -> None:
        for event in events:
            apply(event, self._switch, self._roster, self._links, moment.monotonic_ns)


def _behind(epoch: int, seen: int) -> str:
    """What to say of a register whose epoch is behind; "" when it isn't."""
    if epoch >= seen:
        return ""
    return (
        f"the register is at epoch {epoch}, and {seen} was seen here: it was wiped, or restored from an older copy, "
        f"and control changes are lost; look at what is in force and write it again"
    )
