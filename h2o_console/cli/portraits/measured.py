"""The sections of what was counted: by version, feature, instance and caller, beside what was promised. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from h2o_console.cli.counting import (
    By,
    Counted,
    application_errors_of,
    errors_of,
    grouped,
    mean_ms,
    quantile_ms,
)
from h2o_console.cli.portraits import fields
from h2o_console.cli.reported import counts_of
from h2o_console.feed.answers import number, text
from h2o_console.sections import Section

if TYPE_CHECKING:
    from h2o_console.cli.portraits.known import Entry, Known


def versions(known: Known, name: str, counted: Sequence[Counted]) -> Section:
    """Each version of a package that runs or is offered, and what was counted of it."""
    measured = {group.key[1]: group for group in grouped(counted, By.VERSION)}
    here = [each for each in known.view.instances if each.package == name]
    versions = {each.version for each in here if each.version} | {
        text(each, "version") for each in known.features if text(each, "package") == name
    }
    entries: list[Entry] = []
    for version in sorted(versions):
        running = [each for each in here if each.version == version and each.id]
        group = measured.get(version)
        entries.append(
            {
                "version": version,
                "instances": len(running),
                "ready": sum(each.state == "ready" for each in running),
                "hosts": len({each.host for each in running}),
                **_measured(group.tally if group is not None and group.known else None),
            }
        )
    return Section("versions", f"PACKAGE {name}", fields.VERSIONS, entries)


def features(known: Known, counted: Sequence[Counted], wanted: Callable[[Mapping[str, Any]], bool]) -> Section:
    """Promised beside measured, for each version that somebody serves or serves now."""
    tallies: dict[tuple[str, str], list[Counted]] = {}
    for one in counted:
        tallies.setdefault((one.endpoint.feature, one.instance.version), []).append(one)
    entries: list[Entry] = []
    for each in known.features:
        if not wanted(each):
            continue
        found = grouped(tallies.get((text(each, "name"), text(each, "version")), []), By.FEATURE)
        entries.append(
            {
                "name": text(each, "name"),
                "version": text(each, "version"),
                "promised_mean_ms": number(each, "mean_ms") or None,
                "promised_upper95_ms": number(each, "upper95_ms") or None,
                "kept": _kept(each, found[0].tally if found else None),
                **_measured(found[0].tally if found and found[0].known else None),
            }
        )
    return Section("features", "FEATURES, promised and measured (ms)", fields.FEATURES, entries)


def _kept(promise: Mapping[str, Any], tally: Any) -> str:
    """Is the promised upper 95 % kept? "" when nothing was promised or timed."""
    upper, p95 = number(promise, "upper95_ms"), None if tally is None else quantile_ms(tally, 0.95)
    if not upper or p95 is None:
        return ""
    return "kept" if p95 <= upper else "broken"


def types(known: Known, name: str) -> Section:
    """What a feature takes and gives, by version."""
    entries = [
        {
            "version": text(each, "version"),
            "request_type": text(each, "request_type"),
            "reply_type": text(each, "reply_type"),
            "idempotent": each.get("idempotent") is True,
        }
        for each in known.features
        if text(each, "name") == name
    ]
    return Section("types", "TYPES", fields.TYPES, entries)


def _measured(tally: Any) -> Entry:
    """Null where nothing is known."""
    if tally is None:
        return dict.fromkeys(("requests", "errors", "application_errors", "mean_ms", "p50_ms", "p95_ms", "p99_ms"))
    return {
        "requests": tally.requests,
        "errors": errors_of(tally),
        "application_errors": application_errors_of(tally),
        "mean_ms": mean_ms(tally),
        "p50_ms": quantile_ms(tally, 0.5),
        "p95_ms": quantile_ms(tally, 0.95),
        "p99_ms": quantile_ms(tally, 0.99),
    }


def by_instance(one: Counted) -> Entry:
    """What was counted of a feature at one instance."""
    where = {"id": one.instance.id, "version": one.instance.version, "host": one.instance.host}
    return {**where, **_measured(one.tally)}


def callers(known: Known, wanted: Callable[[str], bool]) -> Section:
    """Counted at the origin, over the hosts that answered: never to be added to what features count."""
    outcomes: dict[tuple[str, str, str], dict[str, int]] = {}
    for answer in known.answers.values():
        for one in counts_of(answer).callers:
            if wanted(one.feature):
                total = outcomes.setdefault((one.caller, one.version, one.feature), {})
                for code, n in one.outcomes.items():
                    total[code] = total.get(code, 0) + n
    entries = [
        {"caller": caller, "version": version, "feature": feature, "requests": sum(total.values()), "outcomes": total}
        for (caller, version, feature), total in sorted(outcomes.items())
    ]
    return Section("callers", "CALLERS", fields.CALLERS, entries)
