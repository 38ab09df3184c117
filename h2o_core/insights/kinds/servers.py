"""Hosts as such: silent agents, brokers that are down or cut off, full servers, clocks that are off. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import span
from h2o_core.insights import actions
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject
from h2o_core.insights.sums import SILENT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.insights.picture import Host, Vitals
    from h2o_core.insights.sums import Sums

CUT_OFF: Final = {"suspect": "its broker does not answer the others", "refused": "its broker's key does not fit"}
FULL_PCT: Final = 90.0
FULLEST_PCT: Final = 97.0
"""From here on the next allocation fails."""
STEAL_PCT: Final = 25.0
SKEW_S: Final = 0.5
"""Deadlines travel as remaining time, but logs and findings are told apart by their times."""
_STAYS: Final = 0.6


def find(sums: Sums) -> Iterator[Finding]:
    """Of all hosts."""
    for host in sums.picture.hosts:
        yield from _reach(host, sums)
        if host.vitals is not None and host.name not in sums.silent:
            yield from _full(host.name, host.vitals, sums.picture.now_s)
            yield from _clock(host.name, host.vitals)


def _reach(host: Host, sums: Sums) -> Iterator[Finding]:
    now_s, subject = sums.picture.now_s, Subject(host=host.name)
    if host.link == "leaving":
        return
    if host.broker_problem or host.link == "absent":
        why = host.broker_problem or "it is not in the register"
        crashes = f", {host.broker_crashes} deaths in a row" if host.broker_crashes else ""
        look = actions.look("h2o logs {}", f"{host.name}/broker", sentence="read its log")
        sentence = f"the broker of {host.name} is down: {why}{crashes}; nothing is served there"
        yield Finding(Kind.BROKER, subject, Severity.PAGE, sentence, action=look)
    elif host.name in sums.silent:
        yield _silent(host, now_s)
    elif host.link in CUT_OFF:
        why = f" ({host.why})" if host.why else ""
        sentence = f"{host.name} is cut off: {CUT_OFF[host.link]}{why}"
        yield Finding(Kind.LINK, subject, Severity.PAGE, sentence, action=actions.drain(host.name, now_s))


def _silent(host: Host, now_s: float) -> Finding:
    since = "has not said anything yet" if host.age_s is None else f"has said nothing for {span(host.age_s)}"
    why = f": {host.why}" if host.why else ""
    cut = host.link in CUT_OFF
    serves = "; its broker answers the others, so it serves" if host.link in {"up", "self"} else ""
    evidence = () if host.age_s is None else (Evidence("age of its stats", round(host.age_s, 1), "s", SILENT_S),)
    return Finding(
        Kind.SILENT,
        Subject(host=host.name),
        Severity.PAGE if cut else Severity.TICKET,
        f"the agent of {host.name} {since}{why}{'; ' + CUT_OFF[host.link] if cut else serves}",
        evidence,
        action=actions.drain(host.name, now_s)
        if cut
        else actions.look("h2o describe {}", host.name, sentence="ask it again"),
    )


def _full(name: str, vitals: Vitals, now_s: float) -> Iterator[Finding]:
    used = [("memory", vitals.memory_pct, FULL_PCT), ("disk", vitals.disk_pct, FULL_PCT)]
    used.append(("steal by the hypervisor", vitals.steal_pct, STEAL_PCT))
    known = [(what, pct, pct / limit) for what, pct, limit in used if pct is not None]
    over = [(what, pct, strength) for what, pct, strength in known if strength >= 1]
    if not over:
        return
    page = any(pct >= FULLEST_PCT for _, pct, _ in over)
    yield Finding(
        Kind.CAPACITY,
        Subject(host=name),
        Severity.PAGE if page else Severity.TICKET,
        f"{name}: {' and '.join(f'{one} {value:.0f} %' for one, value, _ in over)}",
        tuple(Evidence(f"{one} used", value, "%") for one, value, _ in over),
        action=actions.avoid(name, now_s),
        strength=max(strength for _, _, strength in over),
    )


def _clock(name: str, vitals: Vitals) -> Iterator[Finding]:
    skew_s = vitals.clock_skew_s
    if skew_s is None or abs(skew_s) < SKEW_S * _STAYS:
        return
    which = "ahead of" if skew_s > 0 else "behind"
    yield Finding(
        Kind.CLOCK,
        Subject(host=name),
        Severity.TICKET,
        f"the clock of {name} is {abs(skew_s):.1f} s {which} ZooKeeper's: times in logs and limits are off by that",
        (Evidence("clock skew", round(skew_s, 3), "s", SKEW_S),),
        action=actions.look("h2o describe {}", name),
        strength=abs(skew_s) / SKEW_S,
    )
