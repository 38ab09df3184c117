"""What is decided and noted, for `h2o triage`: from the context's agent, which keeps it; else from ZooKeeper."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange, parse_object
from h2o_console.asking.register import NoRegister, in_register
from h2o_console.cli.output import age
from h2o_console.feed.control import parse_control
from h2o_core.documents import InvalidDocument
from h2o_core.insights import reports
from h2o_core.insights.notes import MEND, NOTES, parse_notes
from h2o_core.insights.picture import Control
from h2o_core.io import audit
from h2o_core.io.changes import read_decided
from h2o_core.io.registry import NoNode

if TYPE_CHECKING:
    from h2o_console.cli.picture import Fleet
    from h2o_core.insights.notes import Note
    from h2o_core.io.registry import Registry

_EVERY_S: Final = 5.0
_ENTRIES: Final = 64
"""Changes that are looked at: what was changed a quarter of an hour ago is seldom further back."""
_BY_HAND: Final = 8
"""Of these, when each of them is a question to ZooKeeper."""
_OLD_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Decided:
    """`control` is None when nobody could say it; `notes` are then the ones that were known before."""

    control: Control | None = None
    notes: tuple[Note, ...] = ()


class ControlReader:
    """Asks for it every five seconds at the most, however often it is read."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._decided = Decided()
        self._etag = ""
        self._asked_s: float | None = None

    def read(self) -> Decided:
        """As it is now; what can't be known is said once."""
        now_s = time.monotonic()
        if self._asked_s is None or now_s - self._asked_s >= _EVERY_S:
            self._asked_s = now_s
            why = self._ask_agent()
            if why and self._fleet.context.zookeeper:
                why = self._ask_register()
            if why:
                self._fleet.say(f"what is decided is not known: {why}", "is ZooKeeper up? h2o doctor")
                self._decided, self._etag = replace(self._decided, control=None), ""
        return self._decided

    def _ask_agent(self) -> str:
        """Why not; empty when it is known now."""
        fleet = self._fleet
        address = fleet.context.agent
        if not address:
            return "the context has neither agent nor ZooKeeper"
        path = f"/control?entries={_ENTRIES}"
        try:
            raw = exchange(address, path, fleet.timeout_s, token=fleet.token_of(address), etag=self._etag)
        except AgentUnreachable as error:
            return str(error)
        if raw.status == 304:
            return ""
        if raw.status == 404:
            return f"the agent at {address} is older, and doesn't tell"
        if raw.status != 200:
            return str(raw.refusal(path))
        try:
            seen = parse_control(parse_object(raw.body), time.monotonic())
        except AgentRefused as error:
            return str(error)
        if seen is None:
            return f"what the agent at {address} says of it can't be read"
        for sentence in seen.unreadable:
            fleet.say(sentence)
        if seen.age_s > _OLD_S:
            fleet.say(f"what is decided may be {age(seen.age_s)} old: ZooKeeper does not answer {address}")
        self._decided, self._etag = Decided(seen.for_insights(), seen.notes), raw.headers.get("etag", "")
        return ""

    def _ask_register(self) -> str:
        """As `_ask_agent`, by whoever has a way to ZooKeeper."""
        try:
            self._decided, damage = in_register(self._fleet.context, self._fleet.timeout_s, _read)
        except NoRegister as error:
            return error.sentence
        except (NoNode, InvalidDocument) as error:
            return str(error)
        if damage:
            self._fleet.say(damage)
        self._etag = ""
        return ""


async def _read(registry: Registry) -> tuple[Decided, str]:
    """And what is to be said of notes that can't be read: what is decided is known all the same."""
    decided = await read_decided(registry)
    of_days = (await audit.days(registry))[:2]
    found = [await audit.entry_of(registry, of_days, change.epoch) for change in decided.changes[-_BY_HAND:]]
    control = Control(
        epoch=decided.epoch,
        traffic=decided.traffic,
        hosts=decided.hosts,
        tiers=decided.settings.tiers.value,
        changes=tuple(reports.changed(entry) for entry in found if entry is not None),
    )
    node = await registry.get(NOTES)
    try:
        return Decided(control, () if node is None else parse_notes(NOTES, node.data)), ""
    except InvalidDocument as error:
        return Decided(control), f"{error}; {MEND}"
