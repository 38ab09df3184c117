"""What `h2o drain`, `avoid`, `undrain` and `extend` do with what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from shlex import join
from typing import TYPE_CHECKING, Any

from h2o_console.acting.extending import later
from h2o_console.cli.changing import Change
from h2o_console.cli.failures import Exit
from h2o_console.cli.moments import ahead, duration
from h2o_console.cli.remarks import tell
from h2o_console.cli.typed import full_package, host_names
from h2o_console.commands.drained import HostDrain, far, watch
from h2o_core.io.clock import unix_s
from h2o_core.plan.intents import Avoid, Drain, Extend, Restore

if TYPE_CHECKING:
    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading
    from h2o_console.cli.progress import Progress
    from h2o_console.commands.carrying import Carrier, Prepared
    from h2o_core.plan.situation import Decided


@dataclass(frozen=True, slots=True)
class Asked:
    """What `h2o drain` was told, beside the options of every change."""

    hosts: tuple[str, ...]
    until: str
    grace: str


def drain(asked: Asked, told: Reading, how: How) -> Exit:
    """Until each host may be switched off; raises CommandFailed when it is not decided."""
    hosts = host_names(asked.hosts, "h2o drain host-7")
    grace_s = duration("--grace", asked.grace)
    intent = Drain(hosts, ahead("--until", asked.until, unix_s(), never=True), grace_s)
    change = Change("h2o drain", told, how)
    return change.run(lambda _: intent, afterwards=partial(_until_safe, hosts, grace_s), again=_line("drain", hosts))


def avoid(typed: tuple[str, ...], until: str, told: Reading, how: How) -> Exit:
    """Raises CommandFailed when it is not decided."""
    hosts = host_names(typed, "h2o avoid host-7")
    intent = Avoid(hosts, ahead("--until", until, unix_s(), never=True))
    return Change("h2o avoid", told, how).run(lambda _: intent, again=_line("avoid", hosts))


def undrain(typed: tuple[str, ...], told: Reading, how: How) -> Exit:
    """Raises CommandFailed when it is not decided."""
    intent = Restore(host_names(typed, "h2o undrain host-7"))
    return Change("h2o undrain", told, how).run(lambda _: intent, again="h2o hosts")


def extend(names: tuple[str, ...], until: str, by: str, told: Reading, how: How) -> Exit:
    """Of hosts, or of one package, which has a slash or a dot; raises CommandFailed when it is not decided."""
    now_s = unix_s()
    until_s = ahead("--until", until, now_s, never=True) if until else 0.0
    by_s = duration("--by", by) if by else 0.0
    change = Change("h2o extend", told, how)

    def wish(decided: Decided) -> Extend:
        package = _package_meant(names, decided)
        hosts = () if package else host_names(names, "h2o extend host-7 --by 1h")
        end_s = later(decided, package, hosts, by_s, now_s) if by else until_s
        return Extend(end_s, hosts, package)

    return change.run(wish, again="h2o journal")


def _package_meant(names: tuple[str, ...], decided: Decided) -> str:
    """Full, "" for hosts. A host's name may have dots, as a package's."""
    if len(names) != 1 or names[0] in decided.hosts or not {"/", "."} & set(names[0]):
        return ""
    return full_package(names[0], "h2o extend service/customer --until 7d")


def _line(command: str, hosts: tuple[str, ...]) -> str:
    return join(["h2o", command, *hosts])


def _until_safe(
    hosts: tuple[str, ...], grace_s: float, carrier: Carrier, prepared: Prepared, shown: Progress
) -> tuple[Exit, dict[str, Any]]:
    """Watch until a power-off harms nothing, or until that is of no use; says what remains."""
    given_s = max(
        [grace_s, *(prepared.decided.hosts[host].grace_s for host in hosts if host in prepared.decided.hosts)]
    )
    found: list[HostDrain] = []
    for found in watch(hosts, prepared.observed.agents, carrier.token_of, given_s):
        shown.tell(far(found))
    shown.clear()
    for one in found:
        if one.safe:
            tell(f"{one.host} may be switched off: nothing runs or waits there, and nobody calls from there")
        for sentence in one.remains:
            tell(f"{one.host}: {sentence}")
    document = [
        {
            "host": one.host,
            "safe": one.safe,
            "in_flight": one.in_flight if one.heard else None,
            "queued": one.queued if one.heard else None,
            "callers": one.callers if one.heard else None,
            "remains": list(one.remains),
        }
        for one in found
    ]
    return Exit.OK if all(one.safe for one in found) else Exit.PARTIAL, {"drained": document}
