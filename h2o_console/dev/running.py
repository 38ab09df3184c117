"""What `h2o dev` does: plans the fleet, starts it, keeps its agents and ZooKeeper up, and stops everything."""

from __future__ import annotations

import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from h2o_console.asking.agent import AgentRefused, AgentUnreachable
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import one_line
from h2o_console.cli.printing import write
from h2o_console.cli.remarks import tell
from h2o_console.dev.fleet import DirectoryTaken, Fleet, FleetFailed
from h2o_console.dev.notes import Notes
from h2o_console.dev.plan import InvalidPlan, parse_packages, parse_run, place, plan_hosts, reloading
from h2o_console.feed.answers import objects, text
from h2o_core.context import NoContext
from h2o_core.figures import many
from h2o_core.io.context import configuration_file, read_configuration, write_context
from h2o_core.io.registry import RegisterError
from h2o_core.io.zookeeper import ZooKeeperFailed, ZooKeeperMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from h2o_console.dev.plan import HostPlan

_READY_S: Final = 30.0
_TEND_EVERY_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_STEADY_S: Final = 30.0
_RELOADER: Final = "h2o_console.dev.reloader"
_STOPS: Final = "Ctrl-C stops it."
_HINT_LOGS: Final = "see its log, or start over in an empty directory: --dir DIRECTORY"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed after `h2o dev`."""

    hosts: int
    zones: int
    directory: Path
    runs: tuple[str, ...]
    package_files: tuple[Path, ...]
    extra: tuple[str, ...]
    name: str
    http_port: int
    with_context: bool
    reload: bool = False


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP: not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(wish: Wish) -> Exit:
    """Run the fleet until it is stopped; raises CommandFailed when it can't be started."""
    fleet = plan(wish)
    notes = Notes(fleet.directory / "reloads", tell)
    _raise_when_stopped()
    try:
        _start(fleet, wish, notes)
        Keeper(fleet, notes).keep()
    except Stopped as stopped:
        _stop(fleet)
        return Exit.INTERRUPTED if stopped.number == signal.SIGINT else Exit.OK
    except BaseException:
        _stop(fleet)
        raise


def plan(wish: Wish) -> Fleet:
    """The fleet that was asked for; raises CommandFailed when there is no such fleet."""
    cwd = str(Path.cwd())
    try:
        wanted = [parse_run(each, cwd) for each in wish.runs]
        for path in wish.package_files:
            wanted += parse_packages(_text_of(path), str(path.resolve().parent))
        hosts = place(plan_hosts(wish.hosts, wish.zones), wanted)
        if wish.reload:
            hosts = reloading(hosts, (sys.executable, "-m", _RELOADER, str(wish.directory.resolve() / "reloads")))
        return Fleet(wish.directory, with_ports(hosts, wish.http_port), name=wish.name, host_file_extra=wish.extra)
    except (InvalidPlan, ValueError) as error:
        raise CommandFailed(Exit.USAGE, str(error), "see how: h2o dev --help") from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path} can't be read: {error.strerror}"
        raise InvalidPlan(msg) from None


def with_ports(hosts: tuple[HostPlan, ...], first: int) -> tuple[HostPlan, ...]:
    """Ports that people can remember, where they are free; the system chooses the others."""
    wanted = (first + at if first else 0 for at in range(len(hosts)))
    return tuple(
        replace(host, http_port=port if _is_free(port) else 0) for host, port in zip(hosts, wanted, strict=True)
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _raise_when_stopped() -> None:
    def stop(number: int, _frame: FrameType | None) -> None:
        raise Stopped(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _start(fleet: Fleet, wish: Wish, notes: Notes) -> None:
    tell(f"starting {many(len(fleet.hosts), 'host')} in {fleet.directory}")
    try:
        notes.path.unlink(missing_ok=True)
        fleet.start()
        if fleet.reaped:
            tell(f"ended {many(fleet.reaped, 'process', 'processes')} that an earlier fleet had left here")
        _wait(fleet, notes)
        if wish.with_context:
            _write_context(fleet, wish.name)
    except DirectoryTaken as error:
        raise CommandFailed(Exit.FAILED, str(error), "see that fleet: h2o list") from None
    except ZooKeeperMissing as error:
        raise CommandFailed(Exit.FAILED, str(error)) from None
    except (FleetFailed, ZooKeeperFailed, RegisterError) as error:
        raise CommandFailed(Exit.FAILED, str(error), _HINT_LOGS) from None
    except InvalidPlan as error:
        raise CommandFailed(Exit.USAGE, str(error), "see how: h2o dev --help") from None
    write(summary(fleet, _first_feature(fleet), wish))


def _wait(fleet: Fleet, notes: Notes) -> None:
    """Hosts have to come; a package that does not is its author's affair, and said."""
    fleet.wait_ready(_READY_S, instances=False)

    def nothing_to_wait_for() -> bool:
        notes.poll(time.monotonic())
        return not fleet.missing(forgive={**fleet.hopeless(), **notes.forgiven()})

    with suppress(FleetFailed):
        fleet.wait_until(nothing_to_wait_for, _READY_S, str)
    fleet.check()
    for host in fleet.hosts:
        for each in fleet.instances(host):
            if each["state"] != "ready":
                log = f"{fleet.layout.state(host)}/logs/{each.get('launch')}.log"
                tell(
                    f"{each['package']} on {host} is not ready: {each['why'] or each['state']}", f"see why: tail {log}"
                )


def _write_context(fleet: Fleet, name: str) -> None:
    try:
        before = read_configuration().current
        path = write_context(fleet.context(name=name))
    except (NoContext, OSError) as error:
        tell(
            f"its context could not be made the current one: {error}",
            f"name it yourself: H2O_AGENT={fleet.context().agent}",
        )
        return
    if before and before != name:
        tell(
            f"context {name} is the current one in {path} now; it was {before}",
            f"go back: edit it, or H2O_CONTEXT={before}",
        )


def _first_feature(fleet: Fleet) -> str:
    try:
        features = objects(fleet.ask(next(iter(fleet.hosts)), "/features?fleet=1"), "features")
    except (AgentUnreachable, AgentRefused):
        return ""
    return next((text(each, "name").removeprefix("/") for each in features), "")


def summary(fleet: Fleet, feature: str, wish: Wish) -> str:
    """What runs where, and five commands to try."""
    lines = [f"fleet {fleet.name}: ZooKeeper {fleet.zookeeper.address}, files in {fleet.directory}"]
    for host in fleet.hosts.values():
        packages = ", ".join(
            f"{spec.package[1:]}{f' ×{spec.count}' if spec.count > 1 else ''}" for spec in host.instances
        )
        lines.append(f"  {host.name}  zone {host.zone}  {packages or 'no packages yet'}")
    if wish.with_context:
        lines.append(f"context {wish.name} in {configuration_file()}, default host {next(iter(fleet.hosts))}")
    package = "/".join(feature.split("/")[:2])
    run = f"H2O_BROKER={fleet.broker_dir(next(iter(fleet.hosts)))} {Path(sys.executable).name} -m your.package"
    lines += [
        "",
        "try:",
        "  h2o list",
        "  h2o hosts -o wide",
        f"  h2o stats {package}" if feature else f"  {run}",
        f"  h2o call {feature}" if feature else "  h2o version",
        "  h2o-console",
        f"Saving a file reloads its instances. {_STOPS}" if wish.reload else _STOPS,
    ]
    return "".join(f"{one_line(line)}\n" for line in lines)


class Keeper:
    """Starts again what ends by itself, ever more slowly; brokers and instances are their agents' affair."""

    def __init__(self, fleet: Fleet, notes: Notes) -> None:
        self._fleet = fleet
        self._notes = notes
        self._pause_s: dict[str, float] = {}
        self._again_at_s: dict[str, float] = {}
        self._started_at_s: dict[str, float] = {}

    def keep(self) -> NoReturn:
        """Never returns; Stopped ends it."""
        while True:
            self.tend(time.monotonic())
            self._notes.poll(time.monotonic())
            time.sleep(_TEND_EVERY_S)

    def tend(self, now_s: float) -> None:
        """Look at each part once."""
        fleet = self._fleet
        if not fleet.zookeeper.running:
            self._again("ZooKeeper", now_s, fleet.zookeeper.start, fleet.zookeeper.log_tail())
        for host, agent in list(fleet.agents.items()):
            if agent.ended() is not None:
                self._again(f"the agent of {host}", now_s, partial(fleet.start_host, host), agent.tail())

    def _again(self, what: str, now_s: float, start: Callable[[], None], log: str) -> None:
        if what not in self._again_at_s:
            if now_s - self._started_at_s.get(what, now_s) > _STEADY_S:
                self._pause_s.pop(what, None)
            pause_s = self._pause_s.get(what, 0.5)
            self._again_at_s[what] = now_s + pause_s
            self._pause_s[what] = min(_LONGEST_PAUSE_S, 2 * pause_s)
            tell(f"{what} has ended; starting it again in {pause_s:g} s. Its last words:")
            for line in log.splitlines()[-5:]:
                tell(f"  {line}")
        elif now_s >= self._again_at_s[what]:
            del self._again_at_s[what]
            self._started_at_s[what] = now_s
            try:
                start()
            except ZooKeeperFailed as error:
                tell(str(error))


def _stop(fleet: Fleet) -> None:
    """In order; a second Ctrl-C on the way ends everything at once."""
    try:
        tell("stopping; again to stop at once")
        fleet.stop()
    except Stopped:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        fleet.kill()
    left = fleet.left_behind(0.0)
    if left:
        tell(f"these did not end: {', '.join(map(str, left))}", f"end them: kill -9 {' '.join(map(str, left))}")
