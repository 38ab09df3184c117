"""What is asked of the agents' `/logs`, and of whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

MEDIA_TYPE: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Target:
    """A host, its agent's address (``unix:<path>``, ``http://host:port`` or ``host:port``), and what opens it."""

    host: str
    address: str
    token: str = ""
    also: tuple[str, ...] = ()
    """Instances or children that are asked of this host alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """As `/logs` takes it (docs/http.md). Times as texts: ``10m``, or RFC 3339. `tail`: of all hosts together."""

    instances: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    severity: str = ""
    grep: str = ""
    since: str = ""
    until: str = ""
    tail: int | None = None

    def path(self, target: Target, *, follow: bool = False, cursor: str = "", since: str | None = None) -> str:
        """Path and query; with a *cursor*, from there on and not from `since` or `tail`."""
        pairs = [("instance", each) for each in (*self.instances, *target.also)] + [
            ("package", each) for each in self.packages
        ]
        pairs += [("severity", self.severity), ("grep", self.grep), ("until", self.until)]
        pairs += [("since", self.since if since is None else since)]
        if cursor:
            pairs.append(("cursor", cursor))
        elif self.tail is not None and since is None:
            pairs.append(("tail", str(self.tail)))
        if follow:
            pairs.append(("follow", "1"))
        query = urlencode([pair for pair in pairs if pair[1]])
        return f"/logs?{query}" if query else "/logs"
