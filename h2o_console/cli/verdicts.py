"""What `h2o doctor` finds: one line a check, with what to type; and the judgements that need no machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from h2o_core.figures import many

if TYPE_CHECKING:
    from h2o_console.feed.answers import Host
    from h2o_core.pb.host_pb2 import HostStats


class Status(StrEnum):
    """How a check ended; `fail` means that something does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: what is so, and `next`, what to type ("" when nothing)."""

    check: str
    status: Status
    what: str
    next: str = ""


MOST_SKEW_S: Final = 1.0
_LONG_ESCAPE_MS: Final = 50
_MODE: Final = re.compile(r"^Mode: (\S+)", re.MULTILINE)


def worst(found: Iterable[Verdict]) -> Status:
    """The worst of them; ok without any."""
    order = list(Status)
    return order[max((order.index(each.status) for each in found), default=0)]


def zookeeper(address: str, said: str, problem: str) -> Verdict:
    """What one server answered to `srvr`; without a Mode it has no quorum, however well it answers otherwise."""
    mode = _MODE.search(said)
    if mode:
        return Verdict(f"zookeeper {address}", Status.OK, f"serves as {mode[1]}")
    if said.strip():
        first = said.strip().splitlines()[0]
        hint = "is there a quorum? echo srvr | nc HOST PORT on each server"
        if "whitelist" in first:
            hint = "allow it in zoo.cfg: 4lw.commands.whitelist=ruok,srvr,mntr"
            return Verdict(f"zookeeper {address}", Status.WARN, first, hint)
        return Verdict(f"zookeeper {address}", Status.FAIL, first, hint)
    return Verdict(f"zookeeper {address}", Status.FAIL, problem or "it answers nothing", "is it up? h2o context show")


def clock(host: str, ahead_s: float, took_s: float) -> Verdict:
    """The agent's clock against ours; known to within the time that asking took."""
    check = f"clock of {host}"
    if abs(ahead_s) <= MOST_SKEW_S + took_s:
        return Verdict(check, Status.OK, f"{ahead_s:+.2f} s against this machine's")
    hint = "set both: timedatectl set-ntp true; ages and logs merged by time are wrong meanwhile"
    return Verdict(check, Status.WARN, f"{ahead_s:+.1f} s against this machine's", hint)


def escape_time(said: str) -> Verdict:
    """Tmux' escape-time in ms: how long Escape is held back."""
    text = said.strip()
    if not text.isdecimal():
        return Verdict("tmux", Status.OK, "its escape-time can't be read")
    if int(text) > _LONG_ESCAPE_MS:
        hint = "tmux set -s escape-time 10, and the same in ~/.tmux.conf"
        return Verdict("tmux", Status.WARN, f"escape-time {text} ms: Escape is slow in h2o-console", hint)
    return Verdict("tmux", Status.OK, f"escape-time {text} ms")


def terminal(environ: Mapping[str, str], encoding: str) -> list[Verdict]:
    """What the terminal can show, as far as its environment says."""
    found: list[Verdict] = []
    term = environ.get("TERM", "")
    if term in {"", "dumb"}:
        found.append(
            Verdict(
                "terminal",
                Status.WARN,
                f"TERM={term or '(unset)'}: no colours, no live tables",
                "export TERM=xterm-256color",
            )
        )
    else:
        colours = (
            "none (NO_COLOR)" if environ.get("NO_COLOR") else "24 bits" if _truecolour(environ) else "those of TERM"
        )
        found.append(Verdict("terminal", Status.OK, f"TERM={term}, colours: {colours}"))
    if encoding.lower().replace("-", "") != "utf8":
        hint = "export LC_ALL=C.UTF-8; until then what can't be shown is a ?"
        found.append(Verdict("locale", Status.WARN, f"output is {encoding}, not UTF-8", hint))
    else:
        found.append(Verdict("locale", Status.OK, "UTF-8"))
    return found


def _truecolour(environ: Mapping[str, str]) -> bool:
    return environ.get("COLORTERM", "") in {"truecolor", "24bit"}


def links(hosts: Sequence[Host]) -> list[Verdict]:
    """Hosts that the asked broker can't reach, or that have no agent."""
    found: list[Verdict] = []
    for host in hosts:
        check = f"host {host.host}"
        if host.link not in {"self", "up", "registered"}:
            why = f"link {host.link or 'unknown'}" + (f": {host.why}" if host.why else "")
            found.append(Verdict(check, Status.WARN, why, f"h2o describe {host.host}"))
        if not host.agent and host.link != "self":
            found.append(
                Verdict(
                    check, Status.WARN, "no agent of it is in the register", f"log in to {host.host}: is h2o-agent up?"
                )
            )
    return found or [Verdict("hosts", Status.OK, f"{len(hosts)}, all linked, each with an agent")]


def versions(own: str, answers: Mapping[str, HostStats]) -> Verdict:
    """Are all agents, and this program, of one version?"""
    by_version: dict[str, list[str]] = {}
    for host, answer in answers.items():
        by_version.setdefault(answer.version or "unknown", []).append(host)
    if set(by_version) <= {own}:
        return Verdict("versions", Status.OK, f"{many(len(answers), 'agent')} and this program: {own}")
    said = "; ".join(f"{version}: {_some(hosts)}" for version, hosts in sorted(by_version.items()))
    return Verdict(
        "versions", Status.WARN, f"this program is {own}, agents {said}", "upgrade what is older; h2o version"
    )


def behind(answers: Mapping[str, HostStats]) -> Verdict:
    """Do all brokers apply the newest change of control?"""
    epochs = {host: answer.report.epoch for host, answer in answers.items() if answer.HasField("report")}
    newest = max(epochs.values(), default=0)
    late = [host for host, epoch in epochs.items() if epoch < newest]
    if late:
        hint = f"h2o describe {late[0]}; is ZooKeeper reachable from there?"
        return Verdict("control", Status.WARN, f"behind epoch {newest}: {_some(late)}", hint)
    return Verdict("control", Status.OK, f"{many(len(epochs), 'broker')} at epoch {newest}")


def registers(answers: Mapping[str, HostStats]) -> list[Verdict]:
    """Brokers that do not answer, have lost ZooKeeper, or have an alarm."""
    found: list[Verdict] = []
    for host, answer in answers.items():
        check = f"broker of {host}"
        if not answer.HasField("report"):
            found.append(
                Verdict(
                    check,
                    Status.FAIL,
                    answer.broker_problem or "it does not answer",
                    f"h2o logs --help; on {host}: logs/broker.log",
                )
            )
            continue
        register = answer.report.register
        if register.state != "connected":
            what = f"ZooKeeper {register.state} for {register.silent_s:.0f} s: {register.error}".rstrip(": ")
            found.append(Verdict(check, Status.WARN, what, "it serves from memory; is ZooKeeper up? h2o context show"))
        found += [
            Verdict(check, Status.WARN, f"alarm: {each.path}: {each.sentence}", "h2o hosts") for each in register.alarms
        ]
        if answer.report.strangers:
            found.append(Verdict(check, Status.WARN, answer.report.strangers, "compare the hosts' secret_file"))
    return found or [Verdict("brokers", Status.OK, f"{len(answers)} answer, and hear ZooKeeper")]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
