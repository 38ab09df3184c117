"""Many questions at once, answers as they come; whoever has heard enough leaves, and nobody waits for the rest."""

from __future__ import annotations

import queue
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

Answer = TypeVar("Answer")

MOST_AT_ONCE: Final = 256
TICK_S: Final = 0.2


def answers(names: Collection[str], ask: Callable[[str], Answer]) -> Generator[tuple[str, Answer] | None]:
    """(name, what *ask* returns of it) as each is there; None about every 0.2 s in between.

    Asked in threads that the end of the program does not wait for: an operator's Ctrl-C ends it at once, while a pool
    of `concurrent.futures` would hold it until the slowest host has timed out. What *ask* raises is raised here.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    answered: queue.SimpleQueue[tuple[str, Answer | BaseException]] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answered.put((name, ask(name)))
            except BaseException as error:  # noqa: BLE001 - raised again where somebody hears it
                answered.put((name, error))

    for _ in range(min(MOST_AT_ONCE, len(names))):
        Thread(target=work, name="asking", daemon=True).start()
    left = len(names)
    while left:
        try:
            name, said = answered.get(timeout=TICK_S)
        except queue.Empty:
            yield None
            continue
        left -= 1
        if isinstance(said, BaseException):
            raise said
        yield name, said
