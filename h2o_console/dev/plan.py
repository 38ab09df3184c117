"""What a fleet on one machine is to be: hosts, zones, instances, and where their files are. Pure."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_core.context import AGENT_SOCKET, BROKER_SOCKET, MAX_SOCKET_PATH_BYTES, short_hash
from h2o_core.figures import many
from h2o_core.hostfile import InstanceSpec, InvalidHostFile, parse_hostfile, parse_instance
from h2o_core.names import InvalidName, from_operator, parse_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_RUN: Final = re.compile(
    r"(?P<package>[^=@*]+)(?:\*(?P<count>[0-9]+))?(?:@(?P<hosts>[^=]+))?=(?P<command>.+)", re.DOTALL
)
_RUN_FORM: Final = "PACKAGE[*COUNT][@HOST,…]=COMMAND, as in 'service/customer=python -m examples.service_customer'"
_MOST_HOSTS: Final = 200


class InvalidPlan(ValueError):
    """What was asked for is no fleet; the sentence says what to write instead."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One host of the fleet and what it runs. An `http_port` of 0 is chosen by the system."""

    name: str
    zone: str = "a"
    instances: tuple[InstanceSpec, ...] = ()
    labels: dict[str, str] = field(default_factory=dict[str, str])
    http_port: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package to run, and where: names and globs of hosts; none means every host."""

    spec: InstanceSpec
    hosts: tuple[str, ...] = ()


def plan_hosts(count: int, zones: int) -> tuple[HostPlan, ...]:
    """``host-1`` … in zones ``a`` …, taken in turns; raises InvalidPlan."""
    if not 1 <= count <= _MOST_HOSTS:
        msg = f"{count} hosts are not a fleet for one machine; use 1 to {_MOST_HOSTS}"
        raise InvalidPlan(msg)
    if not 1 <= zones <= min(count, 26):
        msg = f"{zones} zones for {many(count, 'host')}; use 1 to {min(count, 26)}"
        raise InvalidPlan(msg)
    return tuple(HostPlan(f"host-{at + 1}", chr(ord("a") + at % zones)) for at in range(count))


def place(hosts: Sequence[HostPlan], wanted: Iterable[Wanted]) -> tuple[HostPlan, ...]:
    """Give each host what is wanted of it; raises InvalidPlan for a host that there is not."""
    placed = {host.name: list(host.instances) for host in hosts}
    for one in wanted:
        for pattern in one.hosts or ("*",):
            names = [name for name in placed if fnmatchcase(name, pattern)]
            if not names:
                msg = f"there is no host {pattern!r} for {one.spec.package}; the hosts are {', '.join(placed)}"
                raise InvalidPlan(msg)
            for name in names:
                placed[name].append(one.spec)
    return tuple(replace(host, instances=tuple(placed[host.name])) for host in hosts)


def reloading(hosts: Iterable[HostPlan], reloader: tuple[str, ...]) -> tuple[HostPlan, ...]:
    """The same instances, each behind *reloader*: it is given ``HOST PACKAGE`` and the instance's own command."""
    return tuple(
        replace(
            host,
            instances=tuple(
                replace(spec, command=(*reloader, f"{host.name} {spec.package[1:]}", *spec.command))
                for spec in host.instances
            ),
        )
        for host in hosts
    )


def parse_run(text: str, cwd: str) -> Wanted:
    """``service/customer*2@host-1,host-2=python -m customer`` → what to run where; raises InvalidPlan."""
    found = _RUN.fullmatch(text.strip())
    if not found:
        msg = f"{text!r} is not of the form {_RUN_FORM}"
        raise InvalidPlan(msg)
    try:
        package = parse_package(from_operator(found["package"].strip()))
        command = tuple(shlex.split(found["command"]))
    except (InvalidName, ValueError) as error:
        msg = f"{text!r}: {error}; the form is {_RUN_FORM}"
        raise InvalidPlan(msg) from None
    if not command:
        msg = f"{text!r} has no command; the form is {_RUN_FORM}"
        raise InvalidPlan(msg)
    hosts = tuple(part.strip() for part in (found["hosts"] or "").split(",") if part.strip())
    return Wanted(InstanceSpec(package, command, int(found["count"] or 1), cwd=cwd), hosts)


def parse_packages(text: str, cwd: str) -> tuple[Wanted, ...]:
    """A package file: ``[[instance]]`` tables as in a host file, each with an optional ``hosts = […]``.

    Commands run in *cwd* unless they say otherwise. Raises InvalidPlan.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"not TOML: {error}"
        raise InvalidPlan(msg) from None
    if unknown := sorted(set(data) - {"instance"}):
        msg = f"a package file has no key {unknown[0]!r}, only [[instance]] tables"
        raise InvalidPlan(msg)
    entries: Any = data.get("instance", [])
    if not isinstance(entries, list):
        msg = "instance is a list of tables: write [[instance]]"
        raise InvalidPlan(msg)
    return tuple(_wanted(entry, at, cwd) for at, entry in enumerate(cast("list[Any]", entries), start=1))


def _wanted(entry: Any, at: int, cwd: str) -> Wanted:
    if not isinstance(entry, dict):
        msg = f"[[instance]] {at} is not a table"
        raise InvalidPlan(msg)
    table = dict(cast("dict[str, Any]", entry))
    hosts: Any = table.pop("hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in cast("list[Any]", hosts)):
        msg = f'[[instance]] {at}: hosts is a list of names or globs: hosts = ["host-1"]'
        raise InvalidPlan(msg)
    try:
        spec = parse_instance(table, at)
    except InvalidHostFile as error:
        raise InvalidPlan(str(error)) from None
    return Wanted(spec if spec.cwd else replace(spec, cwd=cwd), tuple(cast("list[str]", hosts)))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a fleet's files are: everything below *directory*, the sockets below *run*."""

    directory: str
    run: str

    @property
    def secret(self) -> str:
        """The fleet's secret, mode 0600."""
        return f"{self.directory}/secret"

    @property
    def lock(self) -> str:
        """Held by whoever runs the fleet."""
        return f"{self.directory}/lock"

    @property
    def zookeeper(self) -> str:
        """ZooKeeper's data and log."""
        return f"{self.directory}/zookeeper"

    def host_file(self, host: str) -> str:
        """What broker and agent of *host* read."""
        return f"{self.directory}/hosts/{host}.toml"

    def state(self, host: str) -> str:
        """What a real host would have on its disk."""
        return f"{self.directory}/hosts/{host}"

    def agent_log(self, host: str) -> str:
        """What the agent of *host* prints."""
        return f"{self.directory}/hosts/{host}.agent.log"

    def run_dir(self, host: str) -> str:
        """The runtime directory of *host*: its sockets."""
        return f"{self.run}/{host}"


def layout(directory: str, hosts: Iterable[str], short_base: str) -> Layout:
    """Sockets below *directory* when their paths fit there, else below *short_base* under a short name of its own."""
    longest = max((len(name.encode()) for name in hosts), default=0)
    room = MAX_SOCKET_PATH_BYTES - len("//") - longest - max(len(BROKER_SOCKET), len(AGENT_SOCKET))
    for run in (f"{directory}/run", f"{short_base}-{short_hash(directory)}"):
        if len(run.encode()) <= room:
            return Layout(directory, run)
    msg = f"no runtime directory is short enough for a host name of {longest} bytes; use shorter names"
    raise InvalidPlan(msg)


def host_file(host: HostPlan, where: Layout, fleet: str, zookeeper: str, extra: Sequence[str] = ()) -> str:
    """The host file's text; *extra* are lines of TOML that add or replace keys. Raises InvalidPlan."""
    values: dict[str, Any] = {
        "host": host.name,
        "fleet": fleet,
        "zookeeper": zookeeper,
        "run_dir": where.run_dir(host.name),
        "state_dir": where.state(host.name),
        "zone": host.zone,
        "http_port": host.http_port,
        "secret_file": where.secret,
        "dev": True,
        "labels": host.labels,
    }
    try:
        values.update(tomllib.loads("\n".join(extra)))
        text = "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
        text += "".join(_instance_text(spec) for spec in host.instances)
        parse_hostfile(text)
    except (tomllib.TOMLDecodeError, InvalidHostFile, TypeError) as error:
        msg = f"the host file of {host.name}: {error}"
        raise InvalidPlan(msg) from None
    return text


def _instance_text(spec: InstanceSpec) -> str:
    """Every key that the instance has; in the tables of numbers among them (limits) 0 is "none", which is left out."""
    values = {key: _without_zeros(value) for key, value in asdict(spec).items()}
    said = {key: value for key, value in values.items() if value not in ({}, "")}
    return "\n[[instance]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in said.items())


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: entry for key, entry in cast("dict[str, Any]", value).items() if entry != 0}
    return list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, cast("list[Any]", value))) + "]"
    if isinstance(value, dict):
        pairs = (f"{_toml(str(key))} = {_toml(entry)}" for key, entry in cast("dict[Any, Any]", value).items())
        return "{" + ", ".join(pairs) + "}"
    msg = f"{value!r} has no place in a host file"
    raise TypeError(msg)
