"""Stands in for what reads the register: it is asked, and answers when a test says so."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from h2o_console.commands.journal import Journal
from h2o_console.commands.trials import Looked


@dataclass
class Register:
    """What it was asked, and the answers that are owed."""

    asked: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    journals: list[Future[Journal]] = field(default_factory=list[Future[Journal]])
    looks: list[Future[Looked]] = field(default_factory=list[Future[Looked]])

    def older(self, before_s: float, most: int) -> Future[Journal]:
        self.asked.append((before_s, most))
        self.journals.append(Future())
        return self.journals[-1]

    def experiments(self) -> Future[Looked]:
        self.looks.append(Future())
        return self.looks[-1]
