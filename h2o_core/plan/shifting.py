"""Plans that move a package's requests between its versions: weights, and back to what was before. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h2o_core.audit import Edit
from h2o_core.control.traffic import WHOLE, Traffic, encode_traffic
from h2o_core.names import dotted, shown
from h2o_core.plan import commands
from h2o_core.plan.draft import Draft, encoded, later, no_match
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.routes import order_of, routes
from h2o_core.plan.situation import TRAFFICS
from h2o_core.weights import InvalidWeights, percent, scaled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from h2o_core.audit import Author
    from h2o_core.plan.intents import RollBack, Shift
    from h2o_core.plan.routes import Route
    from h2o_core.plan.situation import Situation
    from h2o_core.weights import Weights


def shift(intent: Shift, situation: Situation, author: Author, now_s: float) -> Draft:
    """Raises CannotPlan for a package, version or sum that does not work."""
    later(intent.review_s, now_s, "--review")
    package = intent.package
    known = known_versions(situation, package)
    for version in (*intent.weights, *([intent.stable] if intent.stable else [])):
        if version not in known:
            raise no_match(version, f"version of {shown(package)}", known, f"h2o describe {shown(package)}")
    base = base_of(situation, package)
    traffic = replace(
        base,
        weights=_weighed(base, intent.weights, intent.stable),
        stable=intent.stable or base.stable,
        rules=base.rules if intent.rules is None else intent.rules,
        owner=author.actor,
        reason=author.reason,
        review_s=intent.review_s,
    )
    words = ["weight", shown(package), *(f"{one}={percent(parts)}" for one, parts in intent.weights.items())]
    words += ["--stable", intent.stable] if intent.stable else []
    words += ["--review", commands.duration(intent.review_s - now_s)] if intent.review_s else []
    return traffic_draft(
        situation, base, traffic, commands.line(*words, reason=author.reason), _sentence(base, traffic)
    )


def roll_back(intent: RollBack, situation: Situation, author: Author, _now_s: float) -> Draft:
    """Everything to one older version; rules that name the version that is left go too.

    Raises CannotPlan when nobody can tell which, or when there is nothing to leave.
    """
    package = intent.package
    known = known_versions(situation, package)
    base = base_of(situation, package)
    newest = max(
        (version for version, parts in base.weights if parts),
        key=lambda version: (order_of(situation.fleet, package, version), version),
    )
    target = intent.to or _earlier(situation, base, newest)
    if target not in known:
        raise no_match(target, f"version of {shown(package)}", known, f"h2o describe {shown(package)}")
    if base.weight(target) == WHOLE and package in situation.decided.traffic:
        msg = f"{target} has all of {shown(package)} already"
        raise CannotPlan(msg, _name_one(package, known, target))
    others = dict.fromkeys(name for name, _ in base.weights if name != target)
    left = {version for version in others if base.weight(version)} | {newest} - {target}
    rules = tuple(rule for rule in base.rules if rule.version not in left)
    weights = {name: 0 for name, _ in base.weights} | {target: WHOLE}
    traffic = replace(
        base,
        weights=tuple(weights.items()),
        stable=target,
        rules=rules,
        owner=author.actor,
        reason=author.reason,
        review_s=0.0,
    )
    words = ["rollback", shown(package), *(["--to", intent.to] if intent.to else [])]
    sentence = f"rolls {shown(package)} back to {target}: {changes(base, traffic)}"
    draft = traffic_draft(situation, base, traffic, commands.line(*words, reason=author.reason), sentence)
    gone = len(base.rules) - len(rules)
    remark = (f"{gone} match rules to versions that are left go too",) if gone else ()
    return replace(draft, remarks=(*draft.remarks, *remark))


def known_versions(situation: Situation, package: str) -> list[str]:
    """Every version that was registered, runs, or has a weight."""
    fleet, decided = situation.fleet, situation.decided
    running = dict.fromkeys(one.version for one in fleet.instances if one.package == package)
    traffic = decided.traffic.get(package)
    weighed = dict(traffic.weights) if traffic is not None else {}
    known = list(dict.fromkeys((*fleet.versions.get(package, ()), *running, *weighed)))
    if not known:
        packages = {shown(name) for name in (*fleet.versions, *decided.traffic)}
        raise no_match(shown(package), "package", packages, "h2o list")
    return known


def base_of(situation: Situation, package: str) -> Traffic:
    """What is decided; without a document what it would say if it said what happens now."""
    traffic = situation.decided.traffic.get(package)
    if traffic is not None:
        return traffic
    given = _route(situation, package).given
    live = tuple((version, parts) for version, parts in given.items() if parts)
    if not live:
        live = ((known_versions(situation, package)[0], WHOLE),)
    return Traffic(package, live[0][0], live)


def _route(situation: Situation, package: str) -> Route:
    return routes(situation.decided, situation.fleet, [package])[package]


def _weighed(base: Traffic, wanted: Mapping[str, int], stable: str) -> Weights:
    """One version scales the others; several are all there is. A fallback is always named, if with nothing."""
    try:
        if not wanted:
            weights = base.weights
        elif len(wanted) == 1:
            weights = scaled(base, *next(iter(wanted.items())))
        else:
            weights = _all(base, wanted)
    except InvalidWeights as error:
        names = dict.fromkeys([*dict(base.weights), *wanted])
        hint = f"h2o weight {shown(base.package)} " + " ".join(f"{name}=…%" for name in names)
        raise CannotPlan(str(error), hint) from None
    named = dict(weights)
    return weights if not stable or stable in named else (*weights, (stable, 0))


def _all(base: Traffic, wanted: Mapping[str, int]) -> Weights:
    """Each is said: nothing is left to be scaled. The order stays, new versions go to the end (decision 0017)."""
    total = sum(wanted.values())
    if total != WHOLE:
        said = " + ".join(percent(parts) for parts in wanted.values())
        msg = f"{said} = {percent(total)}, not 100%; give one version and the rest is scaled, or all of them"
        raise InvalidWeights(msg)
    names = dict.fromkeys([*dict(base.weights), *wanted])
    return tuple((name, wanted.get(name, 0)) for name in names)


def traffic_draft(situation: Situation, base: Traffic, traffic: Traffic, command: str, sentence: str) -> Draft:
    """What writes *traffic* where *base* was; raises CannotPlan for what can't stand in a document."""
    decided = situation.decided
    path = f"{TRAFFICS}{dotted(traffic.package)}"
    there = traffic.package in decided.traffic
    remarks: list[str] = []
    if path in decided.unreadable:
        remarks.append(f"what stands there can't be read, and is replaced: {decided.unreadable[path]}")
    if traffic.rules:
        remarks.append(f"besides {len(traffic.rules)} match rules, which come first")
    edit = Edit(path, decided.documents.get(path), encoded(lambda: encode_traffic(traffic)))
    return Draft(
        edits=(edit,),
        sentence=sentence,
        command=command,
        undo=commands.weight(base) if there and not base.rules else commands.UNDO,
        name=shown(traffic.package),
        remarks=tuple(remarks),
        until_s=traffic.review_s,
    )


def _sentence(base: Traffic, traffic: Traffic) -> str:
    said = [changes(base, traffic)] if base.weights != traffic.weights else []
    if base.stable != traffic.stable:
        said.append(f"{traffic.stable} is the fallback")
    if base.rules != traffic.rules:
        said.append(f"{len(traffic.rules)} match rules instead of {len(base.rules)}")
    return f"{shown(traffic.package)}: {', '.join(said) or 'the weights stay as they are'}"


def changes(base: Traffic, traffic: Traffic) -> str:
    """``2.0.0 100% → 90%, 2.1.0 0% → 10%``; "" when the weights stay."""
    names = [name for name in dict(traffic.weights) if base.weight(name) != traffic.weight(name)]
    return ", ".join(f"{name} {percent(base.weight(name))} → {percent(traffic.weight(name))}" for name in names)


def _earlier(situation: Situation, base: Traffic, newest: str) -> str:
    """The version that took the most before *newest* came: of those that still have something, the one with the most.

    When *newest* has all: the fallback, or else the only older one that is ready, or the only one of these that the
    document names. Raises CannotPlan when it is not clear, or not ready.
    """
    package = base.package
    ready = {one.version for one in _route(situation, package).well} - {newest}
    place = order_of(situation.fleet, package, newest)
    older = {version for version in ready if order_of(situation.fleet, package, version) < place}
    rest = {version: parts for version, parts in base.weights if parts and version != newest}
    if rest:
        candidates = {version for version, parts in rest.items() if parts == max(rest.values())}
        why = f"{_listed(candidates)} have as much of {shown(package)} as one another"
    elif base.stable != newest:
        candidates, why = {base.stable}, ""
    else:
        candidates = older & set(dict(base.weights)) or older
        why = f"{newest} has all of {shown(package)}, and which version had it before is not written anywhere"
    if len(candidates) == 1:
        (target,) = candidates
        if target in ready:
            return target
        why = f"{target} had {shown(package)} before {newest}, and none of its instances is ready"
    elif not candidates:
        why = f"{newest} has all of {shown(package)}, and no older version has an instance that is ready"
    raise CannotPlan(why, _name_one(package, sorted(candidates & ready or ready)))


def _listed(names: Collection[str]) -> str:
    return " and ".join(sorted(names))


def _name_one(package: str, versions: Iterable[str], but: str = "") -> str:
    named = " or ".join(f"h2o rollback {shown(package)} --to {version}" for version in versions if version != but)
    return f"say which: {named}" if named else f"start one first; what there is: h2o describe {shown(package)}"
