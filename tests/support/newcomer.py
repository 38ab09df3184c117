"""Somebody who follows a document: types its shell blocks, in two terminals, and compares what is printed."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DONE: Final = "=== done ==="
_FLEET_LINE: Final = re.compile(r"service/\w+ on host-")
_PARTS: Final = re.compile(
    r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LIKENESSES: Final = {
    "…": ".*",
    r"host-\d": r"host-\d",
    "[0-9a-f]{8,}": "[0-9a-f]{8,}",
    r"\d+(?:\.\d+)?": r"\d+(?:\.\d+)?",
    r"\s+": r"\s+",
}
"""What differs each time → what it is compared by."""
_VARIABLE: Final = re.compile(f"({'|'.join(_LIKENESSES)})")
PATIENCE_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language ("" for output), its text, and the heading that it stands under."""

    language: str
    text: str
    heading: str


def blocks(document: str) -> list[Block]:
    """Every fenced block of a Markdown text, in order."""
    found: list[Block] = []
    heading = ""
    for match in _PARTS.finditer(document):
        heading = match["heading"] or heading
        if match["text"] is not None:
            found.append(Block(match["language"], match["text"], heading))
    return found


def pattern(line: str) -> re.Pattern[str]:
    """What a printed line may look like: numbers, ids, hosts and spacing differ; an ellipsis is anything."""
    return re.compile("".join(_likeness(part) for part in _VARIABLE.split(line.strip())))


def _likeness(part: str) -> str:
    """A regular expression for one part of a line: a variable one, or what stands between two of them."""
    for form, likeness in _LIKENESSES.items():
        if re.fullmatch(form, part):
            return likeness
    return re.escape(part)


class Terminal:
    """A shell that keeps its directory and its environment from block to block."""

    def __init__(self, environ: Mapping[str, str], cwd: Path, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            ["bash"],
            env=dict(environ),
            cwd=cwd,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def type(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def run(self, text: str) -> list[str]:
        """Type it, and wait for its end; what it printed."""
        start = len(self.lines)
        self.type(f"{text}\necho '{_DONE}'\n")
        self.until(re.compile(_DONE), start)
        return self.lines[start : self.lines.index(_DONE, start)]

    def until(self, seen: re.Pattern[str], start: int) -> None:
        """Wait for a line from *start* on."""
        deadline_s = time.monotonic() + self._patience_s
        while not any(seen.search(line) for line in self.lines[start:]):
            assert time.monotonic() < deadline_s, f"no {seen.pattern!r} in\n" + "\n".join(self.lines[start:])
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Ctrl-C for what runs in it, and then the shell's end."""
        assert self._process.stdin
        foreground = subprocess.run(
            ["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in foreground:
            subprocess.run(["kill", f"-{signal.SIGINT.name.removeprefix('SIG')}", pid], check=False)
        self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            self._listener.join(10)
            assert self._process.stdout
            self._process.stdout.close()


class Newcomer:
    """Types the blocks: those up to `h2o dev` in the first terminal, the others in the second."""

    def __init__(self, first: Terminal, second: Terminal) -> None:
        self._first = first
        self._second = second
        self._fleet_runs = False
        self._fleet_from = 0
        self._printed: list[str] = []

    def follow(self, document: list[Block]) -> None:
        """Type and compare everything."""
        for block in document:
            if block.language == "sh":
                self._type(block.text)
            elif not block.language:
                self._compare(block.text)

    def _type(self, text: str) -> None:
        if text.startswith("h2o dev"):
            self._first.type(text)
            self._first.until(re.compile(r"Ctrl-C stops it\."), 0)
            self._fleet_runs = True
            return
        self._fleet_from = len(self._first.lines)
        self._printed = (self._second if self._fleet_runs else self._first).run(text)
        assert not any(line.startswith("Traceback") or "command not found" in line for line in self._printed), (
            self._printed
        )

    def _compare(self, text: str) -> None:
        for line in text.splitlines():
            seen = pattern(line)
            if _FLEET_LINE.match(line):
                self._first.until(seen, self._fleet_from)
            else:
                assert any(seen.search(each) for each in self._printed), (line, self._printed)
