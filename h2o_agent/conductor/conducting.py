"""Who conducts, and what the conductor sees to, as this agent knows it: for `/conductor` and `/health`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from h2o_agent.conductor.duties import Due, Remark
    from h2o_core.election import Leader


@dataclass(frozen=True, slots=True)
class Conducting:
    """`leading`: this agent does. `standing`: where its candidature is, in a word. `leader`: who says that it does.

    The rest is known to the conductor alone: `dues`, the first one first; `remarks`; `next_s`, when it looks again
    (Unix time of the register); `problem`, why it can't see to them at the moment.
    """

    leading: bool
    standing: str
    drained: bool = False
    leader: Leader | None = None
    term: int | None = None
    dues: tuple[Due, ...] = ()
    remarks: tuple[Remark, ...] = ()
    next_s: float | None = None
    problem: str = ""
