"""Where a process's main thread spends its CPU time: a sampling profiler inside it.

``python -m bench.sampler OUT MODULE [ARGUMENT …]`` runs MODULE as ``python -m`` would and writes what
it saw to OUT (JSON) when it ends. A timer on CPU time interrupts every 2 ms; each sample weighs the CPU
time of the main thread since the one before, so that libzmq's own thread, which burns the same timer,
moves nothing. cProfile would charge 0.1–0.3 µs to each call of functions that take as long themselves.
Python sees a signal after a call into C returns: C time counts for the line that called it.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

_EVERY_S: Final = 0.002


class Sampler:
    """Self and inclusive CPU seconds by function, self seconds by line."""

    def __init__(self) -> None:
        """Start with the first interruption after `start`."""
        self._own: Counter[CodeType] = Counter()
        self._under: Counter[CodeType] = Counter()
        self._lines: Counter[tuple[CodeType, int]] = Counter()
        self._last_ns = 0

    def start(self) -> None:
        """Interrupt this process from now on; main thread only."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        self._last_ns = time.thread_time_ns()

    def reset(self) -> None:
        """Forget what was seen: start-up is over."""
        for counter in (self._own, self._under, self._lines):
            counter.clear()

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        now_ns = time.thread_time_ns()
        weight_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if frame is None:
            return
        self._own[frame.f_code] += weight_ns
        self._lines[frame.f_code, frame.f_lineno or 0] += weight_ns
        seen: set[CodeType] = set()
        at: FrameType | None = frame
        while at is not None:
            seen.add(at.f_code)
            at = at.f_back
        for code in seen:
            self._under[code] += weight_ns

    def stop(self) -> dict[str, Any]:
        """End it and say what was seen, in CPU seconds: functions (place, own, under) and lines (place, own)."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        functions = [[_place(code), self._own[code] / 1e9, under / 1e9] for code, under in self._under.items()]
        lines = [[_place(code, line), own / 1e9] for (code, line), own in self._lines.items()]
        return {"functions": functions, "lines": lines}


def _place(code: CodeType, line: int = 0) -> str:
    path = Path(code.co_filename)
    short = "/".join(path.parts[-2:])
    return f"{short}:{line or code.co_firstlineno} {code.co_qualname}"


def main(out: str, module: str, *arguments: str) -> None:
    """Run *module* under the sampler; SIGUSR1 forgets what was seen so far."""
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda _number, _frame: sampler.reset())
    sys.argv = [module, *arguments]
    sampler.start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(out).write_text(json.dumps(sampler.stop()))


if __name__ == "__main__":
    main(*sys.argv[1:])
