"""Runs `h2o` as a person would, and reads agents over HTTP as a monitor would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

H2O: Final = str(Path(sys.executable).with_name("h2o"))
_COMMAND_TIMEOUT_S: Final = 15.0
_HTTP_TIMEOUT_S: Final = 5.0


class Unmet(Exception):
    """A step of the tour saw something else than it must; the text says what."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One `h2o` command: what was typed, how it ended, what it printed, how long it took (s)."""

    typed: str
    code: int
    out: str
    err: str
    took_s: float

    def json(self) -> Any:
        """What it printed, as JSON; raises Unmet when it failed."""
        if self.code != 0:
            msg = f"`{self.typed}` left with {self.code}: {(self.err or self.out).strip()}"
            raise Unmet(msg)
        return json.loads(self.out)


class CommandLine:
    """`h2o` in one environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """*environ* names the context (H2O_CONFIG)."""
        self._environ = dict(environ)

    def run(self, *arguments: str, **environ: str) -> Ran:
        """Run ``h2o`` *arguments*, with more environment if need be; raises Unmet when it hangs."""
        typed = " ".join(["h2o", *(f"'{one}'" if " " in one or "{" in one else one for one in arguments)])
        began = time.monotonic()
        try:
            done = subprocess.run(
                [H2O, *arguments],
                env={**self._environ, **environ},
                capture_output=True,
                text=True,
                timeout=_COMMAND_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            msg = f"`{typed}` did not end within {_COMMAND_TIMEOUT_S:.0f} s"
            raise Unmet(msg) from None
        return Ran(typed, done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def json(self, *arguments: str, **environ: str) -> Any:
        """What ``h2o`` *arguments* ``--json`` says; raises Unmet when it fails."""
        return self.run(*arguments, "--json", **environ).json()


def get(address: str, path: str) -> tuple[int, str, Any]:
    """GET from an agent: (status, content type, JSON body); raises Unmet when nobody answers."""
    url = f"http://{address}{path}"
    try:
        with urllib.request.urlopen(url, timeout=_HTTP_TIMEOUT_S) as answer:
            return answer.status, answer.headers["content-type"], json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], json.load(error)
    except (OSError, ValueError) as error:
        msg = f"GET {url}: {error}"
        raise Unmet(msg) from None


def within(bound_s: float, what: str, seen: Callable[[], bool], pause_s: float = 0.05) -> float:
    """Ask *seen* until it says yes; returns the seconds that took, raises Unmet after *bound_s*."""
    began = time.monotonic()
    while not seen():
        if time.monotonic() - began > bound_s:
            msg = f"{what} did not happen within {bound_s:.0f} s"
            raise Unmet(msg)
        time.sleep(pause_s)
    return time.monotonic() - began
