"""Looks at this machine and the fleet for `h2o doctor`; nothing is changed, and nothing that fails stops the rest."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange
from h2o_console.asking.hoststats import gather
from h2o_console.cli import verdicts
from h2o_console.cli.failures import CommandFailed
from h2o_console.cli.greeting import greet
from h2o_console.cli.picture import Fleet
from h2o_console.cli.statistics import host_addresses
from h2o_console.cli.token import token_for
from h2o_console.cli.typos import typos
from h2o_console.cli.verdicts import Status, Verdict
from h2o_core.context import AGENT_SOCKET, BROKER_SOCKET, MAX_SOCKET_PATH_BYTES, NoContext
from h2o_core.io.clock import unix_s
from h2o_core.io.context import configuration_file, current_context, read_text
from h2o_core.io.zookeeper import ZooKeeperMissing, find_installation, four_letter_word
from h2o_core.times import unix_s as parse_time

if TYPE_CHECKING:
    from h2o_console.cli.options import Reading
    from h2o_core.context import Context

_NEEDED: Final = ("h2o-console", "click", "protobuf", "kazoo", "pyzmq", "uvloop")
_EXTRAS: Final = {"console": ("textual", "httpx"), "host": ("starlette", "uvicorn", "psutil")}
_GROUP_AND_OTHERS: Final = 0o077


def everything(told: Reading) -> list[Verdict]:
    """All checks, in the order in which one depends on the other."""
    found = [*_programs(), *_configuration()]
    try:
        context = current_context(told.flags)
    except NoContext as error:
        return [*found, Verdict("context", Status.FAIL, str(error), "h2o context"), *_terminal(), _for_dev()]
    found.append(_context(context))
    found += [*_run_dir(context), *_secret(context), *_agent(context, told.timeout_s)]
    found += [*_broker(context, told.timeout_s), *_zookeeper(context, told.timeout_s), *_fleet(context, told)]
    return [*found, *_terminal(), _for_dev()]


def _programs() -> list[Verdict]:
    python = ".".join(map(str, sys.version_info[:3]))
    found = [Verdict("python", Status.OK, f"{python}, {sys.executable}")]
    known = {name: _version(name) for name in _NEEDED}
    absent = [name for name, said in known.items() if not said]
    if absent:
        found.append(Verdict("packages", Status.FAIL, f"not installed: {', '.join(absent)}", "pip install h2o-console"))
    else:
        found.append(Verdict("packages", Status.OK, ", ".join(f"{name} {said}" for name, said in known.items())))
    for extra, names in _EXTRAS.items():
        lacking = [name for name in names if not _version(name)]
        if lacking:
            what = f"{', '.join(lacking)} not installed: no {'h2o-console' if extra == 'console' else 'h2o dev'} here"
            found.append(Verdict(f"extra {extra}", Status.WARN, what, f"pip install 'h2o-console[{extra}]'"))
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _configuration() -> list[Verdict]:
    path = configuration_file()
    try:
        text = read_text(path)
    except NoContext as error:
        return [Verdict("configuration", Status.FAIL, str(error), f"ls -l {path}")]
    if not text:
        return [Verdict("configuration", Status.OK, f"there is no {path}")]
    import tomllib  # noqa: PLC0415 - only when there is a file

    try:
        odd = typos(text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return [Verdict("configuration", Status.FAIL, f"{path} is not TOML: {error}", "mend it, or set H2O_CONFIG")]
    if odd:
        return [Verdict("configuration", Status.WARN, f"{path}: {each}", f"edit {path}") for each in odd]
    return [Verdict("configuration", Status.OK, str(path))]


def _context(context: Context) -> Verdict:
    named = f"{context.name or 'none named'}: fleet {context.fleet or 'not named'}"
    if not context.agent and not context.zookeeper:
        return Verdict(
            "context", Status.FAIL, f"{named}; no agent, no ZooKeeper", "start a fleet: h2o dev, or --agent …"
        )
    return Verdict("context", Status.OK, named)


def _run_dir(context: Context) -> list[Verdict]:
    if not context.run_dir:
        return []
    path = Path(context.run_dir)
    longest = max(len(os.fsencode(path / name)) for name in (AGENT_SOCKET, BROKER_SOCKET))
    if longest > MAX_SOCKET_PATH_BYTES:
        what = f"{path}: a socket's path in it has {longest} bytes, at most {MAX_SOCKET_PATH_BYTES} work"
        return [Verdict("run directory", Status.FAIL, what, "choose a shorter run_dir")]
    try:
        said = path.stat()
    except OSError as error:
        what = f"{path}: {error.strerror}"
        return [Verdict("run directory", Status.FAIL, what, "is the host up? h2o dev, or start h2o-agent")]
    found: list[Verdict] = []
    if said.st_uid != os.getuid():
        what = f"{path} belongs to uid {said.st_uid}, this is uid {os.getuid()}"
        found.append(Verdict("run directory", Status.FAIL, what, "run h2o as that user: sudo -u … h2o …"))
    if said.st_mode & _GROUP_AND_OTHERS:
        what = f"{path} is open to others (mode {stat.S_IMODE(said.st_mode):o})"
        found.append(Verdict("run directory", Status.WARN, what, f"chmod 700 {path}"))
    found += [verdict for name in (AGENT_SOCKET, BROKER_SOCKET) if (verdict := _socket(path / name)) is not None]
    return found or [Verdict("run directory", Status.OK, f"{path}, mode {stat.S_IMODE(said.st_mode):o}")]


def _socket(path: Path) -> Verdict | None:
    """A socket that nobody listens on is left over from one that died."""
    if not path.exists():
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            hint = "start it again: it replaces the file; systemctl status h2o-agent"
            return Verdict("socket", Status.WARN, f"{path} is stale: nobody listens", hint)
        except OSError as error:
            return Verdict("socket", Status.WARN, f"{path}: {error.strerror or error}", f"ls -l {path}")
    return None


def _secret(context: Context) -> list[Verdict]:
    if not context.secret_file:
        return []
    path = Path(context.secret_file).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        return [Verdict("secret", Status.FAIL, f"{path} can't be read as hex digits: {error}", "h2o context show")]
    if mode & _GROUP_AND_OTHERS:
        return [Verdict("secret", Status.WARN, f"{path} is open to others (mode {mode:o})", f"chmod 600 {path}")]
    return [Verdict("secret", Status.OK, f"{path}, mode {mode:o}")]


def _agent(context: Context, timeout_s: float) -> list[Verdict]:
    if not context.agent:
        return []
    began_s = time.monotonic()
    try:
        said = exchange(context.agent, "/livez", timeout_s, token=token_for(context, context.agent))
    except AgentUnreachable as error:
        hint = "start it: h2o dev" if context.dev else "is h2o-agent up there? another: --agent http://HOST:PORT"
        return [Verdict("agent", Status.FAIL, str(error), hint)]
    except CommandFailed as failure:
        return [Verdict("agent", Status.FAIL, failure.message, failure.hint)]
    took_ms = (time.monotonic() - began_s) * 1000
    if said.status != 200:
        return [Verdict("agent", Status.FAIL, f"{context.agent} answers {said.status} to /livez", "h2o version")]
    return [Verdict("agent", Status.OK, f"{context.agent} answers in {took_ms:.0f} ms")]


def _broker(context: Context, timeout_s: float) -> list[Verdict]:
    if not context.run_dir:
        return [Verdict("broker", Status.OK, "none on this machine is meant; h2o call needs one")]
    where, wire = greet(context.run_dir, min(timeout_s, 1.0))
    if wire is None:
        return [Verdict("broker", Status.FAIL, where, "see why: its host's logs/broker.log; h2o hosts")]
    return [Verdict("broker", Status.OK, f"{where}, wire {wire}")]


def _zookeeper(context: Context, timeout_s: float) -> list[Verdict]:
    found: list[Verdict] = []
    for address in context.zookeeper.partition("/")[0].split(","):
        if not address.strip():
            continue
        said = problem = ""
        try:
            said = four_letter_word(address.strip(), "srvr", timeout_s)
        except (OSError, ValueError) as error:
            problem = str(error)
        found.append(verdicts.zookeeper(address.strip(), said, problem))
    if any(each.status is Status.OK for each in found):  # a server of an ensemble may be away
        found = [Verdict(v.check, Status.WARN, v.what, v.next) if v.status is Status.FAIL else v for v in found]
    return found


def _fleet(context: Context, told: Reading) -> list[Verdict]:
    said: list[Verdict] = []

    def remark(sentence: str, hint: str = "") -> None:
        said.append(Verdict("fleet", Status.WARN, sentence, hint))

    fleet = Fleet(context, told.timeout_s, say=remark)
    try:
        began_s = unix_s()
        hosts = fleet.all_hosts()
        took_s = unix_s() - began_s
        gathered = gather(host_addresses(fleet, hosts), told.timeout_s, fleet.token_of)
    except (CommandFailed, AgentRefused) as failure:
        return [*said, Verdict("fleet", Status.FAIL, str(failure), getattr(failure, "hint", ""))]
    found = [*said, *verdicts.links(hosts.hosts)]
    found += [
        Verdict(f"host {host}", Status.WARN, f"silent: {why}", f"log in to {host}: is h2o-agent up?")
        for host, why in gathered.unreachable.items()
    ]
    as_of_s = parse_time(hosts.head.as_of)
    if hosts.head.source == "agent" and as_of_s is not None:
        found.append(verdicts.clock(hosts.head.host, as_of_s - began_s - took_s / 2, took_s + 1.0))
    if gathered.answers:
        found += [*verdicts.registers(gathered.answers), verdicts.behind(gathered.answers)]
        found.append(verdicts.versions(_version("h2o-console"), gathered.answers))
    return found


def _terminal() -> list[Verdict]:
    found = verdicts.terminal(os.environ, sys.stdout.encoding or "ascii")
    if os.environ.get("TMUX"):
        try:
            done = subprocess.run(
                ["tmux", "show-options", "-sv", "escape-time"], capture_output=True, text=True, timeout=2, check=False
            )
            found.append(verdicts.escape_time(done.stdout))
        except (OSError, subprocess.TimeoutExpired) as error:
            found.append(Verdict("tmux", Status.WARN, f"it does not answer: {error}"))
    return found


def _for_dev() -> Verdict:
    try:
        installed = find_installation()
    except ZooKeeperMissing as error:
        first, *rest = str(error).splitlines()
        return Verdict("h2o dev", Status.WARN, first, " ".join(rest) or "install Java and ZooKeeper: script/bootstrap")
    return Verdict("h2o dev", Status.OK, f"Java and ZooKeeper are here: {installed.java}")
