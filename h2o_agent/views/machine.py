"""What `/health` says of the processes and of the server: crash loops, and a disk that is nearly full. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.lifecycle import exit_text
from h2o_agent.views.finding import Finding, Verdict

if TYPE_CHECKING:
    from h2o_agent.snapshot import ChildStatus, Snapshot

_FREE_BYTES: Final = 2 << 30
_FREE_SHARE: Final = 0.1


def crash_loop(child: ChildStatus, now_s: float) -> Finding:
    """Does it die again and again? It stands failed until it has lived for a minute."""
    of = child.package or child.key
    output = ""
    if child.crash_loops:
        words = f" ({child.why})" if child.why else ""
        output = f"{child.failures} deaths in a row, the last one with {exit_text(child.last_exit)}{words}"
    return Finding(
        check=f"{of}:crash_loop",
        component=child.key,
        kind="component",
        verdict=Verdict.FAIL if child.crash_loops else Verdict.PASS,
        observed=child.failures,
        unit="deaths",
        time_s=now_s,
        output=output,
    )


def disk(snapshot: Snapshot) -> list[Finding]:
    """Never fails: without room logs are dropped and counted, and instances run on."""
    read = snapshot.vitals
    if read is None or not read.disk_total_bytes:
        return []
    free = read.disk_available_bytes
    full = free < min(_FREE_BYTES, read.disk_total_bytes * _FREE_SHARE)
    said = f"{free >> 20} MiB are free where logs and history are kept; make room, or name another state_dir"
    return [
        Finding(
            check="host:disk",
            component=snapshot.host,
            kind="system",
            verdict=Verdict.WARN if full else Verdict.PASS,
            observed=free,
            unit="bytes",
            time_s=snapshot.now_s,
            output=said if full else "",
        )
    ]
