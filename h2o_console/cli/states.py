"""How loud the states of instances, links, checks and processes are said, the same on every page. Pure."""

from __future__ import annotations

from typing import Final

from h2o_console.sections import Colour

STATES: Final = {
    "ready": Colour.GOOD,
    "running": Colour.GOOD,
    "up": Colour.GOOD,
    "self": Colour.GOOD,
    "pass": Colour.GOOD,
    "kept": Colour.GOOD,
    "connected": Colour.GOOD,
    "starting": Colour.WARN,
    "leaving": Colour.WARN,
    "warn": Colour.WARN,
    "connecting": Colour.WARN,
    "suspect": Colour.BAD,
    "refused": Colour.BAD,
    "backoff": Colour.BAD,
    "failed": Colour.BAD,
    "fail": Colour.BAD,
    "broken": Colour.BAD,
    "unknown": Colour.FAINT,
}
