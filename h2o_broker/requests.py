"""One request in the switch, and the failures that a broker answers by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.errors import Code, Executed, hint_for
from h2o_core.pb.answer_pb2 import Failure

if TYPE_CHECKING:
    from h2o_broker.members import LocalInstance, LocalVersion, RemoteInstance, Source
    from h2o_broker.telemetry import FeatureCounter

NO_BUCKET: set[int] = set()


class Request:
    """From the frame that brought it until its slot is free again.

    `ended` is set by its one terminal answer; it stays known after that only while an instance still
    holds a slot for it.
    """

    __slots__ = (
        "attempt",
        "bucket",
        "caller",
        "counter",
        "deadline_ns",
        "ended",
        "frame",
        "id",
        "name",
        "queued_at",
        "refused_by",
        "sent_ns",
        "source",
        "source_correlation",
        "started_ns",
        "tail_at",
        "target",
        "types",
    )

    def __init__(  # noqa: PLR0913 - built on the hot path, positionally
        self,
        request_id: int,
        source: Source,
        source_correlation: int,
        frame: bytes,
        tail_at: int,
        name: bytes,
        types: int,
        now_ns: int,
        deadline_ns: int,
    ) -> None:
        self.id = request_id
        self.source = source
        self.caller = source.caller
        """Who calls: at the destination it is read from the route block."""
        self.source_correlation = source_correlation
        self.frame = frame
        self.tail_at = tail_at
        self.name = name
        self.types = types
        self.started_ns = now_ns
        self.deadline_ns = deadline_ns
        self.sent_ns = 0
        self.attempt = 0
        self.ended = False
        self.target: LocalInstance | RemoteInstance | None = None
        self.queued_at: LocalVersion | None = None
        self.counter: FeatureCounter | None = None
        self.bucket = NO_BUCKET
        self.refused_by = ""


def failure_payload(code: Code, message: str, feature: str, at: str) -> bytes:
    """A Failure that says what happened and what to type next."""
    return Failure(message=message, hint=hint_for(code, feature), at=at).SerializeToString()


NOT_EXECUTED = int(Executed.NO)
MAYBE_EXECUTED = int(Executed.UNKNOWN)
