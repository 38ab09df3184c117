"""Which fleet a command reaches: flags beat the environment, which beats the configuration file.

Pure: texts and mappings in, one `Context` out. Reading and writing the file is `h2o_core.io.context`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_SOCKET_PATH_BYTES: Final = 107
"""What `sockaddr_un.sun_path` holds on Linux, without its closing zero."""

BROKER_SOCKET: Final = "broker.sock"
AGENT_SOCKET: Final = "agent.sock"

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_TEXT_KEYS: Final = ("fleet", "zookeeper", "agent", "run_dir", "secret_file", "token_file", "write_token_file")
KEYS: Final = (*_TEXT_KEYS, "dev")
"""What a context's table may hold."""


class NoContext(ValueError):
    """It can't be told which fleet or broker is meant; the sentence says what to type."""


@dataclass(frozen=True, slots=True)
class Context:
    """How to reach a fleet. Texts are empty when unknown.

    ``agent`` is ``unix:<path>`` or ``http://host:port``; ``run_dir`` is the runtime directory of the
    default host, when that host is this machine. ``secret_file`` holds the fleet's secret, for reading ZooKeeper and
    other machines' agents; ``token_file`` a token for the latter alone, where the secret is not to be, and
    ``write_token_file`` one for having them do something, too.
    """

    name: str = ""
    fleet: str = ""
    zookeeper: str = ""
    agent: str = ""
    run_dir: str = ""
    dev: bool = False
    secret_file: str = ""
    token_file: str = ""
    write_token_file: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration file: named contexts, and the one that is meant when none is named."""

    current: str = ""
    contexts: Mapping[str, Context] = field(default_factory=dict[str, Context])


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one source (the flags, or the environment) says. Empty texts say nothing."""

    context: str = ""
    zookeeper: str = ""
    fleet: str = ""
    agent: str = ""
    run_dir: str = ""


def from_environment(environ: Mapping[str, str]) -> Overrides:
    """The environment's part: H2O_CONTEXT, H2O_ZK, H2O_FLEET, H2O_AGENT, H2O_BROKER."""
    return Overrides(
        context=environ.get("H2O_CONTEXT", ""),
        zookeeper=environ.get("H2O_ZK", ""),
        fleet=environ.get("H2O_FLEET", ""),
        agent=environ.get("H2O_AGENT", ""),
        run_dir=environ.get("H2O_BROKER", ""),
    )


def resolve(flags: Overrides, environment: Overrides, configuration: Configuration) -> Context:
    """Fold file, environment and flags; raises NoContext for a context that the file does not have.

    Whoever names another ZooKeeper, fleet or host means *its* agent and broker: those of weaker sources
    are dropped, so that nothing is ever asked of an agent of a fleet that was not meant.
    """
    context = Context()
    if not flags.context:
        context = _named(environment.context or configuration.current, configuration)
        context = _applied(context, environment)
    else:
        context = _named(flags.context, configuration)
    context = _applied(context, flags)
    if context.agent:
        context = replace(context, agent=parse_agent(context.agent))
    if not context.run_dir and context.agent.startswith("unix:"):
        context = replace(context, run_dir=context.agent[len("unix:") :].rpartition("/")[0])
    if not context.agent and context.run_dir:
        context = replace(context, agent=f"unix:{context.run_dir}/{AGENT_SOCKET}")
    return context


def _named(name: str, configuration: Configuration) -> Context:
    if not name:
        return Context()
    context = configuration.contexts.get(name)
    if context is None:
        known = ", ".join(sorted(configuration.contexts)) or "none"
        msg = f"there is no context {name!r} in the configuration file (known: {known}); name another: --context NAME"
        raise NoContext(msg)
    return context


def _applied(context: Context, said: Overrides) -> Context:
    if said.zookeeper or said.fleet:
        context = replace(context, agent="", run_dir="", dev=False, secret_file="", token_file="", write_token_file="")
    elif said.run_dir or said.agent:
        context = replace(context, agent="", run_dir="")
    named = {key: value for key in _TEXT_KEYS if (value := getattr(said, key, ""))}
    return replace(context, **named)


def parse_agent(text: str) -> str:
    """``unix:/path``, ``/path``, ``http://host:port`` or ``host:port`` → ``unix:…`` or ``http://…``."""
    if text.startswith("/"):
        return f"unix:{text}"
    if text.startswith("unix:/"):
        return text
    address = text.removeprefix("http://").rstrip("/")
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or "/" in address or not 0 < int(port) < 65536:
        msg = f"{text!r} is not an agent's address; write unix:/run/h2o/agent.sock or http://host:port"
        raise NoContext(msg)
    return f"http://{address}"


def check_socket_path(path: str) -> str:
    """Return *path* when a Unix socket can have it; raise NoContext otherwise."""
    length = len(path.encode())
    if length > MAX_SOCKET_PATH_BYTES:
        msg = f"{path} has {length} bytes, a socket's path at most {MAX_SOCKET_PATH_BYTES}; use a shorter directory"
        raise NoContext(msg)
    return path


def short_hash(text: str) -> str:
    """Eight hex digits that stand for *text* where paths must be short."""
    return f"{crc32(text.encode()):08x}"


def parse_configuration(data: Mapping[str, Any]) -> Configuration:
    """Check what the TOML parser returned; raises NoContext with a sentence that says what to change."""
    current = _text(data, "current", "the configuration file")
    tables: Any = data.get("contexts", {})
    if not isinstance(tables, dict):
        msg = "contexts is a table of contexts; write [contexts.NAME]"
        raise NoContext(msg)
    contexts = {name: _parse_context(name, table) for name, table in cast("dict[str, Any]", tables).items()}
    return Configuration(current, contexts)


def _parse_context(name: str, table: Any) -> Context:
    where = f"[contexts.{name}]"
    if not isinstance(table, dict):
        msg = f"{where} is not a table; write {where} on a line of its own"
        raise NoContext(msg)
    values = cast("dict[str, Any]", table)
    dev = values.get("dev", False)
    if not isinstance(dev, bool):
        msg = f"{where}: dev = {dev!r} is not true or false"
        raise NoContext(msg)
    texts = {key: _text(values, key, where) for key in _TEXT_KEYS}
    return Context(name=name, dev=dev, **texts)


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        msg = f"{where}: {key} = {value!r} is not a text; put it in quotes"
        raise NoContext(msg)
    return value


def with_context(text: str, context: Context) -> str:
    """The configuration file's *text* with *context* put in as the current one; all other lines stay as they are.

    Raises NoContext when the context's name can't be a bare TOML key.
    """
    if not _NAME.fullmatch(context.name):
        msg = f"{context.name!r} is not a context's name; use letters, digits, _ and -"
        raise NoContext(msg)
    head, tables = _without_table(text.splitlines(), f"[contexts.{context.name}]")
    head = [line for line in head if not re.match(r"\s*current\s*=", line)]
    lines = [f"current = {_quoted(context.name)}", *head, *tables]
    while lines and not lines[-1].strip():
        lines.pop()
    lines += ["", f"[contexts.{context.name}]"]
    lines += [f"{key} = {_quoted(value)}" for key in _TEXT_KEYS if (value := getattr(context, key))]
    if context.dev:
        lines.append("dev = true")
    return "\n".join(lines) + "\n"


def with_current(text: str, name: str) -> str:
    """The configuration file's *text* with *name* as the current context; all other lines stay as they are."""
    head, tables = _without_table(text.splitlines(), "")
    head = [line for line in head if not re.match(r"\s*current\s*=", line)]
    return "\n".join([f"current = {_quoted(name)}", *head, *tables]) + "\n"


def _without_table(lines: Iterable[str], header: str) -> tuple[list[str], list[str]]:
    """(lines before the first table, all tables but *header*'s)."""
    head: list[str] = []
    tables: list[str] = []
    dropping = False
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("["):
            dropping = stripped.split("#")[0].strip() == header
        if dropping:
            continue
        (tables if tables or stripped.startswith("[") else head).append(line)
    return head, tables


def _quoted(text: str) -> str:
    escaped = "".join(
        _ESCAPES.get(char, char) if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}" for char in text
    )
    return f'"{escaped}"'


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"'}
