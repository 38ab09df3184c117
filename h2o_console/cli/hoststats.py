"""Asks agents for all that their hosts count (`HostStats`), many at once, and hands it on as checked values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.cli.agent import AgentRefused, AgentUnreachable, exchange
from h2o_console.feed.counters import (
    CallerCounts,
    EndpointCounts,
    InstanceCounts,
    Sketch,
    StatsAnswer,
)
from h2o_core.errors import Code
from h2o_core.names import shown
from h2o_core.pb.host_pb2 import HostStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from h2o_core.pb import stats_pb2

PROTOBUF: Final = "application/x-protobuf"
_PATH: Final = "/stats"
_AT_ONCE: Final = 32
_BROKER_HINT: Final = "see its log: h2o logs; is the host well? h2o hosts"


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


def counts_of(message: HostStats) -> StatsAnswer:
    """The counters in it, checked: what is no number or no text can't be in a protobuf, the rest is the reader's."""
    report = message.report
    known = message.HasField("report")
    return StatsAnswer(
        host=message.host,
        fleet=message.fleet,
        as_of_s=report.now_s if known else None,
        register_state=report.register.state,
        silent_s=report.register.silent_s,
        incarnation=f"{report.incarnation:016x}" if known else "",
        broker_started_s=report.started_s if known else None,
        instances=tuple(_instances(message)),
        callers=tuple(_caller(one) for one in report.callers),
    )


def _instances(message: HostStats) -> Iterable[InstanceCounts]:
    report = message.report
    waiting = _queue_shares(report)
    for one in report.instances:
        endpoints = [_endpoint(feature) for feature in one.features]
        yield InstanceCounts(
            id=one.instance,
            package=shown(one.package),
            version=one.version,
            host=message.host,
            zone=message.zone,
            state=one.state or "unknown",
            started_s=one.started_s or None,
            slots=one.slots,
            in_flight=one.in_flight,
            queued=waiting.get(one.instance, 0),
            endpoints={endpoint.feature: endpoint for endpoint in sorted(endpoints, key=lambda each: each.feature)},
        )


def _queue_shares(report: stats_pb2.BrokerReport) -> dict[str, int]:
    """Instance → its share of what waits for its version, so that the shares add up to what waits."""
    shares: dict[str, int] = {}
    for queue in report.queues:
        ids = sorted(
            one.instance for one in report.instances if (one.package, one.version) == (queue.package, queue.version)
        )
        for at, each in enumerate(ids):
            shares[each] = queue.queued // len(ids) + (at < queue.queued % len(ids))
    return shares


def _endpoint(feature: stats_pb2.FeatureStats) -> EndpointCounts:
    sketch = feature.processing
    return EndpointCounts(
        feature=shown(feature.feature),
        outcomes=_outcomes(feature.outcomes),
        sketch=Sketch(list(sketch.index), list(sketch.count), sketch.zero, sketch.sum),
        last_error=feature.last_error,
        last_error_s=feature.last_error_time_s or None,
    )


def _caller(one: stats_pb2.CallerReport) -> CallerCounts:
    return CallerCounts(shown(one.caller), one.version, shown(one.feature), _outcomes(one.outcomes))


def _outcomes(counts: Iterable[stats_pb2.OutcomeCount]) -> dict[str, int]:
    """By name; a code of a newer broker keeps its number."""
    return {_NAMES.get(one.code, str(one.code)): one.count for one in counts if one.count}


_NAMES: Final = {int(code): code.name for code in Code}
