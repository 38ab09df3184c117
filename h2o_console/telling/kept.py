"""What was told before, in a small file: whoever begins to watch again tells nothing anew."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from h2o_console.telling.notices import Facts
from h2o_core.documents import InvalidDocument, Reader
from h2o_core.insights.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_MOST_BYTES: Final = 4 << 20
_MOST: Final = 2000


@dataclass
class Kept:
    """One file for all channels of a watcher; `say` is told what does not work, once."""

    path: Path
    say: Callable[[str], None]
    _told: dict[str, Mapping[str, Facts]] = field(default_factory=dict[str, "Mapping[str, Facts]"])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _complained: bool = False

    def read(self) -> None:
        """What is there; a file that can't be read is as none, and that is said."""
        try:
            data = self.path.read_bytes()
            reader = Reader.of_document(self.path.name, data, _MOST_BYTES)
            self._told = {name: _parse_channel(reader.object("told"), name) for name in reader.object("told").fields}
        except FileNotFoundError:
            return
        except OSError as error:
            self.say(f"what was told before can't be read: {self.path}: {error.strerror}")
        except InvalidDocument as error:
            self.say(f"what was told before can't be read, and is told again: {self.path}: {error.sentence}")

    def told(self, channel: str) -> Mapping[str, Facts]:
        """Findings that the channel was told are open, by id."""
        return self._told.get(channel, {})

    def keep(self, channel: str, told: Mapping[str, Facts]) -> None:
        """Write it down; may be called from any thread."""
        with self._lock:
            self._told[channel] = told
            written = {name: [_fields(one) for one in those.values()] for name, those in self._told.items()}
            draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                draft.write_text(json.dumps({"schema": 1, "told": written}))
                draft.replace(self.path)
            except OSError as error:
                if not self._complained:
                    self.say(f"what is told can't be written down: {self.path}: {error.strerror}")
                self._complained = True
            else:
                self._complained = False


def _fields(facts: Facts) -> dict[str, Any]:
    return {
        "fleet": facts.fleet,
        "id": facts.id,
        "kind": facts.kind,
        "name": facts.name,
        "subject": dict(facts.subject),
        "severity": facts.severity.value,
        "sentence": facts.sentence,
        "since": facts.since_s,
        "command": facts.command,
    }


def _parse_channel(reader: Reader, name: str) -> dict[str, Facts]:
    found = [_parse(one) for one in reader.objects(name, _MOST)]
    return {one.id: one for one in found}


def _parse(one: Reader) -> Facts:
    subject = one.object("subject")
    return Facts(
        fleet=one.raw_text("fleet"),
        id=one.text("id"),
        kind=one.text("kind"),
        name=one.raw_text("name"),
        subject={key: subject.raw_text(key) for key in subject.fields},
        severity=Severity(one.integer("severity", min(Severity), max(Severity))),
        sentence=one.raw_text("sentence"),
        since_s=one.number("since"),
        command=one.raw_text("command"),
    )
