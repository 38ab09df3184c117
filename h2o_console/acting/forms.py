"""The forms of changes: what each may be told, what holds unless somebody types, and the wish that comes of it.

Pure. What holds is what the command line takes for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_console.acting.extending import later
from h2o_console.acting.moments import parse_duration
from h2o_console.acting.request import Field, Form, Request, reason_line
from h2o_console.acting.typed import parse_grace, parse_points, parse_until, parse_weights
from h2o_console.commands.mistake import Mistake
from h2o_core.control.settings import NewVersions, TierRule
from h2o_core.names import shown
from h2o_core.plan.intents import (
    Avoid,
    ChangeSettings,
    Drain,
    Extend,
    Outcome,
    Restore,
    RollBack,
    Shift,
    StartExperiment,
    StopExperiment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_console.commands.carrying import Wish
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Decided

    Typed = Mapping[str, str]

_UNTIL: Final = "4h from now, 14:30 (UTC), never"
_REVIEW: Final = "2h, 7d, never: a reminder, nothing ends"
_REASON: Final = Field("reason", hint="why; it stands in the journal")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A form before it is filled. `wish`: of what was typed and the Unix time; raises Mistake."""

    title: str
    about: str
    fields: tuple[Field, ...]
    wish: Callable[[Typed, float], Wish]
    besides: str = ""

    def form(self) -> Form:
        return Form(f"{self.title}: {self.about}", (*self.fields, _REASON), self._make)

    def _make(self, typed: Typed, now_s: float) -> Request:
        stripped = {name: text.strip() for name, text in typed.items()}
        form = self.form()
        refilled = replace(form, fields=tuple(replace(one, value=stripped[one.name]) for one in form.fields))
        reason = reason_line(stripped["reason"])
        return Request(self.wish(stripped, now_s), self.about, reason, besides=self.besides, form=refilled)


def _always(intent: Intent) -> Wish:
    return lambda _: intent


def drain(hosts: tuple[str, ...], besides: str = "") -> Form:
    """Nothing new for them."""
    fields = (Field("until", "4h", _UNTIL), Field("grace", "5m", "so long what runs there may take"))

    def wish(typed: Typed, now_s: float) -> Wish:
        return _always(Drain(hosts, parse_until(typed["until"], now_s), parse_grace(typed["grace"])))

    return _Draft("drain", ", ".join(hosts), fields, wish, besides).form()


def avoid(hosts: tuple[str, ...], besides: str = "") -> Form:
    """Only what nobody else can take."""

    def wish(typed: Typed, now_s: float) -> Wish:
        return _always(Avoid(hosts, parse_until(typed["until"], now_s)))

    return _Draft("avoid", ", ".join(hosts), (Field("until", "1h", _UNTIL),), wish, besides).form()


def restore(hosts: tuple[str, ...], besides: str = "") -> Form:
    """Back in use."""
    return _Draft("back in use", ", ".join(hosts), (), lambda _typed, _now_s: _always(Restore(hosts)), besides).form()


def extend(hosts: tuple[str, ...] = (), package: str = "", besides: str = "") -> Form:
    """Another end of drains and avoids, or another time of review."""
    about = shown(package) if package else ", ".join(hosts)
    value, hint = ("7d", _REVIEW) if package else ("+1h", f"+1h: so much longer; {_UNTIL}")

    def wish(typed: Typed, now_s: float) -> Wish:
        until = typed["until"]
        if not until.startswith("+"):
            return _always(Extend(parse_until(until, now_s), hosts, package))
        by_s = parse_duration(until[1:])
        if by_s is None:
            msg = f"{until} is no time"
            raise Mistake(msg, f"write +1h, or {_UNTIL}")

        def longer(decided: Decided) -> Extend:
            return Extend(later(decided, package, hosts, by_s, now_s), hosts, package)

        return longer

    return _Draft("extend", about, (Field("until", value, hint),), wish, besides).form()


def shift(package: str, versions: tuple[str, ...], now: str) -> Form:
    """Traffic between versions; *now*: how it is shared, in words."""
    offers = tuple(f"{version}=" for version in versions)
    hint = f"now {now}" if now else "VERSION=PERCENT"
    fields = (
        Field("weights", "", f"2.1.0=10 scales the rest; several sum to 100. {hint}", offers),
        Field("stable", "", "who stands in when a chosen version has no instance; nothing leaves it", versions),
        Field("review", "", _REVIEW),
    )

    def wish(typed: Typed, now_s: float) -> Wish:
        weights = parse_weights(typed["weights"].split(), bare=True)
        if not weights and not typed["stable"]:
            msg = "nothing is typed yet: which version gets how much?"
            raise Mistake(msg, f"write {versions[0] if versions else '2.1.0'}=10")
        review_s = parse_until(typed["review"], now_s) if typed["review"] else 0.0
        return _always(Shift(package, weights, typed["stable"], review_s=review_s))

    return _Draft("traffic", shown(package), fields, wish).form()


def roll_back(package: str, versions: tuple[str, ...], besides: str = "") -> Form:
    """Everything to the version before, or to the one that is named."""
    field = Field("to", "", "a version; nothing: the one that took the most before the newest", versions)

    def wish(typed: Typed, _now_s: float) -> Wish:
        return _always(RollBack(package, typed["to"]))

    return _Draft("roll back", shown(package), (field,), wish, besides).form()


def start_experiment(package: str, versions: tuple[str, ...], salt: str) -> Form:
    """New versions beside the stable one; *salt*: a word that was never used."""
    fields = (
        Field("weights", "", "2.1.0=10: so much for the new one", tuple(f"{version}=" for version in versions)),
        Field("name", "", "a word; nothing: the new versions"),
        Field("min effect", "1%", "the smallest difference of errors that matters"),
        Field("review", "7d", _REVIEW),
    )

    def wish(typed: Typed, now_s: float) -> Wish:
        weights = parse_weights(typed["weights"].split(), bare=True)
        if not weights:
            msg = "nothing is typed yet: which new version gets how much?"
            raise Mistake(msg, f"write {versions[0] if versions else '2.1.0'}=10")
        least = parse_points(typed["min effect"], "min effect")
        review_s = parse_until(typed["review"], now_s)
        return _always(StartExperiment(package, weights, salt, typed["name"], least, review_s))

    return _Draft("start an experiment", shown(package), fields, wish).form()


def stop_experiment(package: str, versions: tuple[str, ...]) -> Form:
    """What becomes of the weights is to be said."""
    outcomes = tuple(one.value for one in Outcome)
    fields = (
        Field("outcome", "", "promote: all to the new one; revert: all to the stable one; keep: as they are", outcomes),
        Field("version", "", "who is promoted, of several", versions),
    )

    def wish(typed: Typed, _now_s: float) -> Wish:
        if typed["outcome"] not in outcomes:
            msg = "say what becomes of the weights"
            raise Mistake(msg, "promote, revert or keep")
        if typed["version"] and typed["outcome"] != Outcome.PROMOTE.value:
            msg = "a version is for promote alone"
            raise Mistake(msg)
        return _always(StopExperiment(package, Outcome(typed["outcome"]), typed["version"]))

    return _Draft("end the experiment", shown(package), fields, wish).form()


def settings(now: Mapping[str, str]) -> Form:
    """The fleet's; *now*: those that hold, where they are known."""
    fields = (
        Field(
            "tiers",
            now.get("tiers", ""),
            "enforce: a call up the tiers gets FORBIDDEN; warn: it is let pass and counted",
            tuple(one.value for one in TierRule),
        ),
        Field(
            "new_versions",
            now.get("new_versions", ""),
            "hold: a version nobody decided about gets nothing; share: its part by load",
            tuple(one.value for one in NewVersions),
        ),
    )

    def wish(typed: Typed, _now_s: float) -> Wish:
        wanted = {name: typed[name] for name in ("tiers", "new_versions") if typed[name] != now.get(name, "")}
        if not wanted:
            msg = "nothing is different yet"
            raise Mistake(msg)
        return _always(ChangeSettings(wanted))

    return _Draft("fleet settings", "the fleet", fields, wish).form()
