"""What an instance may take of its host, as the host file says it: ``limits = { nofile = 4096, memory_mib = 512 }``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

_RANGES: Final = {"nofile": (16, 1 << 30), "memory_mib": (8, 1 << 24), "nice": (-20, 19)}
_ELSEWHERE: Final = {
    "cpu": "CPUQuota=",
    "processes": "TasksMax=",
}


class InvalidLimits(ValueError):
    """The sentence says what to write instead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """0: none, and the system's own stay."""

    nofile: int = 0
    """Open files, sockets included."""
    memory_mib: int = 0
    """Resident memory of the process itself."""
    nice: int = 0
    """As of nice(1), for the process and what it starts."""

    def document(self) -> dict[str, int]:
        """Those that there are."""
        values = {each.name: int(getattr(self, each.name)) for each in fields(self)}
        return {name: value for name, value in values.items() if value}


NO_LIMITS: Final = Limits()


def parse_limits(table: Any) -> Limits:
    """The `limits` of an ``[[instance]]`` as TOML parsed it; raises InvalidLimits."""
    if not isinstance(table, dict):
        msg = "limits is a table: limits = { nofile = 4096, memory_mib = 512 }"
        raise InvalidLimits(msg)
    values: dict[str, int] = {}
    for name, value in table.items():  # pyright: ignore[reportUnknownVariableType] - TOML
        values[name] = _checked(str(name), value)  # pyright: ignore[reportUnknownArgumentType] - TOML
    return Limits(**values)


def _checked(name: str, value: Any) -> int:
    if name in _ELSEWHERE:
        msg = (
            f"limits can't keep {name}: only a control group can, and the agent makes none (docs/hosts.md); "
            f"for the host as a whole there is {_ELSEWHERE[name]} in its systemd unit, for an instance nice"
        )
        raise InvalidLimits(msg)
    if name not in _RANGES:
        msg = f"limits has no key {name!r}; it knows {', '.join(sorted(_RANGES))}"
        raise InvalidLimits(msg)
    least, most = _RANGES[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        msg = f"limits: {name} = {value!r} is not a whole number from {least} to {most}"
        raise InvalidLimits(msg)
    return value
