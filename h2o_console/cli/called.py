"""What was typed after `h2o call`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from h2o_console.cli.output import Format
    from h2o_core.context import Overrides
    from h2o_core.io.calling import Asked


@dataclass(frozen=True, slots=True)
class Call:
    """`request` is JSON, "-" stands for standard input, None for an example. `yes`: do not ask."""

    asked: Asked
    request: str | None
    output: Format
    flags: Overrides
    yes: bool = False
    journal: bool = True
    reason: str = ""
