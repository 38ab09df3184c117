"""An Explanation in JSON: which version and instance a request gets, and every one that was considered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.views.head import head, milliseconds, moment
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot, Told
    from h2o_agent.views.head import Json
    from h2o_core.pb.explain_pb2 import Considered, Explanation, VersionShare


def document(snapshot: Snapshot, told: Told, explanation: Explanation) -> Json:
    """`/why`. Chances are 0 to 1, weights parts out of 10,000; what does not apply is null."""
    one = explanation
    return {
        **head(snapshot, told),
        "feature": shown(one.feature),
        "package": shown(one.package),
        "caller": shown(one.caller),
        "sticky_key": one.sticky_key or None,
        "epoch": one.epoch,
        "at": moment(one.at_s),
        "request_id": one.request_id or None,
        "attempt": one.attempt,
        "chosen": one.chosen or None,
        "code": one.code or "OK",
        "sentence": one.sentence,
        "warning": one.warning,
        "how": one.how or None,
        "version": one.version or None,
        "rule": one.rule if one.rule >= 0 else None,
        "bucket": one.bucket if one.bucket >= 0 else None,
        "broken": one.broken,
        "versions": [_version(each) for each in one.versions],
        "candidates": [_candidate(each) for each in one.candidates],
    }


def _version(share: VersionShare) -> Json:
    return {
        "version": share.version,
        "weight": share.weight,
        "chance": round(share.chance, 4),
        "instances": share.instances,
        "candidates": share.candidates,
    }


def _candidate(one: Considered) -> Json:
    return {
        "instance": one.instance,
        "version": one.version,
        "host": one.host,
        "zone": one.zone,
        "place": one.place,
        "eligible": one.eligible,
        "why": one.why,
        "chance": round(one.chance, 4),
        "load_ms": milliseconds(one.load_ms),
        "latency_ms": milliseconds(one.latency_ms),
        "success": round(one.success, 4),
        "pending": one.pending,
        "slots": one.slots,
        "inclusion": round(one.inclusion, 3),
    }
