"""What a terminal shows, from the bytes that were written to it: as much of a VT100 as full-screen programs use. Pure.

Cursor moves, erasing and background colours are followed, everything else that is a control sequence is skipped.
Every character counts as one cell wide.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import Final

_CONTROL: Final = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"  # OSC, DCS and the like, with their text
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x1f]",
    re.DOTALL,
)
_INCOMPLETE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z", re.DOTALL)
_PLAIN: Final = ""


class Screen:
    """*width* × *height* cells, each a character and a background (the SGR parameters that set it)."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._x = self._y = 0
        self._ground = _PLAIN
        self._cells: list[list[str]] = [[" "] * width for _ in range(height)]
        self._grounds: list[list[str]] = [[_PLAIN] * width for _ in range(height)]

    def feed(self, data: bytes) -> None:
        """Take in what was written."""
        text = self._rest + self._decoder.decode(data)
        cut = _INCOMPLETE.search(text)
        end = cut.start() if cut and cut.group() else len(text)
        text, self._rest = text[:end], text[end:]
        at = 0
        for control in _CONTROL.finditer(text):
            self._write(text[at : control.start()])
            self._obey(control)
            at = control.end()
        self._write(text[at:])

    def _write(self, text: str) -> None:
        for character in text:
            if self._x >= self.width or self._y >= self.height:
                return
            self._cells[self._y][self._x] = character
            self._grounds[self._y][self._x] = self._ground
            self._x += 1

    def _obey(self, control: re.Match[str]) -> None:
        parameters, final = control.group(1), control.group(2)
        if final is None:
            self._move_by_character(control.group())
        elif final in "Hf":
            row, _, column = (parameters or "").partition(";")
            self._y, self._x = max(int(row or 1) - 1, 0), max(int(column or 1) - 1, 0)
        elif final == "m":
            self._colour(parameters or "0")
        elif final in "JK":
            self._erase(final, parameters or "0")

    def _move_by_character(self, character: str) -> None:
        if character == "\n":
            self._y += 1
        elif character == "\r":
            self._x = 0

    def _colour(self, parameters: str) -> None:
        codes = parameters.split(";")
        at = 0
        while at < len(codes):
            code = codes[at]
            long = {"2": 5, "5": 3}.get(codes[at + 1] if at + 1 < len(codes) else "", 1) if code in {"38", "48"} else 1
            if code in {"", "0", "49"}:
                self._ground = _PLAIN
            elif code == "48" or (len(code) == 2 and code[0] == "4") or (len(code) == 3 and code[:2] == "10"):
                self._ground = ";".join(codes[at : at + long])
            at += long

    def _erase(self, what: str, how: str) -> None:
        rows = (
            range(self.height) if what == "J" and how in {"2", "3"} else range(self._y, min(self._y + 1, self.height))
        )
        for y in rows:
            first = self._x if how == "0" else 0
            self._cells[y][first:] = [" "] * (self.width - first)
            self._grounds[y][first:] = [self._ground] * (self.width - first)

    def line(self, y: int) -> str:
        """The text of a line, from the top."""
        return "".join(self._cells[y])

    def text(self) -> str:
        """All of it."""
        return "\n".join(map(self.line, range(self.height)))

    def odd_line(self, first: int, last: int) -> int:
        """The one line from *first* up to *last* whose ground, two cells from the left, differs; -1: none does."""
        grounds = [self._grounds[y][2] for y in range(first, last)]
        odd = [at for at, ground in enumerate(grounds) if grounds.count(ground) == 1]
        return first + odd[0] if len(odd) == 1 else -1
