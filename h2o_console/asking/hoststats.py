"""Asks agents for all that their hosts count (`HostStats`), many at once, and hands it on as checked values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange
from h2o_core.pb.host_pb2 import HostStats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROTOBUF: Final = "application/x-protobuf"
_PATH: Final = "/stats"
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the agents answered (host → answer), and which hosts did not (host → why)."""

    answers: Mapping[str, HostStats]
    unreachable: Mapping[str, str]


def gather(agents: Mapping[str, str], timeout_s: float, token_of: Callable[[str], str]) -> Gathered:
    """Ask all *agents* (host → address, "" when there is none) for their statistics, many at once.

    *token_of*: what an address is shown.
    """
    tokens = [token_of(address) if address else "" for address in agents.values()]
    if len(agents) == 1:
        asked = [_of_host(host, address, timeout_s, tokens[0]) for host, address in agents.items()]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for more than one host only

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = list(pool.map(_of_host, agents, agents.values(), repeat(timeout_s), tokens))
    pairs = list(zip(agents, asked, strict=True))
    return Gathered(
        {host: answer for host, answer in pairs if isinstance(answer, HostStats)},
        {host: answer for host, answer in pairs if isinstance(answer, str)},
    )


def _of_host(host: str, address: str, timeout_s: float, token: str) -> HostStats | str:
    """Its answer, or why there is none."""
    if not address:
        return "no agent of that host is in the register"
    try:
        answer = ask_host(address, timeout_s, token)
    except AgentUnreachable as error:
        return str(error)
    except AgentRefused as error:
        return f"its agent says: {error.error}"
    if answer.host != host:
        return f"the agent at {address} is that of host {answer.host}"
    return answer


def ask_host(address: str, timeout_s: float, token: str = "") -> HostStats:
    """All that one host counts; raises AgentUnreachable, AgentRefused. `report` is unset while its broker is away."""
    raw = exchange(address, _PATH, timeout_s, accept=PROTOBUF, token=token)
    if raw.status != 200 or not raw.headers.get("content-type", "").startswith(PROTOBUF):
        raise raw.refusal(_PATH)
    try:
        return HostStats.FromString(raw.body)
    except DecodeError:
        msg = "what it answers is not what an agent counts"
        raise AgentRefused(raw.status, msg, "is it older or newer? h2o version") from None
