"""Command lines for what a plan does and for what takes it back, quoted for a shell. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from h2o_core.control.hosts import HostState
from h2o_core.names import shown
from h2o_core.weights import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_core.control.hosts import HostControl
    from h2o_core.control.settings import FleetSettings
    from h2o_core.control.traffic import Traffic

UNDO = "h2o undo"
"""Takes back one's own last change, whatever it was."""
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def line(*words: str, reason: str = "") -> str:
    """``h2o`` and *words*, each quoted where a shell would read it otherwise."""
    return shlex.join(["h2o", *words, *(["--reason", reason] if reason else [])])


def duration(seconds: float) -> str:
    """As it is typed: ``4h``, ``90m``, ``45s``; rounded to a second, and only nothing is ``0s``."""
    if not seconds:
        return "0s"
    whole = max(1, round(seconds))
    unit, size = next((unit, size) for unit, size in _UNITS if not whole % size)
    return f"{whole // size}{unit}"


def until(at_s: float, now_s: float) -> list[str]:
    """The flag for an end at that Unix time; 0 is for none."""
    return ["--until", duration(at_s - now_s) if at_s else "never"]


def weights(given: Mapping[str, int]) -> list[str]:
    """``2.1.0=10%`` …: one version that has all stands alone, others are named when they have something."""
    return [f"{version}={percent(parts)}" for version, parts in given.items() if parts]


def weight(traffic: Traffic) -> str:
    """What decides these weights and this fallback, whatever stands there; match rules are not a command's."""
    return line("weight", shown(traffic.package), *weights(dict(traffic.weights)), "--stable", traffic.stable)


def host(control: HostControl, now_s: float) -> str:
    """What drains or avoids a host as this document does."""
    over = 0 < control.until_s <= now_s
    ends = [] if over else until(control.until_s, now_s)
    if control.state is HostState.AVOID:
        return line("avoid", control.host, *ends)
    return line("drain", control.host, *ends, "--grace", duration(control.grace_s))


def undrain(hosts: Iterable[str]) -> str:
    """What puts hosts back in use."""
    return line("undrain", *hosts)


def settings(document: FleetSettings) -> str:
    """What decides all of the fleet's settings."""
    return line("settings", f"new_versions={document.new_versions}", f"tiers={document.tiers}")
