"""Plays a recording in a thread of its own, in the place of the poller; a person pauses, hastens and leaps in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.poller import monotonic_s
from h2o_console.feed.thread import name_thread
from h2o_console.recording.history import NOT_HERE, Histories
from h2o_console.recording.playing import Playing

if TYPE_CHECKING:
    from h2o_console.recording.tape import Tape
    from h2o_console.store.fleet import Store

T = TypeVar("T")
NAME: Final = "h2o-player"
SPEEDS: Final = (0.1, 60.0)
_TURN_S: Final = 0.05
_LATE_S: Final = 0.5
_STOP_S: Final = 3.0


class Player:
    """`start` it once; it ends with `stop`. `error`: what ended it otherwise."""

    def __init__(
        self, tape: Tape, store: Store, at_s: float | None = None, clock: Callable[[], float] = monotonic_s
    ) -> None:
        self.tape = tape
        self.error: BaseException | None = None
        self.speed = 1.0
        self.paused = False
        self._playing = Playing(tape, store, at_s)
        self._histories = Histories(tape)
        self._reader = ThreadPoolExecutor(1, "h2o-history")
        self._clock = clock
        self._wanted_s: float | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    # the clocks

    def stage_s(self) -> float:
        """What store and screens run on."""
        return self._playing.stage_s

    def wall_s(self) -> float:
        """The moment of the recording, Unix time."""
        return self._playing.at_s

    @property
    def jumps(self) -> int:
        """Raised whenever what is shown does not follow from what was shown before."""
        return self._playing.jumps

    @property
    def left_s(self) -> float:
        """How much is still to come."""
        return max(self.tape.ended_s - self._playing.at_s, 0.0)

    # the person

    def leap(self, by_s: float) -> None:
        """Forth, or back; leaps that follow one another fast add up."""
        with self._wake:
            from_s = self._playing.at_s if self._wanted_s is None else self._wanted_s
            self._want(from_s + by_s)

    def go(self, to_s: float) -> None:
        """To a moment, Unix time."""
        with self._wake:
            self._want(to_s)

    def _want(self, to_s: float) -> None:
        self._wanted_s = min(max(to_s, self.tape.began_s), self.tape.ended_s)
        self._wake.notify()

    def pause(self) -> None:
        """Stand still, or go on."""
        self.paused = not self.paused

    # in the place of the poller

    def start(self) -> None:
        """Play from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Play no longer. Idempotent."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._reader.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def look_at(self, hosts: Iterable[str]) -> None:
        """Nobody can be asked more often."""

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Nobody can be asked."""
        return {}

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        """Nobody can be asked."""
        del host, path
        failed: Future[Mapping[str, Any]] = Future()
        failed.set_exception(OutOfReach(NOT_HERE))
        return failed

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        """What *take* makes of *host*'s history, as the recording has it until now; the future raises OutOfReach."""
        now_s = self._playing.at_s
        return self._reader.submit(lambda: take(self._histories.answer(host, path, now_s)))

    def _run(self) -> None:
        name_thread(NAME)
        try:
            before_s = self._clock()
            while True:
                with self._wake:
                    if self._wanted_s is None and not self._stopping:
                        self._wake.wait(_TURN_S)
                    if self._stopping:
                        return
                    wanted_s = self._wanted_s
                now_s = self._clock()
                self._turn(wanted_s, min(now_s - before_s, _LATE_S))
                before_s = now_s
        except BaseException as error:  # noqa: BLE001 - told to the application, which ends with it
            self.error = error

    def _turn(self, wanted_s: float | None, passed_s: float) -> None:
        if wanted_s is not None:
            self._playing.seek(wanted_s)
            with self._wake:
                if self._wanted_s == wanted_s:
                    self._wanted_s = None
        elif not self.paused and not self._playing.ended:
            self._playing.play(passed_s * self.speed)
