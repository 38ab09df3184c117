"""``-l disk=ssd``: which hosts an operator means by their labels; a host's zone and name count as labels. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from h2o_console.feed.answers import Host


@dataclass(frozen=True, slots=True)
class Label:
    """One condition: the label *key* is *value* (a glob); with *other* it is not, or there is none."""

    key: str
    value: str
    other: bool = False

    def holds(self, host: Host) -> bool:
        """Does the host meet it?"""
        labels = {"host": host.host, "zone": host.zone, **host.labels}
        return (self.key in labels and fnmatchcase(labels[self.key], self.value)) is not self.other


def parse_labels(typed: Iterable[str]) -> tuple[Label, ...]:
    """``disk=ssd``, ``zone!=a``, several with commas; raises CommandFailed for anything else."""
    found: list[Label] = []
    for text in typed:
        for one in text.split(","):
            key, equals, value = one.partition("=")
            other = key.endswith("!")
            if not equals or not key.rstrip("!") or not value:
                msg = f"{one!r} is not a label"
                raise CommandFailed(
                    Exit.USAGE, msg, "write -l key=value, or -l 'key!=value'; see the labels: h2o hosts -o wide"
                )
            found.append(Label(key.removesuffix("!"), value, other))
    return tuple(found)


def hosts_meant(hosts: Sequence[Host], labels: Sequence[Label]) -> list[Host]:
    """The hosts that meet all *labels*; raises CommandFailed when none does."""
    chosen = [host for host in hosts if all(label.holds(host) for label in labels)]
    if labels and not chosen:
        wanted = ",".join(f"{label.key}{'!' if label.other else ''}={label.value}" for label in labels)
        raise CommandFailed(Exit.NO_MATCH, f"no host has {wanted}", "see the labels: h2o hosts -o wide")
    return chosen
