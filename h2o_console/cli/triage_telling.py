"""Who is told when a finding opens, gets worse or closes: a command, a webhook; the looking waits for neither."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.remarks import tell
from h2o_console.cli.triage_page import subject_of
from h2o_console.telling.channel import Channel
from h2o_console.telling.hook import Hook
from h2o_console.telling.kept import Kept
from h2o_console.telling.notices import Facts
from h2o_console.telling.webhook import Webhook
from h2o_core.context import short_hash
from h2o_core.insights.finding import Severity
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.cli.triage_watch import Look
    from h2o_console.telling.notices import Notice
    from h2o_core.context import Context
    from h2o_core.insights.grouping import Group

BLIND_S: Final = 120.0
"""Who can't look for so long says that: otherwise nobody would know that nobody looks."""
BLIND: Final = "00000000"
_LAST_WORDS_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options say; "" for what is not wanted. `state`: the file that says what was told before."""

    on_change: str = ""
    webhook: str = ""
    token_file: str = ""
    least: Severity = Severity.TICKET
    state: str = ""

    @property
    def anybody(self) -> bool:
        """Somebody is to be told."""
        return bool(self.on_change or self.webhook)


class Telling:
    """`see` each look, or `blind` where there was none; `stop` at the end."""

    def __init__(self, wish: Wish, context: Context) -> None:
        """Begins to tell; raises CommandFailed when the options can't be meant."""
        self._least = wish.least
        self._fleet = context.fleet
        self._kept = Kept(Path(wish.state) if wish.state else _state_file(context), tell)
        if wish.anybody:
            self._kept.read()
        self._causes: dict[str, Facts] = {}
        self._open: set[str] = set()
        self._seen_s = time.monotonic()
        self._channels = [self._channel(name, call) for name, call in _ways(wish).items()]
        for channel in self._channels:
            channel.start()

    def _channel(self, name: str, call: Callable[[Notice], None]) -> Channel:
        return Channel(f"the {name}", call, tell, self._kept.told(name), lambda told: self._kept.keep(name, told))

    def see(self, look: Look) -> None:
        """How it is now."""
        self._fleet = look.head.fleet or self._fleet
        self._seen_s = time.monotonic()
        self._causes = causes_of(look, self._least)
        self._open = {key.id for key in look.findings.open}
        self._compare()

    def blind(self, why: str) -> None:
        """Nobody knows how it is now."""
        silent_s = time.monotonic() - self._seen_s
        if silent_s >= BLIND_S:
            sentence = f"nobody looks at the fleet: {why}"
            self._causes[BLIND] = Facts(
                self._fleet, BLIND, "no look", "fleet", {}, Severity.PAGE, sentence, unix_s() - silent_s
            )
            self._open.add(BLIND)
        self._compare()

    def _compare(self) -> None:
        for channel in self._channels:
            channel.see(self._causes, self._open, unix_s())

    def stop(self) -> None:
        """What is just being told has two seconds."""
        for channel in self._channels:
            channel.stop(_LAST_WORDS_S)


def causes_of(look: Look, least: Severity) -> dict[str, Facts]:
    """What is to be told of, by id: causes that are not muted, and at least so severe."""
    return {one.cause.key.id: _facts(one, look) for one in look.news.groups if one.severity >= least}


def _facts(one: Group, look: Look) -> Facts:
    cause = one.cause
    standing = look.findings.open[cause.key]
    return Facts(
        fleet=look.head.fleet,
        id=cause.key.id,
        kind=cause.kind.value,
        name=str(cause.subject),
        subject=subject_of(cause.subject),
        severity=one.severity,
        sentence=one.sentence(look.picture.now_s),
        since_s=standing.since_s,
        hurt_per_s=one.hurt_per_s,
        explains=len(one.symptoms),
        command=cause.action.command if cause.action is not None else "",
        owner=standing.acknowledged.owner if standing.acknowledged is not None else "",
    )


def _ways(wish: Wish) -> dict[str, Callable[[Notice], None]]:
    ways: dict[str, Callable[[Notice], None]] = {}
    if wish.on_change:
        ways["command"] = Hook(wish.on_change)
    if wish.webhook:
        try:
            ways["webhook"] = Webhook(wish.webhook, _token(wish.token_file))
        except ValueError as error:
            raise CommandFailed(Exit.USAGE, str(error)) from None
    return ways


def _token(path: str) -> str:
    try:
        token = Path(path).expanduser().read_text().strip() if path else ""
    except (OSError, ValueError) as error:
        msg = f"--webhook-token-file {path} can't be read: {error}"
        raise CommandFailed(Exit.USAGE, msg) from None
    if not token.isascii() or not (token.isprintable() or not token):
        raise CommandFailed(Exit.USAGE, f"--webhook-token-file {path} has more in it than a token in one line")
    return token


def _state_file(context: Context) -> Path:
    """systemd's, where that started us; else this user's."""
    base = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if not base:
        home = os.environ.get("XDG_STATE_HOME") or str(
            Path(os.environ.get("HOME") or "~").expanduser() / ".local/state"
        )
        base = str(Path(home) / "h2o")
    return Path(base) / f"triage-{short_hash(f'{context.agent}/{context.zookeeper}/{context.fleet}')}.json"
