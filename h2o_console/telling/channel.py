"""One way to tell somebody, in a thread of its own: again and again until it is taken, and nobody waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from h2o_console.telling.notices import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from h2o_console.telling.notices import Facts, Notice

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


class NotTaken(Exception):
    """It could not be told; perhaps another time."""


class Refused(Exception):
    """It will never be taken."""


class Channel:
    """Tells what its ledger says, one after the other. `start`, then `see` after each look."""

    def __init__(
        self,
        name: str,
        tell: Callable[[Notice], None],
        say: Callable[[str], None],
        told: Mapping[str, Facts],
        keep: Callable[[Mapping[str, Facts]], None],
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """*tell* blocks, and raises NotTaken or Refused; *say*: for people, how it goes.

        *told*: what was told before this program began; *keep* that, whenever it has changed.
        """
        self.name = name
        self._tell = tell
        self._say = say
        self._keep = keep
        self._first_pause_s = first_pause_s
        self._ledger = Ledger(dict(told))
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tell {name}", daemon=True)
        self._failed = 0

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def see(self, causes: Mapping[str, Facts], open_ids: Collection[str], now_s: float) -> None:
        """How it is now, as `Ledger.see`; never waits for anybody."""
        with self._lock:
            crowded = self._ledger.crowded
            self._ledger.see(causes, open_ids, now_s)
            more = self._ledger.crowded if not crowded else 0
        if more:
            self._say(f"{self.name}: too many findings are open at once; {more} are not told until others have closed")
        self._news.set()

    def stop(self, within_s: float) -> None:
        """Tell no more; what is just being told has *within_s* to be taken."""
        self._stopped.set()
        self._news.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                notice = self._ledger.next()
            if notice is None:
                self._news.wait()
                self._news.clear()
            elif not self._told(notice):
                self._stopped.wait(min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** min(self._failed - 1, 10)))

    def _told(self, notice: Notice) -> bool:
        """Somebody has it, or nobody ever will; False: later."""
        try:
            self._tell(notice)
        except Refused as error:
            self._say(f"{self.name} refuses {notice.facts.id} ({notice.event}): {error}; it is not told again")
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody is to be told of the finding all the same
            with self._lock:
                self._ledger.failed(notice)
            self._failed += 1
            if self._failed == 1:
                why = str(error) if isinstance(error, NotTaken) else f"{type(error).__name__}: {error}"
                self._say(f"{self.name} does not take it: {why}; it is tried again until it does")
            return False
        else:
            self._again()
        with self._lock:
            self._ledger.done(notice)
            told = dict(self._ledger.told)
        self._keep(told)
        return True

    def _again(self) -> None:
        """Say that it works again, when it did not."""
        if self._failed:
            with self._lock:
                passed, self._ledger.passed = self._ledger.passed, 0
            lost = f"; {passed} came and went untold" if passed else ""
            self._say(f"{self.name} takes it again, after {self._failed} attempts{lost}")
        self._failed = 0
