"""Waits until every broker applies a change: asks each host's agent, all at once, and names who does not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, fetch
from h2o_console.asking.together import answers
from h2o_console.feed.answers import objects, text
from h2o_core.figures import many

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_LATE_S: Final = 2.0
"""An agent answers at its time-out; so much later it does not any more."""
_MOST_S: Final = 60.0
"""Longer an agent lets nobody wait; then it is asked again."""
_NOT_YET: Final = 408


@dataclass(frozen=True, slots=True)
class Everybody:
    """Who applies it, and who does not: host → why. `acknowledged`: the operator answers for those, host → why."""

    hosts: int
    behind: Mapping[str, str]
    acknowledged: Mapping[str, str] = field(default_factory=dict[str, str])

    def sentence(self, epoch: int) -> str:
        """For people."""
        answered_for = f"; you answer for {', '.join(self.acknowledged)}" if self.acknowledged else ""
        applied = self.hosts - len(self.behind) - len(self.acknowledged)
        if applied == self.hosts:
            return f"epoch {epoch} is applied by {'the one broker' if applied == 1 else f'all {applied} brokers'}"
        named = "".join(f"; {host}: {why}" for host, why in sorted(self.behind.items()))
        return f"epoch {epoch} is applied by {applied}/{many(self.hosts, 'broker')}{answered_for}{named}"


def wait_for_all(
    agents: Mapping[str, str],
    epoch: int,
    paths: Collection[str],
    timeout_s: float,
    token_of: Callable[[str], str],
    *,
    acknowledged: Collection[str] = (),
    progress: Callable[[int, Collection[str]], None] | None = None,
) -> Everybody:
    """Ask *agents* (host → address, "" when it is not known) until they apply *epoch*, for *timeout_s* at most.

    A broker that applies it except one of *paths* does not count, and none whose node went without a farewell, as
    brokers remember: it may be cut off. Who does not count and is *acknowledged* is not behind: an operator knows that
    it is off. *progress* is told now and then how many apply it, and of whom nothing is known yet.
    """
    tokens = {address: token_of(address) for address in set(agents.values()) if address}

    deadline_s = time.monotonic() + timeout_s
    gone: dict[str, str] = {}

    def ask(host: str) -> str:
        address = agents[host]
        if not address:
            return "its agent is not in the register, and its broker may route as before"
        while True:
            within_s = min(_MOST_S, max(0.0, deadline_s - time.monotonic()))
            try:
                path = f"/epoch?at_least={epoch}&timeout={within_s:.3f}"
                said = fetch(address, path, within_s + _LATE_S, tokens[address])
            except (AgentUnreachable, AgentRefused) as error:
                return f"{error}; its broker may route as before"
            if said.status != _NOT_YET or time.monotonic() >= deadline_s:
                gone.update(vanished(said.document))
                return verdict(said.status, said.document, host, epoch, paths)

    why: dict[str, str] = {}
    for answer in answers(agents, ask):
        if answer is not None:
            why[answer[0]] = answer[1]
        if progress is not None:
            progress(sum(not sentence for sentence in why.values()), [host for host in agents if why.get(host, "?")])
    why |= {host: sentence for host, sentence in gone.items() if host not in agents}
    behind = {host: sentence for host, sentence in sorted(why.items()) if sentence}
    known = {host: sentence for host, sentence in behind.items() if host in acknowledged}
    return Everybody(len(why), {host: behind[host] for host in behind.keys() - known.keys()}, known)


def verdict(status: int, document: Mapping[str, object], host: str, epoch: int, paths: Collection[str]) -> str:
    """Why it does not count, from the agent's answer; "" when it does."""
    applied, unapplied = document.get("applied"), document.get("except", [])
    if status not in {200, _NOT_YET} or not isinstance(applied, int) or isinstance(applied, bool):
        return f"its agent says: {document.get('error') or f'status {status}'}; its broker may route as before"
    if document.get("host") != host:
        return f"the agent at its address is that of host {document.get('host')}"
    if applied < epoch:
        return f"behind, at epoch {applied}"
    if isinstance(unapplied, list) and (bad := [path for path in paths if path in unapplied]):
        return f"it can't read {', '.join(bad)}: is it of an older version?"
    return ""


def vanished(document: Mapping[str, object]) -> dict[str, str]:
    """Hosts that this broker saw go without a farewell, which are dead or cut off → why they don't count."""
    return {
        host: f"unreachable since {text(one, 'since') or 'it is not known when'}, may still route"
        for one in objects(document, "vanished")
        if (host := text(one, "host"))
    }
