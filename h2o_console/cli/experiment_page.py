"""The pages of `h2o experiment status`: versions side by side, what is different, and what to make of it."""

from __future__ import annotations

from math import isfinite
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.failures import Exit
from h2o_console.cli.output import Column, age, milliseconds, one_line, percent
from h2o_console.cli.printing import Page
from h2o_console.cli.sections import render_sections
from h2o_console.feed.answers import SCHEMA
from h2o_console.sections import Colour, Field, Section
from h2o_core.control.traffic import WHOLE
from h2o_core.experiment.judging import Verdict
from h2o_core.experiment.words import sentence
from h2o_core.names import shown
from h2o_core.times import rfc3339
from h2o_core.weights import percent as weight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.output import Style
    from h2o_console.commands.trials import Looked, Running
    from h2o_core.experiment.judging import Durations, Judgement, Shares
    from h2o_core.histogram import Histogram

_MS: Final = 1e6
_COLOURS: Final = {
    Verdict.WORSE.value: Colour.BAD,
    Verdict.INVALID.value: Colour.BAD,
    Verdict.BETTER.value: Colour.GOOD,
    Verdict.ALIKE.value: Colour.GOOD,
}
_ALARMING: Final = frozenset({Verdict.WORSE, Verdict.INVALID})
_LIST: Final = (
    Column("PACKAGE"),
    Column("EXPERIMENT"),
    Column("VERSIONS"),
    Column("COUNTED FOR", right=True),
    Column("VERDICT", colours=_COLOURS),
    Column("WHY"),
)


def all_page(fleet: str, looked: Looked) -> Page:
    """Every experiment that runs, a line for each new version."""
    rows: list[tuple[str, ...]] = []
    for package, running in sorted(looked.running.items()):
        weights = ", ".join(f"{version} {weight(parts)}" for version, parts in running.counted.stage.weights)
        for one in running.judged.versions:
            since = age(looked.at_s - running.counted.since_s)
            said = sentence(running.counted, running.judged, one)
            rows.append((shown(package), running.traffic.experiment, weights, since, one.verdict.value, said))
    documents = [document_of(looked, running) for _, running in sorted(looked.running.items())]
    document = {"schema": SCHEMA, "fleet": fleet, "experiments": documents, "unreachable": _missing(looked)}
    names = [shown(package) for package in sorted(looked.running)]
    return Page(_LIST, rows, document, names, code_of(looked, *looked.running.values()))


def one_page(fleet: str, looked: Looked, running: Running) -> Page:
    """One experiment."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "fleet": fleet,
        **document_of(looked, running),
        "unreachable": _missing(looked),
    }
    sections = _sections(looked, running, document)
    names = [entry["version"] for entry in document["arms"]]
    code = code_of(looked, running)
    return Page(
        (), (), document, names, code, text=lambda style: _verdicts(document, style) + render_sections(sections, style)
    )


def sections_of(looked: Looked, running: Running) -> tuple[list[str], list[Section]]:
    """What the page of one experiment says, for whoever shows it in another manner: a sentence a version, sections."""
    document = document_of(looked, running)
    return [entry["sentence"] for entry in document["against"]], _sections(looked, running, document)


def _sections(looked: Looked, running: Running, document: Mapping[str, Any]) -> list[Section]:
    return [_facts(looked, running, document), _arms(document), _differences(running, document)]


def _verdicts(document: Mapping[str, Any], style: Style) -> str:
    """A paragraph for each new version, whole: this is what the page is for."""
    told = [one_line(entry["sentence"]) for entry in document["against"]]
    if style.cells is not None:
        told = [fill(sentence, style.cells) for sentence in told]
    return "".join(f"{sentence}\n\n" for sentence in told)


def code_of(looked: Looked, *running: Running) -> Exit:
    """1 when something is worse or can't be judged, else 5 when hosts are missing."""
    if any(one.verdict in _ALARMING for each in running for one in each.judged.versions):
        return Exit.FAILED
    return Exit.PARTIAL if looked.silent else Exit.OK


def _missing(looked: Looked) -> list[dict[str, str]]:
    return [{"host": host, "error": why} for host, why in sorted(looked.silent.items())]


# ---------------------------------------------------------------------- as JSON


def document_of(looked: Looked, running: Running) -> dict[str, Any]:
    """One experiment, with everything that the page shows."""
    traffic, counted, ratio = running.traffic, running.counted, running.judged.ratio
    drawn = dict(zip(ratio.versions, ratio.drawn, strict=True))
    return {
        "package": shown(traffic.package),
        "experiment": traffic.experiment,
        "salt": traffic.salt,
        "stable": traffic.stable,
        "owner": traffic.owner,
        "reason": traffic.reason,
        "review": rfc3339(traffic.review_s) if traffic.review_s else None,
        "min_effect": traffic.min_effect / WHOLE,
        "since": rfc3339(counted.since_s),
        "counted_s": round(max(0.0, looked.at_s - counted.since_s), 1),
        "sample_ratio": {"p": ratio.p, "invalid": ratio.invalid},
        "left_out": {"by_rule": counted.by_rule, "broken": counted.broken},
        "behind": list(running.behind),
        "arms": [_arm(running, version, parts, drawn) for version, parts in counted.stage.weights],
        "against": [_judgement(running, one) for one in running.judged.versions],
    }


def _arm(running: Running, version: str, parts: int, drawn: Mapping[str, int]) -> dict[str, Any]:
    arm = running.counted.arm(version)
    whole = arm.whole
    total = sum(drawn.values())
    return {
        "version": version,
        "parts": parts,
        "stable": version == running.traffic.stable,
        "drawn": drawn[version],
        "drawn_share": drawn[version] / total if total else None,
        "carried": whole.carried,
        "requests": whole.ended,
        "sticky_share": arm.sticky.ended / whole.ended if whole.ended else None,
        "errors": whole.errors,
        "error_share": whole.errors / whole.ended if whole.ended else None,
        "application_errors": whole.application_errors,
        "application_error_share": whole.application_errors / whole.ended if whole.ended else None,
        **{f"p{q * 100:.0f}_ms": _quantile(whole.times, q) for q in (0.5, 0.95, 0.99)},
    }


def _quantile(times: Histogram, q: float) -> float | None:
    return round(times.quantile(q) / _MS, 3) if times.count else None


def _judgement(running: Running, one: Judgement) -> dict[str, Any]:
    return {
        "version": one.version,
        "verdict": one.verdict.value,
        "sentence": sentence(running.counted, running.judged, one),
        "errors": _shares(one.errors),
        "application_errors": _shares(one.application),
        "durations": _durations(one.durations),
        "requests": one.requests,
        "planned": round(one.planned),
        "needs": round(one.needs),
        "needs_s": None if one.needs_s is None else round(one.needs_s),
        "few_keys": one.few_keys,
    }


def _shares(found: Shares) -> dict[str, Any]:
    return {
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "z": found.z,
        "verdict": found.verdict.value,
    }


def _durations(found: Durations) -> dict[str, Any]:
    said = found.measured
    return {
        "factor": _known(said.factor),
        "low": _known(said.low),
        "high": _known(said.high),
        "by_ms": _known(said.by_ns / _MS),
        "z": said.z,
        "verdict": found.verdict.value,
    }


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


# ---------------------------------------------------------------------- for people


def _facts(looked: Looked, running: Running, document: Mapping[str, Any]) -> Section:
    traffic, counted = running.traffic, running.counted
    reason = f": {traffic.reason}" if traffic.reason else ""
    left_out = [f"{counted.by_rule:,} by a match rule"] if counted.by_rule else []
    left_out += [f"{counted.broken:,} for want of an instance"] if counted.broken else []
    entry = {
        "counted": f"{age(looked.at_s - counted.since_s)}, since {document['since']}",
        "owner": f"{traffic.owner or 'somebody'}{reason}",
        "review": _review(traffic.review_s, looked.at_s),
        "left_out": ", ".join(left_out),
        "behind": ", ".join(running.behind),
        "silent": ", ".join(sorted(looked.silent)),
        "salt": traffic.salt,
    }
    fields = (
        Field("counted for", "counted"),
        Field("decided by", "owner"),
        Field("review", "review"),
        Field("left out", "left_out"),
        Field("not yet counting", "behind"),
        Field("silent", "silent"),
        Field("salt", "salt", wide=True),
    )
    title = f"Experiment {traffic.experiment} of {shown(traffic.package)}"
    return Section("experiment", title, fields, [entry], facts=True)


def _review(review_s: float, now_s: float) -> str:
    if not review_s:
        return ""
    return f"due {age(now_s - review_s)} ago" if review_s < now_s else f"in {age(review_s - now_s)}"


def _share(value: Any) -> str:
    return "-" if value is None else percent(value * 100)


def _thousands(value: Any) -> str:
    return f"{value:,}"


def _arms(document: Mapping[str, Any]) -> Section:
    fields = (
        Field("VERSION", "version"),
        Field("SHARE", "parts", weight, right=True),
        Field("DRAWN", "drawn_share", _share, right=True),
        Field("REQUESTS", "requests", _thousands, right=True),
        Field("CARRIED", "carried", _thousands, right=True, wide=True),
        Field("STICKY", "sticky_share", _share, right=True),
        Field("ERRORS", "error_share", _share, right=True),
        Field("APP ERRORS", "application_error_share", _share, right=True),
        Field("p50", "p50_ms", milliseconds, right=True),
        Field("p95", "p95_ms", milliseconds, right=True),
        Field("p99", "p99_ms", milliseconds, right=True),
    )
    return Section("arms", "Versions (durations in ms)", fields, document["arms"])


def _differences(running: Running, document: Mapping[str, Any]) -> Section:
    fields = (
        Field("VERSION", "version"),
        Field("ERRORS", "errors", _points),
        Field("APP ERRORS", "application_errors", _points),
        Field("DURATION", "durations", _longer),
        Field("Z", "errors", lambda found: f"{found['z']:+.2f}", right=True, wide=True),
        Field("PLANNED", "planned", _thousands, right=True, wide=True),
        Field("VERDICT", "verdict", colours=_COLOURS),
    )
    return Section(
        "against", f"Against {running.traffic.stable}, the stable one (errors in points)", fields, document["against"]
    )


def _points(found: Mapping[str, Any]) -> str:
    low, middle, high = (found[key] * 100 for key in ("low", "difference", "high"))
    digits = 1 if max(-low, high) >= 1 else 2
    return f"{middle:+.{digits}f} ({low:+.{digits}f} … {high:+.{digits}f})"


def _longer(found: Mapping[str, Any]) -> str:
    if found["factor"] is None:
        return "-"
    low, middle, high = ((found[key] - 1) * 100 for key in ("low", "factor", "high"))
    return f"{middle:+.0f}% ({low:+.0f} … {high:+.0f})"
