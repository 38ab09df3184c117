"""`script/demo --incident`: a release breaks a package, and whoever sits at the terminal finds out and mends it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from examples.demo.callers import Callers
from examples.demo.command_line import H2O, CommandLine, Unmet, within
from h2o_core.hostfile import InstanceSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.demo.traffic import TrafficProcess
    from h2o_console.dev.fleet import Fleet

PACKAGE: Final = "service/customer"
RELEASED: Final = "2.1.0"
_HOSTS: Final = ("host-2", "host-3")
_START_S: Final = 30.0
_SETTLED_S: Final = 30.0
_MENDS_S: Final = 12.0
"""After a change of control: within a second all brokers apply it, then the last failures leave the window."""
_PAGE_SHARE: Final = 0.05
_CHANGES: Final = {"weight", "rollback", "undo", "drain", "undrain", "avoid", "experiment", "settings"}
_HINTS: Final = (
    "Who fails? `top`, and `stats service/customer`: is it a package, a host, or a version?",
    "What do those errors say? `logs service/customer`; who is it that has them? `describe service/customer`",
    "What has changed? `journal`",
    "What would mend it, and what would that do? `rollback service/customer --dry-run`; then without --dry-run",
)
_PAGED: Final = """
It is 03:12, and you are paged: customers can't open their profiles.
  {callers}
This prompt takes h2o's commands (`top`, `stats service/customer`, `logs`, `why`, `journal`, `weight`, `rollback` …);
`console` opens the console, `hint` helps, `quit` gives up. A second terminal has the same: script/h2o
"""


class Incident:
    """Breaks the fleet, then takes commands until its callers are well again."""

    def __init__(self, fleet: Fleet, traffic: TrafficProcess, console: str) -> None:
        """*fleet* is ready and has *traffic*; *console* is the program that the word `console` starts."""
        self._fleet = fleet
        self._environ = fleet.environment()
        self._h2o = CommandLine(self._environ)
        self._console = console
        self.callers = Callers(traffic.so_far)
        self._hints = iter(_HINTS)
        self._typed: list[str] = []

    def run(self) -> bool:
        """Break it, and let it be mended; False when they gave up. Raises Unmet when it can't be broken."""
        with self.callers:
            self.release()
            began = time.monotonic()
            before = self.callers.failed()
            print(_PAGED.format(callers=self.callers.lately().sentence()), flush=True)
            if not self._take_commands():
                print("\nNot mended. What it was: `rollback service/customer` takes 2.1.0 back; start again to try it.")
                return False
            self._debrief(time.monotonic() - began, self.callers.failed() - before)
            return True

    # --- breaking ---------------------------------------------------------------------------------

    def release(self) -> None:
        """As a colleague would: 2.0.0 has all, 2.1.0 is started, and gets three quarters."""
        print("script/demo: somebody releases service/customer 2.1.0…", flush=True)
        self._decide("2.0.0=100%", "2.0.0 has proved itself")
        environ = {"CUSTOMER_DB": str(self._fleet.directory / "customer.db")}
        command = (sys.executable, "-m", "examples.service_customer_2_1")
        for host in _HOSTS:
            self._fleet.place(host, InstanceSpec(f"/{PACKAGE}", command, env=environ))
        within(_START_S, f"{PACKAGE} {RELEASED} ready on {' and '.join(_HOSTS)}", self._is_released, 0.2)
        if not self.callers.until(lambda lately: lately.well, _SETTLED_S):
            raise Unmet(self.callers.lately().sentence())
        self._decide(f"{RELEASED}=75%", "release 2.1.0: names as each country writes them")
        if not self.callers.until(lambda lately: lately.failed > _PAGE_SHARE * lately.ended, _SETTLED_S):
            msg = f"the release broke nothing: {self.callers.lately().sentence()}"
            raise Unmet(msg)

    def _decide(self, weight: str, reason: str) -> None:
        ran = self._h2o.run("weight", PACKAGE, weight, "--reason", reason, "-y")
        if ran.code:
            msg = f"`{ran.typed}` left with {ran.code}: {ran.err}"
            raise Unmet(msg)

    def _is_released(self) -> bool:
        found = self._h2o.json("list", PACKAGE)["instances"]
        ready = {one["host"] for one in found if one["version"] == RELEASED and one["state"] == "ready"}
        return ready == set(_HOSTS)

    # --- mending ----------------------------------------------------------------------------------

    def _take_commands(self) -> bool:
        """Line by line; True as soon as the callers are well again."""
        if sys.stdin.isatty():
            with suppress(ImportError):
                import_module("readline")  # gives input() a history; not every Python has it
        words: dict[str, Callable[[], None]] = {"hint": self._hint, "console": self._open_console}
        while True:
            try:
                line = input("h2o> " if sys.stdin.isatty() else "")
            except EOFError:
                return False
            try:
                arguments = shlex.split(line)
            except ValueError as error:
                print(f"that can't be read: {error}")
                continue
            if arguments[:1] == ["h2o"]:
                arguments = arguments[1:]
            if arguments[:1] in (["quit"], ["exit"]):
                return False
            if arguments[:1] and arguments[0] in words:
                words[arguments[0]]()
            elif arguments:
                self._run(arguments)
            if self._is_mended(arguments):
                return True

    def _run(self, arguments: list[str]) -> None:
        self._typed.append(shlex.join(["h2o", *arguments]))
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):  # it is for the command, which has had it too
            subprocess.run([H2O, *arguments], env=self._environ, check=False)

    def _hint(self) -> None:
        print(next(self._hints, "That is all there is to say."), flush=True)

    def _open_console(self) -> None:
        with suppress(KeyboardInterrupt):
            subprocess.run([self._console], env=self._environ, check=False)

    def _is_mended(self, arguments: list[str]) -> bool:
        if arguments[:1] and arguments[0] in _CHANGES:
            self.callers.until(lambda lately: lately.well, _MENDS_S)
        lately = self.callers.lately()
        print(lately.sentence(), flush=True)
        return lately.well

    def _debrief(self, took_s: float, failed: int) -> None:
        minutes, seconds = divmod(round(took_s), 60)
        print(f"\nMended after {minutes}:{seconds:02d} min and {len(self._typed)} commands; {failed} requests failed.")
        print("What is in the journal now, for the postmortem:\n", flush=True)
        self._run(["journal", "-n", "3"])
