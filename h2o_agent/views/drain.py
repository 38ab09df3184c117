"""`/drain`: how far this host's drain has come, and what its power-off would still harm. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.views.head import head, moment, seconds
from h2o_core.names import shown
from h2o_core.pb.stats_pb2 import DrainReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from h2o_agent.snapshot import Snapshot, Told
    from h2o_agent.views.head import Json
    from h2o_core.pb.stats_pb2 import DrainedInstance, LateSender, LocalCaller

QUIET_S: Final = 5.0
"""Who has sent nothing for so long, and has nothing under way, is taken to have gone elsewhere."""
SETTLED_S: Final = 1.0
"""After so long without a request from another host nothing of it is under way to here any more."""
LATE_S: Final = 1.0
"""What the broker said that long ago is not how things stand."""


def document(snapshot: Snapshot, told: Told, programs: Mapping[int, str], agent_pid: int) -> Json:
    """*programs*: command lines of local callers, by pid."""
    report = told.report
    control = report.control if report.HasField("control") else None
    drain = report.drain if report.HasField("drain") else None
    there = drain or DrainReport()
    conducts = snapshot.conducting is not None and snapshot.conducting.leading
    callers = [one for one in there.callers if _counts(one, agent_pid)]
    left = [*_not_drained(snapshot, told), *_late(snapshot, told)]
    if drain is not None:
        left += remains(drain, callers, programs)
    left += ["this host's agent conducts the fleet; it hands over by itself"] if conducts else []
    return {
        **head(snapshot, told),
        "state": _state(told),
        "epoch": report.epoch,
        "decided": None
        if control is None
        else {
            "state": control.state,
            "owner": control.owner,
            "reason": control.reason,
            "since": moment(control.since_s),
            "until": moment(control.until_s),
            "grace_s": control.grace_s,
        },
        "since": moment(there.since_s),
        "grace_left_s": None if drain is None else seconds(drain.grace_left_s),
        "in_flight": sum(one.in_flight for one in there.instances),
        "queued": there.queued,
        "given_up": there.given_up,
        "instances": [_instance(one) for one in there.instances],
        "callers": [_caller(one, programs) for one in callers],
        "senders": [{"host": one.host, "refused": one.refused, "last_s": seconds(one.age_s)} for one in there.senders],
        "conductor": conducts,
        "safe": not left,
        "remains": left,
    }


def remains(drain: DrainReport, callers: Iterable[LocalCaller], programs: Mapping[int, str]) -> list[str]:
    """A sentence for each thing that a power-off of this drained host would harm now; empty: it harms nothing."""
    return [
        *_work(drain),
        *(_calls(one, programs) for one in callers if _sends(one)),
        *(_sent(one) for one in drain.senders if one.age_s < SETTLED_S),
    ]


def _state(told: Told) -> str:
    report = told.report
    if not report.HasField("drain"):
        return "avoided" if report.HasField("control") else "in_use"
    return "draining" if any(_work(report.drain)) else "drained"


def _not_drained(snapshot: Snapshot, told: Told) -> Iterator[str]:
    report, host = told.report, snapshot.host
    if f"control/hosts/{host}" in report.unapplied:
        yield f"what was decided about {host} can't be read by its broker: see register:document in its /health"
    if not report.HasField("drain"):
        avoided = "is avoided, and gets what nobody else can take" if report.HasField("control") else "is not drained"
        yield f"{host} {avoided}: type h2o drain {host}"


def _late(snapshot: Snapshot, told: Told) -> Iterator[str]:
    late_s = snapshot.now_s - told.report.now_s
    if late_s > LATE_S:
        yield f"its broker has not answered for {late_s:.0f} s"


def _work(drain: DrainReport) -> Iterator[str]:
    """What is under way here. Work for nobody is waited for as well, as long as there is grace."""
    if drain.queued:
        yield f"{_requests(drain.queued)} for a slot here"
    for one in drain.instances:
        at = f"instance {one.instance[:8]} of {shown(one.package)} {one.version}"
        if one.in_flight:
            yield f"{at} works on {_some(one.in_flight)}{_within(drain)}"
        if one.held and drain.grace_left_s:
            yield f"{at} still works on {_some(one.held)} that nobody waits for any more{_within(drain)}"


def _within(drain: DrainReport) -> str:
    if not drain.grace_left_s:
        return ""
    minutes, left_s = divmod(round(drain.grace_left_s), 60)
    return f", for {minutes} min {left_s} s at most" if minutes else f", for {left_s} s at most"


def _some(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"


def _requests(count: int) -> str:
    return f"{_some(count)} {'waits' if count == 1 else 'wait'}"


def _counts(caller: LocalCaller, agent_pid: int) -> bool:
    """The agent's own stream asks its broker about itself; an instance is listed already, unless it calls others."""
    return _sends(caller) or not (caller.pid == agent_pid or caller.instance)


def _sends(caller: LocalCaller) -> bool:
    return bool(caller.in_flight) or 0 <= caller.asked_age_s < QUIET_S


def _calls(caller: LocalCaller, programs: Mapping[int, str]) -> str:
    who = _who(caller, programs)
    if caller.in_flight:
        return f"{who} has {_some(caller.in_flight)} under way through this host's broker"
    last = f"the last request {caller.asked_age_s:.1f} s ago"
    if caller.instance:
        return f"{who} calls others by itself, {last}; it ends when the agent is stopped"
    return f"{who} still sends from here, {last}; stop it, or send it no users"


def _who(caller: LocalCaller, programs: Mapping[int, str]) -> str:
    if caller.instance:
        return f"instance {caller.instance[:8]} of {shown(caller.caller)} {caller.version}"
    program = programs.get(caller.pid, "")
    return f"pid {caller.pid} ({program})" if program else f"pid {caller.pid}" if caller.pid else "a local client"


def _sent(sender: LateSender) -> str:
    return f"{sender.host} still sends requests here, which are refused: it does not know of the drain (yet)"


def _instance(one: DrainedInstance) -> Json:
    return {
        "id": one.instance,
        "package": shown(one.package),
        "version": one.version,
        "in_flight": one.in_flight,
        "held": one.held,
    }


def _caller(one: LocalCaller, programs: Mapping[int, str]) -> Json:
    return {
        "caller": shown(one.caller),
        "version": one.version or None,
        "instance": one.instance or None,
        "pid": one.pid or None,
        "program": programs.get(one.pid) or None,
        "in_flight": one.in_flight,
        "last_s": seconds(one.asked_age_s) if one.asked_age_s >= 0 else None,
        "sends": _sends(one),
    }
