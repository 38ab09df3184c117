"""A line that is being typed: what each key makes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Typing:
    """`text`, and before which of its characters the next one goes."""

    text: str = ""
    at: int = 0

    @staticmethod
    def begun(text: str) -> Typing:
        """At its end."""
        return Typing(text, len(text))

    def pressed(self, key: str, character: str) -> Typing:
        """After that key; *character* is "" for what can't be printed."""
        before, after = self.text[: self.at], self.text[self.at :]
        match key:
            case "backspace":
                return Typing(before[:-1] + after, max(self.at - 1, 0))
            case "delete":
                return Typing(before + after[1:], self.at)
            case "left" | "right":
                by = -1 if key == "left" else 1
                return Typing(self.text, min(max(self.at + by, 0), len(self.text)))
            case "home" | "ctrl+a":
                return Typing(self.text, 0)
            case "end" | "ctrl+e":
                return Typing.begun(self.text)
            case "ctrl+u":
                return Typing(after, 0)
            case _:
                return self.put(character)

    def put(self, text: str) -> Typing:
        """After *text* was typed, or pasted; what can't be printed is left out."""
        kept = "".join(char for char in text if char.isprintable())[: max(_LONGEST - len(self.text), 0)]
        return Typing(self.text[: self.at] + kept + self.text[self.at :], self.at + len(kept))

    def completed(self, offers: Iterable[str]) -> Typing:
        """The word before the cursor, as far as all that it may become agree; where that is no step, the first."""
        before = self.text[: self.at]
        word = before[before.rfind(" ") + 1 :]
        fitting = [one for one in offers if one.startswith(word)]
        if not fitting:
            return self
        least, most = min(fitting), max(fitting)
        agreed = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(least, most, strict=False)))
        return self.put((agreed if len(agreed) > len(word) else fitting[0])[len(word) :])
