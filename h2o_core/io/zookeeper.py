"""A real ZooKeeper as a child process, for `h2o dev` and the tests: one server, on loopback, gone with its parent."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from h2o_core.io.clock import monotonic_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

APT_COMMAND: Final = "apt-get install --yes default-jre-headless libzookeeper-java"
_DEBIAN_JARS: Final = Path("/usr/share/java")
_SLF4J_BINDINGS: Final = ("slf4j-simple.jar", "slf4j-jdk14.jar", "slf4j-nop.jar")
_BREW_PREFIXES: Final = (Path("/opt/homebrew"), Path("/usr/local"), Path("/home/linuxbrew/.linuxbrew"))
_MAIN_CLASS: Final = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
# Small and quick to start; the log is not fsynced and its file not padded to 64 MiB: a development fleet
# survives the death of any process, not a power cut.
_JAVA_OPTIONS: Final = (
    "-Xmx64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dzookeeper.forceSync=no",
    "-Dzookeeper.preAllocSize=1024",
    "-Dzookeeper.jmx.log4j.disable=true",
)
# The shell becomes java; what it leaves behind reads our pipe, and the pipe's end without a word is our death.
_DIE_WITH_PARENT: Final = 'exec 3<&0; ( read -r _ <&3 || kill -9 $$ ) & exec "$@" 3<&- </dev/null'
# Below every system's ephemeral ports: nobody's outgoing connection sits there, not even a client's that
# connects to itself while the server is away.
_PORTS: Final = range(20_000, 32_000)
_ATTEMPTS: Final = 5
_STOP_S: Final = 5.0


class ZooKeeperMissing(RuntimeError):
    """No Java or no ZooKeeper on this machine; the sentence holds the command that installs them."""


class ZooKeeperFailed(RuntimeError):
    """The server did not start, or exited. It is meant to run until it is stopped: any exit is a failure."""


@dataclass(frozen=True, slots=True)
class Installation:
    """How to run ZooKeeper here."""

    java: str
    classpath: str


def find_installation(environ: Mapping[str, str] = os.environ) -> Installation:
    """Java and ZooKeeper's jars: $ZOOKEEPER_HOME, then Debian's, then Homebrew's. Raises ZooKeeperMissing."""
    java = _find_java(environ)
    classpath = _find_classpath(environ)
    if java is None or classpath is None:
        missing = " and ".join(name for name, found in (("Java", java), ("ZooKeeper", classpath)) if found is None)
        msg = f"{missing} not found on this machine. Install with: {_install_command()}"
        raise ZooKeeperMissing(msg)
    return Installation(java, classpath)


def _find_java(environ: Mapping[str, str]) -> str | None:
    homes = [Path(environ["JAVA_HOME"])] if environ.get("JAVA_HOME") else []
    # Homebrew's before the PATH's: macOS' own /usr/bin/java only says that there is none.
    homes += [prefix / "opt/openjdk" for prefix in _BREW_PREFIXES]
    for home in homes:
        if os.access(home / "bin/java", os.X_OK):
            return str(home / "bin/java")
    return shutil.which("java", path=environ.get("PATH"))


def _find_classpath(environ: Mapping[str, str]) -> str | None:
    if home := environ.get("ZOOKEEPER_HOME"):
        classpath = _distribution(Path(home))
        if classpath is None:
            msg = f"ZOOKEEPER_HOME is {home}, but there is no lib/zookeeper-*.jar below it; unset it or correct it"
            raise ZooKeeperMissing(msg)
        return classpath
    if (_DEBIAN_JARS / "zookeeper.jar").exists():
        bindings = [_DEBIAN_JARS / name for name in _SLF4J_BINDINGS if (_DEBIAN_JARS / name).exists()]
        return os.pathsep.join(map(str, [_DEBIAN_JARS / "zookeeper.jar", *bindings[:1]]))
    return next(filter(None, (_distribution(prefix / "opt/zookeeper/libexec") for prefix in _BREW_PREFIXES)), None)


def _distribution(home: Path) -> str | None:
    """The layout of Apache's own archive; conf/ holds the configuration of its logging."""
    if not any((home / "lib").glob("zookeeper-*.jar")):
        return None
    return os.pathsep.join((f"{home / 'lib'}/*", str(home / "conf")))


def _install_command() -> str:
    if sys.platform == "darwin":
        return "brew install zookeeper"
    return APT_COMMAND if os.geteuid() == 0 else f"sudo {APT_COMMAND}"


class ZooKeeperChild:
    """One ZooKeeper, its files all below *data_dir*. A port of 0 becomes a free one, kept over restarts.

    *settings* are further lines of its configuration; with those of an ensemble it serves only beside the others.
    """

    def __init__(self, data_dir: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "zookeeper.log"
        self._settings = dict(settings or {})
        self._wanted_port = port
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._log_start = 0

    @property
    def address(self) -> str:
        """What clients connect to, "127.0.0.1:port"; known once it has started."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The server's process, 0 when there is none."""
        return self._process.pid if self.running and self._process is not None else 0

    @property
    def running(self) -> bool:
        """The process is there (not: it serves)."""
        if self._process is not None and self._process.poll() is not None:
            self._dismiss_watchdog(self._process)
        return self._process is not None and self._process.returncode is None

    def start(self, timeout_s: float = 30.0) -> None:
        """Start it and wait until it serves. Raises ZooKeeperMissing, ZooKeeperFailed."""
        if self.running:
            return
        installation = self._prepare()
        deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
        # A port that was free a moment ago can be taken: the next attempt looks for another one.
        for attempt in range(_ATTEMPTS):
            if self._port == 0 or (attempt and self._wanted_port == 0):
                self._port = free_port()
            self._launch(installation)
            if self._wait_until_serving(deadline_ns):
                return
            if "Address already in use" not in self._log():
                break
        reason = f"did not serve within {timeout_s:g} s" if self.running else "exited"
        self.kill()
        msg = f"ZooKeeper on {self.address} {reason}; the end of {self.log_path}:\n{self.log_tail()}"
        raise ZooKeeperFailed(msg)

    def launch(self) -> None:
        """Start it without waiting until it serves. Raises ZooKeeperMissing, ZooKeeperFailed."""
        if not self.running:
            self._launch(self._prepare())

    @property
    def mode(self) -> str:
        """What it serves as: standalone, leader, follower; "" while it does not serve."""
        answer = four_letter_word(self.address, "srvr").partition("Mode: ")[2].partition("\n")[0]
        return answer if answer and self._is_ours() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal, as long as it runs."""
        if self.running and self._process is not None:
            self._process.send_signal(number)

    def check(self) -> None:
        """Raise ZooKeeperFailed when it is gone, whatever its exit status (with a full disk it is 0)."""
        if not self.running:
            status = self._process.returncode if self._process is not None else None
            msg = f"ZooKeeper on {self.address} exited with status {status}; the end of {self.log_path}:\n"
            raise ZooKeeperFailed(msg + self.log_tail())

    def stop(self) -> None:
        """End it in an orderly way; SIGKILL after 5 s."""
        if self.running and self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait for it to be gone; data and port stay for the next `start`."""
        if self._process is not None:
            if self.running:
                self._process.send_signal(signal.SIGCONT)
                self._process.kill()
            self._process.wait()
            self._dismiss_watchdog(self._process)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def log_tail(self, lines: int = 12) -> str:
        """The end of what the last start logged, for people: without Java's stacks."""
        return "\n".join([line for line in self._log().splitlines() if not line.startswith("\tat ")][-lines:])

    def _log(self) -> str:
        try:
            with self.log_path.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - 65_536))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self) -> Installation:
        installation = find_installation()
        (self.data_dir / "data").mkdir(parents=True, exist_ok=True)
        self._take_lock()
        return installation

    def _take_lock(self) -> None:
        """ZooKeeper itself does not mind a second server on the same files; they would not survive it."""
        if self._lock is None:
            lock = (self.data_dir / "lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                msg = f"another process runs ZooKeeper in {self.data_dir}; stop it, or use another directory"
                raise ZooKeeperFailed(msg) from None
            self._lock = lock

    def _launch(self, installation: Installation) -> None:
        settings = {
            "tickTime": 1000,
            "dataDir": self.data_dir / "data",
            "clientPort": self._port,
            "clientPortAddress": "127.0.0.1",
            "maxClientCnxns": 0,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "ruok,srvr,mntr,conf",
            "autopurge.purgeInterval": 24,
            **self._settings,
        }
        config = self.data_dir / "zoo.cfg"
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        argv = [installation.java, *_JAVA_OPTIONS, "-cp", installation.classpath, _MAIN_CLASS, str(config)]
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _DIE_WITH_PARENT, "zookeeper", *argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                start_new_session=True,  # Ctrl-C at the terminal is the parent's to handle
            )

    def _wait_until_serving(self, deadline_ns: int) -> bool:
        while self.running and monotonic_ns() < deadline_ns:
            if self.mode:
                return True
            time.sleep(0.02)
        return False

    def _is_ours(self) -> bool:
        """Another's server may sit on the port."""
        return f"dataDir={self.data_dir / 'data'}" in four_letter_word(self.address, "conf")

    @staticmethod
    def _dismiss_watchdog(process: subprocess.Popen[bytes]) -> None:
        """Our death is no longer the server's: its process id may soon be somebody else's."""
        if process.stdin is not None and not process.stdin.closed:
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")
                process.stdin.close()


def four_letter_word(address: str, word: str, timeout_s: float = 1.0) -> str:
    """What the server at "host:port" answers to `srvr` and its kin; "" when there is no answer."""
    host, _, port = address.rpartition(":")
    answer = b""
    try:
        with socket.create_connection((host, int(port)), timeout_s) as connection:
            connection.sendall(word.encode())
            while chunk := connection.recv(65_536):
                answer += chunk
    except OSError:
        return ""
    return answer.decode(errors="replace")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment. Raises ZooKeeperFailed."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    msg = f"no free port between {_PORTS.start} and {_PORTS.stop}"
    raise ZooKeeperFailed(msg)
