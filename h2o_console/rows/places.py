"""Places of the console: a kind of screen and the resource it shows, and how a list was left there.

Pure. A place is data: what enter opens, what the history holds, what is kept for the next start.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from h2o_console.rows.finding_keys import named

SHORT_ID = 8
"""Of an instance's id so much is shown; any unique beginning may be typed."""


class Kind(Enum):
    """A kind of screen, by the word that the breadcrumbs show."""

    TRIAGE = "triage"
    FINDING = "finding"
    PACKAGES = "packages"
    PACKAGE = "package"
    HOSTS = "hosts"
    HOST = "host"
    INSTANCES = "instances"
    INSTANCE = "instance"
    LOGS = "logs"
    LOG_LINE = "line"
    FEATURES = "features"
    FEATURE = "feature"
    CALLERS = "callers"
    CALLS = "calls"
    EXPERIMENTS = "experiments"
    EXPERIMENT = "experiment"
    JOURNAL = "journal"
    ENTRY = "change"
    JSON = "json"
    DESCRIBE = "describe"
    HELP = "help"


_SEVERAL = {  # what several of a kind are called
    Kind.PACKAGE: "packages",
    Kind.HOST: "hosts",
    Kind.INSTANCE: "instances",
    Kind.FEATURE: "features",
    Kind.CALLS: "packages",
    Kind.FINDING: "findings",
    Kind.ENTRY: "changes",
    Kind.EXPERIMENT: "experiments",
}


CHANGEABLE = frozenset(
    {Kind.PACKAGE, Kind.HOST, Kind.INSTANCE, Kind.FEATURE, Kind.CALLS, Kind.EXPERIMENT, Kind.FINDING}
)
"""What a change can be about."""


@dataclass(frozen=True, slots=True)
class Place:
    """A screen of *kind*. `key` is the true name of what it shows, or of what a list is narrowed to ("" for all).

    `of` is the kind of resource that `key` names, where a screen shows several kinds; `also` are others of that kind
    that it shows together with it.
    """

    kind: Kind
    key: str = ""
    of: Kind | None = None
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The true names of all that it shows together."""
        return self.key, *self.also

    @property
    def crumb(self) -> str:
        """Its part of the breadcrumbs; of an id the beginning, of a finding its subject, of several how many."""
        if self.also:
            return f"{len(self.keys)} {_SEVERAL.get(self.of or self.kind, 'resources')}"
        what = self.of or self.kind
        if what is Kind.ENTRY or (what is Kind.INSTANCE and "/" not in self.key):
            return self.key[:SHORT_ID]
        if what is Kind.FINDING:
            return named(self.key)
        return self.key or self.kind.value


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked to see of a list. `sort` is a name of the table's sorts, "" its own order."""

    sort: str = ""
    reverse: bool = False
    filter: str = ""
    problems: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A row that was marked: its key, its name, and what enter opened on it then. The row may be gone since."""

    key: str
    name: str
    opens: Place


@dataclass(frozen=True, slots=True)
class Look:
    """How a screen was left: what was asked, the key under the cursor, the first line on screen, what was marked.

    `unfolded`: keys of rows below which it shows what belongs to them.
    """

    wanted: Wanted = Wanted()
    cursor: str = ""
    top: int = 0
    marks: tuple[Mark, ...] = ()
    unfolded: tuple[str, ...] = ()
