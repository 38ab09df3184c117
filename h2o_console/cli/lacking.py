"""What to type instead of an option that reading commands share, for a command that lacks it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

_WATCH: Final = frozenset({"-w", "--watch"})
_CHANGE: Final = "a change is watched by itself until every broker applies it (--wait); all changes: h2o journal -w"
_TRIAGE: Final = "how findings stand then: h2o triage -o json, h2o triage -w"
_CONTEXT: Final = "what commands use then: h2o context show -o json"
_INSTEAD: Final[Mapping[tuple[str, bool], str]] = {
    ("h2o timeline", True): "what has passed stands still; what comes: h2o journal -w, h2o triage -w",
    ("h2o call", True): "a call is made once; what is counted of all of them: h2o stats --window 10s -w",
    ("h2o call", False): "a reply has no table: -o json, -o yaml",
    **{(f"h2o triage {does}", how): _TRIAGE for does in ("ack", "unack", "mute", "unmute") for how in (True, False)},
    **{("h2o context use", how): _CONTEXT for how in (True, False)},
}
"""By command, and whether it was to be watched."""


def instead(context: click.Context, option: str) -> str:
    """For the command of *context*, "" where its help says it better."""
    watch = option in _WATCH
    if watch and any("--dry-run" in one.opts for one in context.command.params):
        return _CHANGE
    shared = watch or option in {"-o", "--output", "--json", "--no-headers"}
    return _INSTEAD.get((context.command_path, watch), "") if shared else ""
