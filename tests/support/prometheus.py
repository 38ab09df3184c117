"""Debian's Prometheus as a process: `script/bootstrap --tests` fetches it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Final, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import urlopen

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy" / "prometheus"
_UNPACKED: Final = ROOT / ".bootstrap" / "prometheus" / "usr" / "bin"


def program(name: str) -> str | None:
    """``prometheus`` or ``promtool``, installed or unpacked."""
    return shutil.which(name) or shutil.which(name, path=_UNPACKED)


ABSENT: Final = "" if program("prometheus") else "no prometheus here: script/bootstrap --tests fetches Debian's"
_HURRIED: Final = {
    "scrape_interval: 15s": "scrape_interval: 1s\n  evaluation_interval: 1s",
    "refresh_interval: 15s": "refresh_interval: 1s",
}


class Prometheus:
    """One server with one of deploy/prometheus' files, pointed at a fleet that is there, in more of a hurry."""

    def __init__(self, name: str, directory: Path, replaced: dict[str, str]) -> None:
        """*replaced*: what stands in the file → what stands there here."""
        directory.mkdir()
        text = (DEPLOY / name).read_text()
        for old, new in (replaced | _HURRIED).items():
            assert old in text or old in _HURRIED, old
            text = text.replace(old, new)
        self._config = directory / name
        self._config.write_text(text)
        shutil.copy(DEPLOY / "h2o.rules.yml", directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._log = directory / "log"

    def __enter__(self) -> Self:
        found = program("prometheus")
        assert found
        argv = [found, f"--config.file={self._config}", f"--storage.tsdb.path={self._config.parent / 'data'}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*argv, f"--web.listen-address={self._address}"], stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON; (0, {}) while it does not answer."""
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urlopen(f"http://{self._address}/api/v1/{path}", timeout=5) as answer:
                return 200, json.load(answer)["data"]
        except HTTPError as error:
            with error:  # 503 in plain words while it starts
                return error.code, json.load(error) if error.code != 503 else {}
        except (URLError, ConnectionError):
            return 0, {}

    def targets(self) -> dict[str, str]:
        """Host → health of every target."""
        _, data = self.get("targets?state=active")
        return {each["labels"].get("host", "?"): each["health"] for each in data.get("activeTargets", [])}

    def query(self, expression: str) -> tuple[int, list[dict[str, Any]]]:
        """Status and result of an instant query; 400: it does not parse."""
        status, data = self.get(f"query?query={quote(expression)}")
        return status, data.get("result", []) if status == 200 else [data]

    def value(self, expression: str) -> float:
        """Of an expression with one result; 0.0 without any."""
        _, result = self.query(expression)
        return float(result[0]["value"][1]) if result else 0.0

    def rule_errors(self) -> dict[str, str]:
        """Rule → what is wrong with it, or that it has not been evaluated yet."""
        _, data = self.get("rules")
        rules = [rule for group in data.get("groups", []) for rule in group["rules"]]
        return {
            rule["name"]: rule.get("lastError", "") or rule["health"] for rule in rules if rule["health"] != "ok"
        } or ({} if rules else {"rules": "none"})


def named_metrics(expression: str) -> set[str]:
    """The metrics of H2O in an expression; recorded ones, which have a colon, are left out."""
    return set(re.findall(r"(?<![\w:])h2o_[a-z0-9_]+(?![\w:])", expression))
