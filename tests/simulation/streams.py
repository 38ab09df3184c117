"""Unix streams between a broker and its host's processes: in order, nothing lost while both ends live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.simulation.agenda import MS, US

if TYPE_CHECKING:
    from random import Random

    from tests.simulation.agenda import Agenda

KERNEL_TAKES = 8
"""Frames that fit into a stream whose other end does not read."""


class End(Protocol):
    """Who is at an end of a stream."""

    def heard(self, stream: Stream, frame: bytes, sent_ns: int) -> None:
        """A frame has come."""

    def over(self, stream: Stream) -> None:
        """The other end is gone, and all that it had said was heard."""


class Stream:
    """A process opened it; `rid` is the broker's name for it. Frames not taken by the kernel wait in `pending`."""

    def __init__(self, agenda: Agenda, dice: Random, broker: End, process: End, rid: bytes) -> None:
        self.rid = rid
        self.pending: list[tuple[bytes, int]] = []
        """For the process, which does not read: (frame, since when)."""
        self.reads = True
        """The process reads."""
        self.open = True
        self._agenda = agenda
        self._dice = dice
        self._broker = broker
        self._process = process
        self._unread: list[tuple[bytes, int]] = []
        self._up_ns = self._down_ns = 0
        self._process_lives = True

    def up(self, frame: bytes) -> None:
        """The process says *frame*."""
        self._up_ns = max(self._up_ns, self._agenda.now + self._dice.randrange(5 * US, 200 * US))
        self._agenda.at(self._up_ns, self._arrive_up, frame, self._agenda.now)

    def _arrive_up(self, frame: bytes, sent_ns: int) -> None:
        if self.open:
            self._broker.heard(self, frame, sent_ns)

    def down(self, frame: bytes) -> bool:
        """The broker says *frame*; False when the process is gone already."""
        if not self._process_lives:
            return False
        if not self.reads and len(self._unread) >= KERNEL_TAKES:
            self.pending.append((frame, self._agenda.now))
            return True
        self._send_down(frame, self._agenda.now)
        return True

    def _send_down(self, frame: bytes, sent_ns: int) -> None:
        self._down_ns = max(self._down_ns, self._agenda.now + self._dice.randrange(5 * US, 200 * US))
        self._agenda.at(self._down_ns, self._arrive_down, frame, sent_ns)

    def _arrive_down(self, frame: bytes, sent_ns: int) -> None:
        if not self._process_lives:
            return
        if self.reads:
            self._process.heard(self, frame, sent_ns)
        else:
            self._unread.append((frame, sent_ns))

    def read_again(self) -> None:
        """The process reads what has waited, and from now on."""
        self.reads = True
        waiting, self._unread = self._unread, []
        for frame, sent_ns in waiting:
            if self._process_lives:
                self._process.heard(self, frame, sent_ns)
        pending, self.pending = self.pending, []
        for frame, sent_ns in pending:
            self._send_down(frame, sent_ns)

    def process_ends(self) -> None:
        """The process is gone: the broker hears what it has said, and then the end."""
        if self._process_lives:
            self._process_lives = False
            self._up_ns = max(self._up_ns, self._agenda.now + self._dice.randrange(5 * US, 200 * US))
            self._agenda.at(self._up_ns, self._end_up)

    def _end_up(self) -> None:
        if self.open:
            self.open = False
            self._broker.over(self)

    def broker_ends(self) -> None:
        """The broker is gone: the process hears what it has said, and then the end."""
        if self.open:
            self.open = False
            self.pending.clear()
            self._down_ns = max(self._down_ns, self._agenda.now + self._dice.randrange(5 * US, 200 * US))
            self._agenda.at(self._down_ns, self._end_down)

    def _end_down(self) -> None:
        if not self._process_lives:
            return
        if not self.reads:
            self._agenda.after(5 * MS, self._end_down)
            return
        self._process_lives = False
        self._process.over(self)
