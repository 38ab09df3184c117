"""Waits until every broker applies a change: asks each host's agent, all at once, and names who does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, fetch
from h2o_console.cli.failures import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_MOST_AT_ONCE: Final = 256
_LATE_S: Final = 2.0
"""An agent answers at its time-out; so much later it does not any more."""


@dataclass(frozen=True, slots=True)
class Everybody:
    """Who applies it, and who does not: host → why."""

    hosts: int
    behind: Mapping[str, str]

    def sentence(self, epoch: int) -> str:
        """For people."""
        if not self.behind:
            return f"epoch {epoch} is applied by all {self.hosts} brokers"
        named = "; ".join(f"{host}: {why}" for host, why in sorted(self.behind.items()))
        return f"epoch {epoch} is applied by {self.hosts - len(self.behind)}/{self.hosts} brokers; {named}"


def wait_for_all(
    agents: Mapping[str, str],
    epoch: int,
    paths: Collection[str],
    timeout_s: float,
    token_of: Callable[[str], str],
) -> Everybody:
    """Ask *agents* (host → address, "" when it is not known) until they apply *epoch*, for *timeout_s* at most.

    A broker that applies it except one of *paths* does not count.
    """

    def ask(host: str) -> str:
        address = agents[host]
        if not address:
            return "its agent is not in the register, and its broker may route as before"
        try:
            path = f"/epoch?at_least={epoch}&timeout={timeout_s:g}"
            said = fetch(address, path, timeout_s + _LATE_S, token_of(address))
        except (AgentUnreachable, AgentRefused, CommandFailed) as error:
            return f"{error}; its broker may route as before"
        return _verdict(said.status, said.document, host, epoch, paths)

    with ThreadPoolExecutor(min(_MOST_AT_ONCE, max(1, len(agents)))) as pool:
        why = dict(zip(agents, pool.map(ask, agents), strict=True))
    return Everybody(len(agents), {host: sentence for host, sentence in why.items() if sentence})


def _verdict(status: int, document: Mapping[str, object], host: str, epoch: int, paths: Collection[str]) -> str:
    """Why it does not count, from the agent's answer; "" when it does."""
    applied, unapplied = document.get("applied"), document.get("except", [])
    if status not in {200, 408} or not isinstance(applied, int) or isinstance(applied, bool):
        return f"its agent says: {document.get('error') or f'status {status}'}; its broker may route as before"
    if document.get("host") != host:
        return f"the agent at its address is that of host {document.get('host')}"
    if applied < epoch:
        return f"behind, at epoch {applied}"
    if isinstance(unapplied, list) and (bad := [path for path in paths if path in unapplied]):
        return f"it can't read {', '.join(bad)}: is it of an older version?"
    return ""
