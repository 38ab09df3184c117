"""Where each value of a context comes from: a flag, the environment, a line of the configuration file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.cli.typos import line_of
from h2o_core.context import AGENT_SOCKET, KEYS

if TYPE_CHECKING:
    from h2o_core.context import Configuration, Context, Overrides

_FLAGS: Final = {"zookeeper": "--zk", "fleet": "--fleet", "agent": "--agent"}
_VARIABLES: Final = {"zookeeper": "H2O_ZK", "fleet": "H2O_FLEET", "agent": "H2O_AGENT", "run_dir": "H2O_BROKER"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a context; `origin` is a few words, "" where there is no value."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Said:
    """The three sources that a context is made of, and the file's text and path."""

    flags: Overrides
    environment: Overrides
    configuration: Configuration
    path: str
    text: str


def values(context: Context, said: Said) -> list[Value]:
    """The context's name, then each of its values, in the order of `KEYS`."""
    found = [Value("context", context.name, _of_name(context, said))]
    for key in KEYS:
        value = getattr(context, key)
        shown = ("true" if value else "") if isinstance(value, bool) else str(value)
        found.append(Value(key, shown, _origin(key, context, said) if shown else ""))
    return found


def _of_name(context: Context, said: Said) -> str:
    if not context.name:
        return ""
    if said.flags.context:
        return "--context"
    if said.environment.context:
        return "H2O_CONTEXT"
    return f"{said.path}: current, line {line_of(said.text, '', 'current')}"


def _origin(key: str, context: Context, said: Said) -> str:
    if getattr(said.flags, key, ""):
        return _FLAGS[key]
    if not said.flags.context and getattr(said.environment, key, ""):
        return _VARIABLES[key]
    stored = said.configuration.contexts.get(context.name)
    if stored is not None and _plain(getattr(stored, key)) == _plain(getattr(context, key)):
        number = line_of(said.text, f"contexts.{context.name}", key)
        return f"{said.path}: [contexts.{context.name}]" + (f", line {number}" if number else "")
    if key == "agent" and context.agent == f"unix:{context.run_dir}/{AGENT_SOCKET}":
        return "beside the broker" if _is_said("run_dir", context, said) else "this user's runtime directory"
    if key == "run_dir" and _is_said("agent", context, said):
        return "beside the agent"
    return "this user's runtime directory"


def _plain(value: str | bool) -> str:  # noqa: FBT001 - a context's value as it is
    """An address in any of its spellings is the same."""
    return str(value).removeprefix("http://").removeprefix("unix:").rstrip("/")


def _is_said(key: str, context: Context, said: Said) -> bool:
    stored = said.configuration.contexts.get(context.name)
    return bool(
        getattr(said.flags, key, "")
        or getattr(said.environment, key, "")
        or (stored is not None and getattr(stored, key))
    )
