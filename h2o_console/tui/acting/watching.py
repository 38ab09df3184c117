"""What was decided, until every broker applies it: a word in the status line, and at the end what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.commands.drained import HostDrain, far
from h2o_console.commands.failures import explained
from h2o_console.rows.cells import Tone
from h2o_core.plan.intents import Drain

if TYPE_CHECKING:
    from h2o_console.commands.carrying import Prepared
    from h2o_console.commands.executor import Executor
    from h2o_console.tui.acting.background import Background
    from h2o_core.io.changes import Applied

_NAMED: Final = 3
Say = Callable[[str, Tone], None]


@dataclass(slots=True)
class Watch:
    """One change. `far`: how far it is, for the status line."""

    applied: Applied
    far: str


class Watching:
    """All that is not over yet; *say* hears how each ended."""

    def __init__(self, executor: Executor, background: Background, say: Say) -> None:
        self._executor = executor
        self._background = background
        self._say = say
        self._open: list[Watch] = []

    @property
    def line(self) -> str:
        """How far the last one is, and how many more there are; "" when nothing is watched."""
        if not self._open:
            return ""
        more = f"  (and {len(self._open) - 1} more)" if len(self._open) > 1 else ""
        return f"{self._open[-1].far}{more}"

    @property
    def stands(self) -> tuple[Applied, ...]:
        """What is not known to be applied by all."""
        return tuple(one.applied for one in self._open)

    def begin(self, prepared: Prepared, applied: Applied) -> None:
        """From its transaction on."""
        watched = Watch(applied, f"epoch {applied.epoch} is written")
        self._open.append(watched)
        hosts = prepared.plan.intent.hosts if isinstance(prepared.plan.intent, Drain) else ()

        def wait() -> tuple[str, Tone]:
            everybody = self._executor.wait(prepared, applied, lambda count, late: _tell(watched, count, late))
            said = everybody.sentence(applied.epoch)
            if everybody.behind:
                return f"{said}; :journal has it", Tone.BAD
            if not hosts:
                return said, Tone.GOOD
            self._background.tell(lambda: self._say(said, Tone.GOOD))
            return self._drained(watched, prepared, hosts)

        def done(result: tuple[str, Tone]) -> None:
            self._open.remove(watched)
            self._say(*result)

        def failed(error: Exception) -> None:
            self._open.remove(watched)
            self._say(f"epoch {applied.epoch} is written; whether brokers apply it: {explained(error)[0]}", Tone.WARN)

        self._background.run(f"epoch {applied.epoch}", wait, done, failed)

    def _drained(self, watched: Watch, prepared: Prepared, hosts: Collection[str]) -> tuple[str, Tone]:
        """Until each may be switched off."""
        found: list[HostDrain] = []
        for found in self._executor.drained(prepared, hosts):
            watched.far = far(found)
        left = [f"{one.host}: {one.remains[0]}" for one in found if not one.safe]
        if left:
            return "; ".join(left), Tone.WARN
        names = ", ".join(one.host for one in found)
        return f"{names} may be switched off: nothing runs or waits there, and nobody calls from there", Tone.GOOD


def _tell(watched: Watch, count: int, late: Collection[str]) -> None:
    named = ", ".join(sorted(late)[:_NAMED]) + (f" and {len(late) - _NAMED} more" if len(late) > _NAMED else "")
    behind = f", {named} behind" if late else ""
    watched.far = f"epoch {watched.applied.epoch}: {count}/{count + len(late)} brokers apply it{behind}"
