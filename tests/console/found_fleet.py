"""Fleets in which insights have found something, and one that is well: still, with all that their pictures say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from h2o_console.rows.finding_keys import finding_key
from h2o_console.store.control import ControlSeen
from h2o_console.store.insight import Insight
from h2o_core.audit import Author, Edit, Entry
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import encode_traffic
from h2o_core.insights.finding import Action, Evidence, Finding, Key, Kind, Severity, Subject
from h2o_core.insights.grouping import Group
from h2o_core.insights.notes import Note, Says
from h2o_core.insights.picture import Changed, Vitals
from h2o_core.insights.standing import Findings, News, Standing
from h2o_core.verdicts import CAPACITY, LAST_INSTANCE, ZONES, Guard, Verdict
from tests.console.still_fleet import HOSTILE, StillFleet, host, hostile, troubled
from tests.support.insight_situations import CANARY, CUSTOMER, failing, only
from tests.support.insight_world import NOW_S, WORLD, Effect, at_host, decided, picture, traffic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.insights.picture import Picture

NOW: Final = 1_770_000_000.0
"""The stage's own time."""
OPENED_S: Final = NOW - 133.0
DISK: Final = Key(Kind.CAPACITY, Subject(host="host-5"))
AVOIDED: Final = Key(Kind.AVOID_ENDS, Subject(host="host-6"))


@cache
def incident() -> Picture:
    """A canary that fails, a host that is slow in all it does, a full disk, an avoid that ends."""
    fails, slow = only(failing(0.15), package=CUSTOMER, version="2.4.0"), only(Effect(6.0), host="host-3")
    made = picture(CANARY, fails, slow, seed=1, before_world=WORLD)
    made = at_host(made, "host-5", vitals=Vitals(disk_pct=98.5))
    changed = Changed(41, NOW_S - 171.0, ("control/traffic/service.customer",), "eva@host-1", "gives 2.4.0 20%")
    avoided = HostControl("host-6", HostState.AVOID, "eva@host-1", "disk swap", NOW_S - 3000.0, NOW_S + 300.0)
    weights = traffic(CUSTOMER, {"2.3.1": 8000, "2.4.0": 2000})
    return decided(made, weights, changes=(changed,), hosts={"host-6": avoided})


NOTES: Final = (
    Note(*DISK, Says.ACKNOWLEDGED, "ada@host-1", NOW - 60.0, NOW + 3600.0, "INC-7"),
    Note(*AVOIDED, Says.MUTED, "eva@host-1", NOW - 600.0, NOW + 5400.0, "the swap takes until four"),
)


def _traffic(**parts: int) -> bytes:
    weights = {version.strip("v").replace("_", "."): count for version, count in parts.items()}
    return encode_traffic(traffic(CUSTOMER, weights, owner="eva@host-1", reason="canary"))


def journal() -> tuple[Entry, ...]:
    """A canary, a drain that was forced and taken back, and an avoid: the newest first."""
    eva, ada = (
        Author("eva@host-1", "h2o weight on host-1", "canary of 2.4.0"),
        Author("ada@host-2", "h2o on host-2", ""),
    )
    weights, drained = "control/traffic/service.customer", "control/hosts/host-2"
    document = encode_host_control(
        HostControl("host-2", HostState.DRAIN, "ada@host-2", "disk", NOW - 7200.0, NOW + 7200.0)
    )
    guards = (
        Guard(LAST_INSTANCE, Verdict.REFUSED, "host-2 has the last instance of service/notify", "service/notify"),
        Guard(CAPACITY, Verdict.WARNED, "what remains of service/geo would be 96 % busy", "service/geo"),
        Guard(ZONES, Verdict.PASSED, "all drained hosts are in zone a"),
    )
    avoid = encode_host_control(HostControl("host-6", HostState.AVOID, "eva@host-1", "disk swap", NOW - 90_000.0, NOW))
    shared = _traffic(v2_3_1=8000, v2_4_0=2000)
    return (
        Entry(
            41,
            "3f8a91c2d4e5f607",
            NOW - 171.0,
            eva,
            (Edit(weights, _traffic(v2_3_1=10_000), shared),),
            "gives service/customer 2.4.0 20%",
            "h2o weight service/customer 2.4.0=20%",
            until_s=NOW + 86_400.0,
        ),
        Entry(
            40,
            "b0c2d4e6f8a01234",
            NOW - 600.0,
            replace(ada, reason="the wrong host", verified=True),
            (Edit(drained, document, None),),
            "undoes the drain of host-2",
            "h2o undo 77aa11bb",
            undo_of="77aa11bb22cc33dd",
        ),
        Entry(
            39,
            "77aa11bb22cc33dd",
            NOW - 7200.0,
            replace(ada, reason="disk", verified=True),
            (Edit(drained, None, document),),
            "drains host-2",
            "h2o drain host-2 --force",
            guards,
            NOW + 7200.0,
        ),
        Entry(
            38,
            "c4d5e6f7a8b9c0d1",
            NOW - 90_000.0,
            replace(eva, reason="disk swap"),
            (Edit("control/hosts/host-6", None, avoid),),
            "avoids host-6",
            "h2o avoid host-6",
        ),
    )


def wrong(notes: Iterable[Note] = NOTES) -> StillFleet:
    """The incident, as the console has it: a disk is somebody's already, an avoid is muted."""
    fleet = troubled()
    fleet.insight = found(incident(), notes)
    fleet.control = ControlSeen(41, entries=journal(), notes=tuple(notes))
    return fleet


def well() -> StillFleet:
    """Nothing is wrong, and everybody answers."""
    fleet = StillFleet()
    for at in range(1, 4):
        fleet.hosts[f"host-{at}"] = host(f"host-{at}", "a")
    fleet.insight = found(picture(WORLD, seed=1), ())
    fleet.control = ControlSeen(41)
    return fleet


def found(picture: Picture, notes: Iterable[Note]) -> Insight:
    """What insights say of it now, when it has been so for two minutes."""
    findings = Findings()
    findings.noted(notes)
    findings.see(_moved(picture, OPENED_S))
    news = findings.see(_moved(picture, NOW))
    return Insight(news, dict(findings.open), NOW, 998.0)


def _moved(picture: Picture, now_s: float) -> Picture:
    """The same picture at another time; what was changed and decided stays where it is on the stage's clock."""
    control = picture.control
    if control is not None:
        changes = tuple(replace(one, at_s=one.at_s - NOW_S + NOW) for one in control.changes)
        hosts = {name: replace(one, until_s=one.until_s - NOW_S + NOW) for name, one in control.hosts.items()}
        control = replace(control, changes=changes, hosts=hosts)
    return replace(picture, now_s=now_s, control=control)


def key_of_version() -> str:
    """The canary's, as a place has it."""
    return finding_key(Key(Kind.VERSION, Subject(CUSTOMER, "2.4.0")))


def hostile_insight() -> Insight:
    """Names and numbers from somebody who means no good."""
    groups: list[Group] = []
    for at, evil in enumerate(HOSTILE):
        subject = Subject(evil, f"{at}{evil}", evil, evil, evil, evil, evil)
        evidence = (Evidence(evil, float("nan"), evil, float("inf"), 60.0, 2**70),)
        cause = Finding(Kind.FAILING, subject, Severity.PAGE, evil, evidence, float("inf"), action=Action(evil, evil))
        below = replace(cause, kind=Kind.SLOW, action=None)
        groups.append(Group(cause, (below,)))
    standing = {
        one.key: Standing(one, float("-inf"), 0.0, 0.0) for group in groups for one in (group.cause, *group.symptoms)
    }
    return Insight(News(tuple(groups), (), ()), standing, NOW, 0.0)


def hostile_found() -> StillFleet:
    """Findings and changes whose every word is from somebody who means no good."""
    fleet = hostile()
    fleet.insight = hostile_insight()
    entries = tuple(
        Entry(
            2**60 + at,
            f"{at}{evil}",
            1e300,
            Author(evil, evil, evil),
            (
                Edit(f"control/traffic/{evil}", evil.encode(), None),
                Edit(f"control/hosts/{evil}", None, b'{"since": 1e300}'),
            ),
            evil,
            evil,
            (Guard(evil, Verdict.REFUSED, evil, evil),),
            -1e300,
            evil,
        )
        for at, evil in enumerate(HOSTILE)
    )
    fleet.control = ControlSeen(-1, entries=entries)
    return fleet
