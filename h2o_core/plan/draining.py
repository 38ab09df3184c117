"""Plans that take hosts out of the way and bring them back: drain, avoid, restore, and another end of that. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h2o_core.audit import Edit
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.plan import commands
from h2o_core.plan.draft import Draft, encoded, later, no_match
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.situation import HOSTS
from h2o_core.times import rfc3339
from h2o_core.verdicts import OTHERS, Guard, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from h2o_core.audit import Author
    from h2o_core.plan.intents import Avoid, Drain, Extend, Restore
    from h2o_core.plan.situation import Decided, Situation


def drain(intent: Drain, situation: Situation, author: Author, now_s: float) -> Draft:
    """A host that is drained already stays as it is. Raises CannotPlan for unknown hosts and a time in the past."""
    words = [*commands.until(intent.until_s, now_s), "--grace", commands.duration(intent.grace_s)]
    return _out(intent, HostState.DRAIN, intent.grace_s, situation, author, now_s, words)


def avoid(intent: Avoid, situation: Situation, author: Author, now_s: float) -> Draft:
    """The same. A drained host gets back what nobody else can take, which warns when somebody else drained it."""
    words = commands.until(intent.until_s, now_s)
    return _out(intent, HostState.AVOID, None, situation, author, now_s, words)


def restore(intent: Restore, situation: Situation, author: Author, now_s: float) -> Draft:
    """A host that is in use already stays. Raises CannotPlan when all are."""
    decided = situation.decided
    hosts = _known(intent.hosts, situation, "h2o undrain")
    out = [host for host in hosts if f"{HOSTS}{host}" in decided.documents]
    if not out:
        raise _in_use(hosts)
    ending = [decided.hosts[host] for host in out if host in decided.hosts]
    return Draft(
        edits=tuple(Edit(f"{HOSTS}{host}", decided.documents[f"{HOSTS}{host}"], None) for host in out),
        sentence=f"puts {_named(out)} back in use",
        command=commands.line("undrain", *hosts, reason=author.reason),
        undo=commands.host(ending[0], now_s) if len(out) == len(ending) == 1 else commands.UNDO,
        name=_name(out),
        remarks=tuple(f"{host} is in use already" for host in hosts if host not in out),
        guards=tuple(_others(ending, author, "ends")),
    )


def extend(intent: Extend, situation: Situation, author: Author, now_s: float) -> Draft:
    """Raises CannotPlan when one of the hosts is in use: there is nothing to extend."""
    later(intent.until_s, now_s, "--until")
    decided = situation.decided
    hosts = _known(intent.hosts, situation, "h2o extend")
    idle = [host for host in hosts if host not in decided.hosts]
    if idle:
        raise _in_use(idle)
    edits = [_edit(decided, replace(decided.hosts[host], until_s=intent.until_s)) for host in hosts]
    ends = {decided.hosts[host].until_s for host in hosts}
    old_s = next(iter(ends))
    again = len(ends) == 1 and (not old_s or old_s > now_s)
    return Draft(
        edits=tuple(edit for edit in edits if edit.before != edit.after),
        sentence=f"keeps {_named(hosts)} {_states(decided, hosts)} {_until(intent.until_s)}",
        command=commands.line("extend", *hosts, *commands.until(intent.until_s, now_s), reason=author.reason),
        undo=commands.line("extend", *hosts, *commands.until(old_s, now_s)) if again else commands.UNDO,
        name=_name(hosts),
        until_s=intent.until_s,
    )


def _out(
    intent: Drain | Avoid,
    state: HostState,
    grace_s: float | None,
    situation: Situation,
    author: Author,
    now_s: float,
    words: Sequence[str],
) -> Draft:
    verb, done = ("drain", "drained") if state is HostState.DRAIN else ("avoid", "avoided")
    later(intent.until_s, now_s, "--until")
    decided = situation.decided
    hosts = _known(intent.hosts, situation, f"h2o {verb}")
    already = [host for host in hosts if host in decided.hosts and decided.hosts[host].state is state]
    new = [host for host in hosts if host not in already]
    controls = [
        HostControl(host, state, author.actor, author.reason, since_s=now_s, until_s=intent.until_s) for host in new
    ]
    if grace_s is not None:
        controls = [replace(control, grace_s=grace_s) for control in controls]
    before = [decided.hosts[host] for host in new if host in decided.hosts]
    weaker = [control for control in before if state is HostState.AVOID]
    remarks = [f"{host} is {done} already, {_by(decided.hosts[host])}" for host in already]
    remarks += [f"what stands there of {host} can't be read, and is replaced" for host in new if _bad(decided, host)]
    return Draft(
        edits=tuple(_edit(decided, control) for control in controls),
        sentence=f"{verb}s {_named(new or hosts)} {_until(intent.until_s)}"
        if new
        else f"{_named(hosts)}: {done} already",
        command=commands.line(verb, *hosts, *words, reason=author.reason),
        undo=commands.undrain(new) if not before else commands.UNDO,
        name=_name(new or hosts),
        remarks=tuple(remarks),
        guards=tuple(_others(weaker, author, "weakens")),
        until_s=intent.until_s,
    )


def _in_use(hosts: Sequence[str]) -> CannotPlan:
    return CannotPlan(f"{_named(hosts)}: neither drained nor avoided", "what is: h2o hosts")


def _bad(decided: Decided, host: str) -> bool:
    return f"{HOSTS}{host}" in decided.unreadable


def _edit(decided: Decided, control: HostControl) -> Edit:
    path = f"{HOSTS}{control.host}"
    return Edit(path, decided.documents.get(path), encoded(lambda: encode_host_control(control)))


def _known(typed: Iterable[str], situation: Situation, command: str) -> list[str]:
    hosts = list(dict.fromkeys(typed))
    if not hosts:
        msg = "no host is named"
        raise CannotPlan(msg, f"{command} HOST; what there is: h2o hosts")
    decided = {path.removeprefix(HOSTS) for path in situation.decided.documents if path.startswith(HOSTS)}
    there = situation.fleet.hosts.keys() | decided
    for host in hosts:
        if host not in there:
            raise no_match(host, "host", there, "h2o hosts")
    return hosts


def _others(controls: Iterable[HostControl], author: Author, verb: str) -> Iterable[Guard]:
    """What is ended or weakened was somebody else's decision, who may be standing at the rack."""
    for control in controls:
        if control.owner != author.actor:
            sentence = f"{verb} the {control.state} of {control.host}, {_by(control)}"
            yield Guard(OTHERS, Verdict.WARNED, sentence, control.host)


def _by(control: HostControl) -> str:
    reason = f" ({control.reason})" if control.reason else ""
    return f"by {control.owner} since {rfc3339(control.since_s)}{reason}"


def _until(at_s: float) -> str:
    return f"until {rfc3339(at_s)}" if at_s else "until somebody ends it"


def _states(decided: Decided, hosts: Sequence[str]) -> str:
    states = {decided.hosts[host].state for host in hosts}
    return " or ".join("drained" if state is HostState.DRAIN else "avoided" for state in sorted(states, reverse=True))


def _named(hosts: Sequence[str]) -> str:
    return ", ".join(hosts)


def _name(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
