"""Plans that begin and end an experiment: a traffic document whose versions are compared. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import WHOLE
from h2o_core.experiment.arms import stage_of
from h2o_core.fields import WORD
from h2o_core.names import shown
from h2o_core.plan import commands
from h2o_core.plan.draft import later, no_match
from h2o_core.plan.intents import Outcome
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.shifting import base_of, changes, known_versions, traffic_draft
from h2o_core.verdicts import EXPERIMENT, Guard, Verdict
from h2o_core.weights import InvalidWeights, percent, scaled

if TYPE_CHECKING:
    from h2o_core.audit import Author
    from h2o_core.control.traffic import Traffic
    from h2o_core.plan.draft import Draft
    from h2o_core.plan.intents import StartExperiment, StopExperiment
    from h2o_core.plan.situation import Situation
    from h2o_core.weights import Weights

_NO_WORD: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST: Final = 64


def start(intent: StartExperiment, situation: Situation, author: Author, now_s: float) -> Draft:
    """Versions beside the stable one, and customers drawn anew; refuses while another experiment runs.

    Raises CannotPlan for a package, version, sum, name or salt that does not work.
    """
    later(intent.review_s, now_s, "--review")
    package, name = intent.package, shown(intent.package)
    known = known_versions(situation, package)
    for version in intent.weights:
        if version not in known:
            raise no_match(version, f"version of {name}", known, f"h2o describe {name}")
    base = base_of(situation, package)
    weights = _weighed(base, intent)
    traffic = replace(
        base,
        weights=weights,
        salt=intent.salt,
        experiment=_named(intent),
        ended=False,
        min_effect=intent.min_effect,
        owner=author.actor,
        reason=author.reason,
        review_s=intent.review_s,
    )
    words = ["experiment", "start", name, *(f"{one}={percent(parts)}" for one, parts in intent.weights.items())]
    words += ["--name", intent.name] if intent.name else []
    words += ["--review", commands.duration(intent.review_s - now_s) if intent.review_s else "never"]
    words += ["--min-effect", percent(intent.min_effect)]
    sentence = f"{name}: experiment {traffic.experiment} begins: {changes(base, traffic) or 'the weights stay'}"
    draft = traffic_draft(situation, base, traffic, commands.line(*words, reason=author.reason), sentence)
    split = sum(1 for _, parts in base.weights if parts) > 1
    anew = ("customers with a sticky key are drawn anew: some change their version",) if split else ()
    guards = (_runs(base),) if stage_of(base) is not None else ()
    return replace(draft, undo=commands.UNDO, remarks=(*draft.remarks, *anew), guards=guards)


def stop(intent: StopExperiment, situation: Situation, author: Author, _now_s: float) -> Draft:
    """End it: leave the weights, give one version everything, or go back to the stable one.

    Raises CannotPlan when none runs, or when it is not clear which version is meant.
    """
    package, name = intent.package, shown(intent.package)
    traffic = situation.decided.traffic.get(package)
    if traffic is None or not _named_and_open(traffic):
        running = [shown(one) for one, each in situation.decided.traffic.items() if _named_and_open(each)]
        others = f"; of {', '.join(sorted(running))} one does" if running else ""
        msg = f"no experiment of {name} runs{others}"
        raise CannotPlan(msg, "h2o experiment status", CannotPlan.Kind.NO_MATCH)
    owned = replace(traffic, owner=author.actor, reason=author.reason)
    flag = ["--keep"]
    if intent.outcome is Outcome.KEEP:
        after = replace(owned, ended=True)
        what = "the weights stay, and so does every customer"
    elif intent.outcome is Outcome.REVERT:
        after, flag = _all_to(owned, traffic.stable), ["--revert"]
        what = f"back to {traffic.stable}: {changes(traffic, after)}"
    else:
        assert intent.outcome is Outcome.PROMOTE
        version = _winner(traffic, intent.version)
        after = replace(_all_to(owned, version), stable=version)
        flag = ["--promote", *(["--version", version] if intent.version else [])]
        what = f"{version} is promoted: {changes(traffic, after)}"
    words = ["experiment", "stop", name, *flag]
    sentence = f"{name}: experiment {traffic.experiment} ends, {what}"
    draft = traffic_draft(situation, traffic, after, commands.line(*words, reason=author.reason), sentence)
    return replace(draft, undo=commands.UNDO)


def _named_and_open(traffic: Traffic) -> bool:
    return bool(traffic.experiment) and not traffic.ended


def _runs(traffic: Traffic) -> Guard:
    name = shown(traffic.package)
    sentence = f"experiment {traffic.experiment} of {name} runs already; another one ends it without a verdict"
    return Guard(EXPERIMENT, Verdict.REFUSED, sentence, name, f"end it first: h2o experiment stop {name} --revert")


def _named(intent: StartExperiment) -> str:
    """Its name, or that of the new versions."""
    name = intent.name or _NO_WORD.sub("-", "-".join(intent.weights))[:_LONGEST]
    if not WORD.fullmatch(name):
        msg = f"{name!a:.80} is no experiment's name: letters, digits, dots, _ and -, at most {_LONGEST}"
        raise CannotPlan(msg, "--name checkout-2.1")
    return name


def _weighed(base: Traffic, intent: StartExperiment) -> Weights:
    """One version scales the others; of several the stable one takes the rest, which has to be something."""
    new = intent.weights
    hint = f"h2o experiment start {shown(base.package)} VERSION=10%"
    if not any(parts and version != base.stable for version, parts in new.items()):
        msg = f"name a version beside {base.stable}, the stable one, and its share"
        raise CannotPlan(msg, hint)
    try:
        if len(new) == 1:
            weights = scaled(base, *next(iter(new.items())))
        else:
            rest = WHOLE - sum(parts for version, parts in new.items() if version != base.stable)
            given = dict.fromkeys(dict(base.weights), 0) | dict(new) | {base.stable: rest}
            if new.get(base.stable, rest) != rest or rest < 0:
                said = " + ".join(percent(parts) for parts in new.values())
                msg = f"{said} are not 100%; leave {base.stable} out, and it takes the rest"
                raise InvalidWeights(msg)
            weights = tuple(given.items())
    except InvalidWeights as error:
        raise CannotPlan(str(error), hint) from None
    if not dict(weights).get(base.stable):
        msg = f"nothing is left for {base.stable}, the stable one, which the others are compared with"
        raise CannotPlan(msg, hint)
    return weights


def _all_to(traffic: Traffic, version: str) -> Traffic:
    weights = tuple((name, WHOLE if name == version else 0) for name, _ in traffic.weights)
    return replace(traffic, weights=weights, experiment="", ended=False, review_s=0.0)


def _winner(traffic: Traffic, wanted: str) -> str:
    """The new version that takes over; raises CannotPlan unless there is one, or it is named."""
    new = [version for version, parts in traffic.weights if parts and version != traffic.stable]
    name = shown(traffic.package)
    if wanted and wanted not in new:
        raise no_match(wanted, f"new version in the experiment of {name}", new, f"h2o experiment status {name}")
    if not wanted and len(new) != 1:
        msg = f"{' and '.join(new) or 'none'} are compared with {traffic.stable}; say which is promoted"
        raise CannotPlan(msg, f"h2o experiment stop {name} --promote --version {new[0] if new else 'VERSION'}")
    return wanted or new[0]
