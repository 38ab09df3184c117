"""Reads the register besides what agents tell: older changes, how experiments stand; never in the screen's thread."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.commands.journal import Journal
    from h2o_console.commands.trials import Looked, Looking
    from h2o_core.context import Context

_TIMEOUT_S: Final = 5.0
T = TypeVar("T")


class RegisterReader(Protocol):
    """What screens ask of the register; the futures raise what a sentence can be made of."""

    def older(self, before_s: float, most: int) -> Future[Journal]:
        """At most *most* changes that were applied before that Unix time, the newest first."""
        ...

    def experiments(self) -> Future[Looked]:
        """How all experiments stand now."""
        ...


class ReadsRegister:
    """Of one context. A thread for each question: they are few, and none may keep the console from ending."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looking: Looking | None = None

    def older(self, before_s: float, most: int) -> Future[Journal]:
        """See `RegisterReader`."""

        def work() -> Journal:
            from h2o_console.asking.register import in_register  # noqa: PLC0415 - kazoo, which the first screen needs not
            from h2o_console.commands.journal import Wanted, read_journal  # noqa: PLC0415 - as above

            wanted = Wanted(until_s=before_s)
            return in_register(self._context, _TIMEOUT_S, lambda registry: read_journal(registry, wanted, most))

        return _in_thread(work)

    def experiments(self) -> Future[Looked]:
        """See `RegisterReader`; to be asked again only when it has answered."""

        def work() -> Looked:
            from h2o_console.commands.trials import Looking  # noqa: PLC0415 - as above

            self._looking = self._looking or Looking(self._context, _TIMEOUT_S, _ignored)
            return self._looking.look()

        return _in_thread(work)


def _in_thread(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it says it
            future.set_exception(error)

    Thread(target=run, name="h2o-register", daemon=True).start()
    return future


def _ignored(_sentence: str) -> None:
    """What can't be read is said where it is looked for: h2o journal."""


def why_not(error: BaseException) -> tuple[str, str]:
    """What a future's exception says, and what to type."""
    sentence: Any = getattr(error, "sentence", "")
    hint: Any = getattr(error, "hint", "")
    return str(sentence or error or type(error).__name__), str(hint)
