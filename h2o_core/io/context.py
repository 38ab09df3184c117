"""Reads and writes the configuration file, and finds the local broker. Light: no click, httpx, kazoo.

The file is ``$H2O_CONFIG``, else ``$XDG_CONFIG_HOME/h2o/config.toml``, else ``~/.config/h2o/config.toml``::

    current = "dev"

    [contexts.dev]
    fleet = "dev"
    zookeeper = "127.0.0.1:2181"
    agent = "unix:/run/h2o/host-1/agent.sock"   # or "http://host:port"
    run_dir = "/run/h2o/host-1"
    dev = true                                  # an open register; elsewhere: secret_file = "/etc/h2o/secret"
                                                # or, for agents alone: token_file = "/etc/h2o/token", and
                                                # write_token_file to have them do something
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_core.context import (
    AGENT_SOCKET,
    BROKER_SOCKET,
    Configuration,
    Context,
    NoContext,
    Overrides,
    check_socket_path,
    from_environment,
    parse_configuration,
    resolve,
    short_hash,
    with_context,
    with_current,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Context",
    "NoContext",
    "Overrides",
    "agent_token",
    "configuration_file",
    "current_context",
    "find_broker",
    "read_configuration",
    "read_text",
    "runtime_dir",
    "write_context",
    "write_current",
]

_NOTHING = Overrides()


def runtime_dir(environ: Mapping[str, str] = os.environ, fleet: str = "") -> Path:
    """Where a host's sockets are when nobody says: ``$H2O_RUN``, ``$XDG_RUNTIME_DIR/h2o/<8 hex>``, ``/run/h2o``.

    The eight digits stand for the fleet. Neither created nor checked here; raises NoContext when this user
    has no such place.
    """
    if given := environ.get("H2O_RUN"):
        return Path(given)
    if os.getuid() == 0:
        return Path("/run/h2o")
    if base := environ.get("XDG_RUNTIME_DIR"):
        return Path(base) / "h2o" / short_hash(fleet or environ.get("H2O_FLEET", ""))
    msg = (
        "no runtime directory: set H2O_BROKER (or H2O_RUN) to the one that holds broker.sock, or start a fleet: h2o dev"
    )
    raise NoContext(msg)


def configuration_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file's path; it need not exist."""
    if given := environ.get("H2O_CONFIG"):
        return Path(given)
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".config")
    return Path(base) / "h2o" / "config.toml"


def read_configuration(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Parse the configuration file; an absent one is empty. Raises NoContext when it can't be used."""
    path = configuration_file(environ)
    text = read_text(path)
    return _parse(path, text) if text else Configuration()


def read_text(path: Path) -> str:
    """The file's text, "" when there is none; raises NoContext when it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} can't be read: {error}; mend it, or point H2O_CONFIG at another file"
        raise NoContext(msg) from None


def _parse(path: Path, text: str) -> Configuration:
    import tomllib  # noqa: PLC0415 - 8 ms that only a command without full flags needs

    try:
        return parse_configuration(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}; mend it, or point H2O_CONFIG at another file"
        raise NoContext(msg) from None
    except NoContext as error:
        msg = f"{path}: {error}"
        raise NoContext(msg) from None


def current_context(flags: Overrides = _NOTHING, environ: Mapping[str, str] = os.environ) -> Context:
    """The context that flags, environment and file agree on; raises NoContext.

    When none of them says where the agent is, it is looked for in this user's runtime directory.
    """
    context = resolve(flags, from_environment(environ), read_configuration(environ))
    if context.agent or context.zookeeper:
        return context
    try:
        run_dir = str(runtime_dir(environ, context.fleet))
    except NoContext:
        return context
    return replace(context, run_dir=run_dir, agent=f"unix:{run_dir}/{AGENT_SOCKET}")


def find_broker(environ: Mapping[str, str] = os.environ) -> str:
    """The local broker's endpoint, ``unix:<runtime directory>/broker.sock``; raises NoContext.

    ``H2O_BROKER`` (a runtime directory), else the current context's default host, else `runtime_dir`.
    Nobody needs to be there yet.
    """
    run_dir = environ.get("H2O_BROKER") or current_context(environ=environ).run_dir or str(runtime_dir(environ))
    return "unix:" + check_socket_path(f"{run_dir}/{BROKER_SOCKET}")


def agent_token(context: Context, address: str, *, write: bool = False) -> str:
    """What the agent at *address* is shown: from a file of tokens, or what follows from `secret_file`.

    Empty when the context has none; and for a Unix socket, which asks for none, unless a token to *write* says who we
    are. Who may write may read. Raises NoContext.
    """
    key, named = _token_file(context, write=write)
    if not named or (address.startswith("unix:") and not (write and key != "secret_file")):
        return ""
    # hashes, which most commands do without
    from h2o_core.access import parse_named_tokens, read_token, write_token  # noqa: PLC0415

    try:
        said = Path(named).expanduser().read_text(encoding="ascii")
        if key != "secret_file":
            return parse_named_tokens(said)[0].token
        return (write_token if write else read_token)(bytes.fromhex(said.strip()), context.fleet)
    except (OSError, ValueError) as error:
        msg = f"{key} {named} of the context can't be used: {error}; correct it in {configuration_file()}"
        raise NoContext(msg) from None


def _token_file(context: Context, *, write: bool) -> tuple[str, str]:
    """(key, path) of the file that a token comes from; the path is empty when there is none."""
    if context.token_file and not write:
        return "token_file", context.token_file
    if context.write_token_file:
        return "write_token_file", context.write_token_file
    return "secret_file", context.secret_file if context.fleet else ""


def write_context(context: Context, environ: Mapping[str, str] = os.environ) -> Path:
    """Put *context* into the configuration file as the current one, atomically; returns the file's path.

    Everything else in the file stays as it is. Raises NoContext when the present file can't be understood.
    """
    path = configuration_file(environ)
    before = read_text(path)
    known = _parse(path, before)
    after = with_context(before, context)
    expected = Configuration(context.name, {**known.contexts, context.name: context})
    if _parse(path, after) != expected:
        msg = f"{path} is laid out in a way that can't be edited safely; put {context.name!r} into it by hand"
        raise NoContext(msg)
    return _replace(path, after)


def write_current(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Make the context *name*, which the file has, the current one, atomically; returns the file's path.

    Raises NoContext when the file can't be understood, or not edited safely.
    """
    path = configuration_file(environ)
    before = read_text(path)
    known = _parse(path, before)
    after = with_current(before, name)
    if _parse(path, after) != Configuration(name, known.contexts):
        msg = f"{path} is laid out in a way that can't be edited safely; write current = {name!r} into it by hand"
        raise NoContext(msg)
    return _replace(path, after)


def _replace(path: Path, after: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = path.resolve()  # a link to a file kept elsewhere stays a link
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(after, encoding="utf-8")
    draft.replace(path)
    return path
