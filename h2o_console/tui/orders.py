"""What can be typed after ``:``, in one table; the help screen is made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final


@dataclass(frozen=True, slots=True)
class Order:
    """A command: its names (the first is shown), what follows it, the action it runs, and what it does."""

    names: tuple[str, ...]
    takes: str
    action: str
    does: str


ORDERS: Final[Sequence[Order]] = (
    Order(("packages", "pkg"), "", "packages", "all packages"),
    Order(("package", "p"), "NAME", "package", "one package in full; any part of its name that is unique"),
    Order(("filter", "f"), "TEXT", "filter", "show what matches, !TEXT what does not; nothing clears it"),
    Order(("sort",), "WHAT", "sort", "trouble, name, requests, p95, errors, instances; again to reverse"),
    Order(("theme",), "NAME", "theme", "dark, light, deuteranopia, terminal, mono"),
    Order(("help", "h"), "", "help", "keys, signs and columns"),
    Order(("q", "quit"), "", "quit", "quit"),
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What was typed is no command; the sentence says what is."""

    why: str


def understand(typed: str) -> tuple[Order, str] | Unknown:
    """``package cust`` → (the order, ``cust``). An unfinished name is enough when it is unique."""
    word, _, rest = typed.strip().partition(" ")
    by_name = {name: order for order in ORDERS for name in order.names}
    if word in by_name:
        return by_name[word], rest.strip()
    begun = [order for order in ORDERS if any(name.startswith(word) for name in order.names)]
    if len(begun) == 1:
        return begun[0], rest.strip()
    near = [order.names[0] for order in begun] or get_close_matches(word, by_name, 1) or [o.names[0] for o in ORDERS]
    return Unknown(f"no command {word!r}; try :{', :'.join(near)}")
