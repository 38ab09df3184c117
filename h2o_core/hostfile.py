"""The host file: what one server is, and what it is to run. TOML text in, immutable values out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any, Final

from h2o_core.limits import NO_LIMITS, InvalidLimits, Limits, parse_limits
from h2o_core.names import InvalidName, parse_host, parse_package

DEFAULT_SESSION_TIMEOUT_S: Final = 6.0
DEFAULT_LOG_BYTES: Final = 16 << 20
_FEWEST_LOG_BYTES: Final = 1 << 20


class InvalidHostFile(ValueError):
    """The host file can't be used; the sentence names the line's key and what to write instead."""


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """A package the agent keeps running: *count* processes of *command* (argv, no shell)."""

    package: str
    command: tuple[str, ...]
    count: int = 1
    env: dict[str, str] = field(default_factory=dict[str, str])
    cwd: str = ""
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class HostFile:
    """One server. Ports of 0 are chosen by the system; paths are absolute."""

    host: str
    fleet: str
    zookeeper: str
    run_dir: str
    state_dir: str
    zone: str = "default"
    advertise: str = "127.0.0.1"
    broker_port: int = 0
    http_bind: str = "127.0.0.1"
    http_port: int = 0
    secret_file: str = ""
    read_token_file: str = ""
    """Tokens, one a line, instead of the one that follows from the fleet's secret."""
    write_token_file: str = ""
    """The same for whoever has the agent do something; a name before a token says who that is."""
    session_timeout_s: float = DEFAULT_SESSION_TIMEOUT_S
    dev: bool = False
    log_bytes: int = DEFAULT_LOG_BYTES
    labels: dict[str, str] = field(default_factory=dict[str, str])
    instances: tuple[InstanceSpec, ...] = ()


_TEXTS: Final = (
    "host",
    "fleet",
    "zookeeper",
    "run_dir",
    "state_dir",
    "zone",
    "advertise",
    "http_bind",
    "secret_file",
    "read_token_file",
    "write_token_file",
)
_REQUIRED: Final = ("host", "fleet", "zookeeper", "run_dir", "state_dir")
_KNOWN: Final = {*_TEXTS, "broker_port", "http_port", "session_timeout_s", "dev", "log_bytes", "labels", "instance"}
_INSTANCE_KNOWN: Final = {"package", "command", "count", "env", "cwd", "limits"}


def parse_hostfile(text: str) -> HostFile:
    """Parse and check; raises InvalidHostFile with a sentence that says what to change."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"not TOML: {error}"
        raise InvalidHostFile(msg) from None
    _reject_unknown(data, _KNOWN, "the host file")
    values: dict[str, Any] = {}
    for key in _TEXTS:
        if key in data:
            values[key] = _checked(data, key, str, "a text")
    for key in _REQUIRED:
        if not values.get(key):
            msg = f'{key} is missing; write {key} = "…"'
            raise InvalidHostFile(msg)
    for key in ("broker_port", "http_port"):
        if key in data:
            values[key] = _port(data, key)
    if "session_timeout_s" in data:
        values["session_timeout_s"] = float(_checked(data, "session_timeout_s", (int, float), "a number of seconds"))
    if "dev" in data:
        values["dev"] = _checked(data, "dev", bool, "true or false")
    if "log_bytes" in data:
        values["log_bytes"] = _log_bytes(data)
    values["labels"] = _string_table(data, "labels")
    values["instances"] = tuple(parse_instance(entry, at) for at, entry in enumerate(data.get("instance", []), start=1))
    try:
        parse_host(values["host"])
    except InvalidName as error:
        raise InvalidHostFile(str(error)) from None
    return HostFile(**values)


def _reject_unknown(data: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        msg = f"{where} has no key {unknown[0]!r}; it knows {', '.join(sorted(known))}"
        raise InvalidHostFile(msg)


def _checked(data: dict[str, Any], key: str, kind: type | tuple[type, ...], form: str) -> Any:
    value = data[key]
    if not isinstance(value, kind):
        msg = f"{key} = {value!r} is not {form}"
        raise InvalidHostFile(msg)
    return value


def _port(data: dict[str, Any], key: str) -> int:
    port = _checked(data, key, int, "a port number")
    if not 0 <= port <= 65535:
        msg = f"{key} = {port} is not a port; use 0 (any free one) to 65535"
        raise InvalidHostFile(msg)
    return port


def _log_bytes(data: dict[str, Any]) -> int:
    said = _checked(data, "log_bytes", int, "a number of bytes")
    if said < _FEWEST_LOG_BYTES:
        msg = f"log_bytes = {said} is what is kept of each process's log; {_FEWEST_LOG_BYTES} (1 MiB) or more"
        raise InvalidHostFile(msg)
    return said


def _string_table(data: dict[str, Any], key: str) -> dict[str, str]:
    table: Any = data.get(key, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):  # pyright: ignore[reportUnknownVariableType] - TOML
        msg = f'{key} is a table of texts: {key} = {{disk = "ssd"}}'
        raise InvalidHostFile(msg)
    return dict(table)  # pyright: ignore[reportUnknownArgumentType] - checked above


def parse_instance(entry: dict[str, Any], at: int) -> InstanceSpec:
    """The *at*-th ``[[instance]]`` table, as TOML parsed it; raises InvalidHostFile."""
    where = f"[[instance]] {at}"
    _reject_unknown(entry, _INSTANCE_KNOWN, where)
    try:
        package = parse_package("/" + str(entry.get("package", "")).removeprefix("/"))
    except InvalidName as error:
        msg = f"{where}: package: {error}"
        raise InvalidHostFile(msg) from None
    command: Any = entry.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):  # pyright: ignore[reportUnknownVariableType] - TOML
        msg = f'{where}: command is a list of texts, argv: command = ["python3", "-m", "customer"]'
        raise InvalidHostFile(msg)
    count = entry.get("count", 1)
    if not isinstance(count, int) or not 0 <= count <= 1000:
        msg = f"{where}: count = {count!r} is not a number from 0 to 1000"
        raise InvalidHostFile(msg)
    try:
        limits = parse_limits(entry["limits"]) if "limits" in entry else NO_LIMITS
    except InvalidLimits as error:
        msg = f"{where}: {error}"
        raise InvalidHostFile(msg) from None
    return InstanceSpec(
        package=package,
        command=tuple(command),  # pyright: ignore[reportUnknownArgumentType] - checked above
        count=count,
        env=_string_table(entry, "env"),
        cwd=str(entry.get("cwd", "")),
        limits=limits,
    )
