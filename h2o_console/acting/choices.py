"""The menu: which changes can be made to what is meant, and why the others can't. Pure.

What is known decides what is offered, never what is done: the plan is made of the register, and says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.acting import forms
from h2o_core.control.hosts import HostState
from h2o_core.names import shown
from h2o_core.weights import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_console.acting.request import Form, Request
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic

NOT_BUILT: Final = (
    ("r", "rollout", "rollouts are not built yet"),
    ("p", "pause the rollout", "rollouts are not built yet"),
    ("x", "abort the rollout", "rollouts are not built yet"),
    ("n", "deploy", "deploys are not built yet"),
)


@dataclass(frozen=True, slots=True)
class Meant:
    """What was under the cursor, or marked, at the key press: hosts' names, packages' full names; frozen.

    `besides`: which of the marked ones are not on the screen, in a sentence.
    """

    hosts: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    besides: str = ""

    @property
    def name(self) -> str:
        """For people."""
        names = [*self.hosts, *map(shown, self.packages)]
        return (
            ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else "the fleet"
        )


@dataclass(frozen=True, slots=True)
class Known:
    """As far as it is known; None: nobody has told what is decided. `versions`: package → versions, the newest first.

    `word`: makes a word that was never used.
    """

    word: Callable[[], str]
    hosts: Mapping[str, HostControl] | None = None
    traffic: Mapping[str, Traffic] | None = None
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of the menu. `forms`: what it begins with, one after the other; none: it is grey, and `why`.

    `asks`: something has to be typed before there is a plan.
    """

    letter: str
    does: str
    forms: tuple[Form, ...] = ()
    why: str = ""
    asks: bool = False


def choices(meant: Meant, known: Known) -> tuple[Choice, ...]:
    """In the order of CONSOLE.md, the rest after it."""
    return (
        *_hosts(meant, known),
        *_packages(meant, known),
        _extend(meant, known),
        *_experiment(meant, known),
        *(Choice(letter, does, why=why) for letter, does, why in NOT_BUILT),
        Choice("f", "fleet settings", (forms.settings(known.settings),), asks=True),
    )


def begun(choice: Choice, now_s: float) -> tuple[Request, ...]:
    """Its requests, where nothing has to be typed; raises Mistake."""
    return tuple(form.filled(now_s) for form in choice.forms)


def _hosts(meant: Meant, known: Known) -> list[Choice]:
    hosts = meant.hosts
    found = (
        ("d", "drain", forms.drain, _all_are(HostState.DRAIN, hosts, known, "drained")),
        ("v", "avoid", forms.avoid, _all_are(HostState.AVOID, hosts, known, "avoided")),
        ("i", "back in use:", forms.restore, _all_are(None, hosts, known, "neither drained nor avoided")),
    )
    if not hosts:
        return [Choice(letter, does.rstrip(":"), why="for hosts and instances") for letter, does, _, _ in found]
    return [
        Choice(letter, f"{does} {_several(hosts)}", () if why else (form(hosts, meant.besides),), why)
        for letter, does, form, why in found
    ]


def _all_are(state: HostState | None, hosts: tuple[str, ...], known: Known, word: str) -> str:
    """Why there is nothing to do, "" when there is, or when it is not known."""
    if known.hosts is None or not hosts:
        return ""
    now = {control.state if (control := known.hosts.get(host)) is not None else None for host in hosts}
    if now != {state}:
        return ""
    return f"{_several(hosts)} {'is' if len(hosts) == 1 else 'are'} {word}{' already' if state else ''}"


def _packages(meant: Meant, known: Known) -> list[Choice]:
    packages = meant.packages
    if not packages:
        return [Choice(letter, does, why="for packages") for letter, does in (("t", "traffic"), ("b", "roll back"))]
    several = _several(tuple(map(shown, packages)))
    shift = _one(packages) or Choice(
        "t",
        f"traffic of {several}",
        (forms.shift(packages[0], known.versions.get(packages[0], ()), _shares(packages[0], known)),),
        asks=True,
    )
    only = [one for one in packages if len(known.versions.get(one, ("", ""))) == 1]
    why = f"{shown(only[0])} has one version" if only else ""
    back = tuple(forms.roll_back(one, known.versions.get(one, ()), meant.besides) for one in packages)
    return [shift, Choice("b", f"roll back {several}", () if why else back, why)]


def _one(packages: tuple[str, ...]) -> Choice | None:
    return Choice("t", "traffic", why="one package at a time") if len(packages) > 1 else None


def _shares(package: str, known: Known) -> str:
    traffic = (known.traffic or {}).get(package)
    return ", ".join(f"{version} {percent(parts)}" for version, parts in traffic.weights) if traffic is not None else ""


def _extend(meant: Meant, known: Known) -> Choice:
    if meant.hosts:
        out = [host for host in meant.hosts if known.hosts is None or host in known.hosts]
        if out:
            return Choice("e", f"extend {_several(meant.hosts)}", (forms.extend(meant.hosts, besides=meant.besides),))
        if not meant.packages:
            return Choice("e", "extend", why=f"{_several(meant.hosts)}: neither drained nor avoided")
    if not meant.packages:
        return Choice("e", "extend", why="for hosts that are out, and packages")
    if known.traffic is not None and not any(one in known.traffic for one in meant.packages):
        return Choice("e", "extend", why="nobody has decided about its traffic")
    each = tuple(forms.extend(package=one, besides=meant.besides) for one in meant.packages)
    return Choice("e", f"review {_several(tuple(map(shown, meant.packages)))} later", each)


def _experiment(meant: Meant, known: Known) -> list[Choice]:
    named = (("s", "start an experiment"), ("o", "end the experiment"))
    if len(meant.packages) != 1:
        why = "one package at a time" if meant.packages else "for packages"
        return [Choice(letter, does, why=why) for letter, does in named]
    (package,) = meant.packages
    versions = known.versions.get(package, ())
    traffic = (known.traffic or {}).get(package)
    runs = traffic is not None and bool(traffic.experiment) and not traffic.ended
    why_start = "an experiment runs already" if runs else "it has one version" if len(versions) == 1 else ""
    why_end = "no experiment runs" if known.traffic is not None and not runs else ""
    start = () if why_start else (forms.start_experiment(package, versions, known.word()),)
    end = () if why_end else (forms.stop_experiment(package, versions),)
    return [
        Choice("s", f"start an experiment with {shown(package)}", start, why_start, asks=True),
        Choice("o", f"end the experiment with {shown(package)}", end, why_end, asks=True),
    ]


def _several(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} {'hosts' if '/' not in names[0] else 'packages'}"
