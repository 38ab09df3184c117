"""Watches drained hosts until each may be switched off: asks their agents what a power-off would still harm."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.asking.together import answers
from h2o_console.feed.answers import number, objects, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping

ASK_S: Final = 2.0
_EVERY_S: Final = 0.5
_SILENT_S: Final = 10.0
"""Who has not answered for so long is not waited for: it is not going to say that it is safe."""
_AFTER_GRACE_S: Final = 30.0
"""When the grace is over everything has ended but local callers, and the conductor's hand-over."""


@dataclass(frozen=True, slots=True)
class HostDrain:
    """How far one host has come. `remains`: what a power-off would harm, in sentences. `heard`: its agent answered."""

    host: str
    safe: bool = False
    remains: tuple[str, ...] = ()
    in_flight: int = 0
    queued: int = 0
    callers: int = 0
    grace_left_s: float = 0.0
    heard: bool = True


def of_answer(host: str, document: Mapping[str, Any]) -> HostDrain:
    """What `/drain` says; an answer of another host, or none that can be read, is not safe."""
    if text(document, "host") != host:
        return HostDrain(host, remains=(f"the agent at its address is that of host {text(document, 'host')}",))
    said: Any = document.get("remains")
    sentences = cast("list[Any]", said) if isinstance(said, list) else []
    remains = tuple(one for one in sentences if isinstance(one, str))
    safe = document.get("safe") is True and not remains
    return HostDrain(
        host=host,
        safe=safe,
        remains=remains if remains or safe else ("its agent does not say that it is safe",),
        in_flight=whole(document, "in_flight") or 0,
        queued=whole(document, "queued") or 0,
        callers=sum(one.get("sends") is True for one in objects(document, "callers")),
        grace_left_s=number(document, "grace_left_s") or 0.0,
    )


def far(found: list[HostDrain]) -> str:
    """How far they have come, in one line."""
    left = [one for one in found if not one.safe]
    if len(found) == 1 or len(left) == 1:
        (one,) = left or found
        if not one.heard:
            return f"{one.host}: {one.remains[0]}"
        left_s = f" · {one.grace_left_s:.0f} s left" if one.grace_left_s and one.in_flight else ""
        return f"{one.host}: in flight {one.in_flight} · queued {one.queued} · local callers {one.callers}{left_s}"
    in_flight, callers = sum(one.in_flight for one in left), sum(one.callers for one in left)
    return f"{len(found) - len(left)}/{len(found)} hosts safe · in flight {in_flight} · local callers {callers}"


def watch(
    hosts: Collection[str], agents: Mapping[str, str], token_of: Callable[[str], str], grace_s: float
) -> Generator[list[HostDrain]]:
    """How the *hosts* stand, again and again, until all are safe, or it is of no use to wait any longer."""
    tokens = {host: token_of(agents[host]) for host in hosts if agents.get(host)}
    began_s = time.monotonic()
    heard_s = dict.fromkeys(hosts, began_s)
    while True:
        found = {one[0]: one[1] for one in answers(hosts, lambda host: _of(host, agents, tokens)) if one is not None}
        now_s = time.monotonic()
        heard_s |= {host: now_s for host, one in found.items() if one.heard}
        yield [found[host] for host in hosts]
        waiting = [host for host, one in found.items() if not one.safe and now_s - heard_s[host] < _SILENT_S]
        if not waiting or now_s - began_s > grace_s + _AFTER_GRACE_S:
            return
        time.sleep(_EVERY_S)


def _of(host: str, agents: Mapping[str, str], tokens: Mapping[str, str]) -> HostDrain:
    if host not in tokens:
        why = "its agent is not in the register"
    else:
        try:
            return of_answer(host, ask(agents[host], "/drain", ASK_S, tokens[host]))
        except AgentUnreachable as error:
            why = str(error)
        except AgentRefused as error:
            why = f"its agent says: {error.error}"
    return HostDrain(host, remains=(f"what runs there is not known: {why}",), heard=False)
