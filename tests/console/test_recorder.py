"""The recorder's thread and its directory: what is on the disk, who may read it, who writes, what a crash leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.poller import Poller, monotonic_s
from h2o_console.recording import recorder as recording
from h2o_console.recording.frames import NotARecording, parts
from h2o_console.recording.playing import Playing
from h2o_console.recording.recorder import NAME, OTHERS, Recorder, Shelved
from h2o_console.recording.segments import read
from h2o_console.recording.tape import load
from h2o_console.store.fleet import Store
from h2o_core.io.clock import unix_s
from tests.console.fake_fleet import FleetServer, example

WALL_S = 1_770_000_000.0


def holds(condition: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.01)


@contextmanager
def recorder(where: Shelved, wall: Callable[[], float] = lambda: WALL_S) -> Generator[Recorder]:
    made = Recorder(where, "demo", "prod", wall, write_s=0.02)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def recorded(directory: Path) -> list[Heard]:
    found: list[Heard] = []
    for file in sorted(directory.glob("*.h2orec")):
        if not (data := file.read_bytes()):
            continue  # begun, and nothing is written yet
        found += [taken.heard for part in parts(data) for taken in read(data, part) if not taken.earlier]
    return found


def stats(number: int, size: int = 10) -> Heard:
    return Heard(Kind.STATS, "host-1", b"%d" % number + os.urandom(size))


def test_what_is_heard_is_on_the_disk_for_its_owner_alone(tmp_path: Path) -> None:
    where = Shelved(tmp_path / "h2o" / "demo")
    told = [stats(number) for number in range(20)]
    with recorder(where) as made:
        for heard in told[:10]:
            made.hear(heard, monotonic_s())
        holds(lambda: recorded(where.directory) == told[:10], "the first ten, while it records")
        for heard in told[10:]:
            made.hear(heard, monotonic_s())
    assert recorded(where.directory) == told, "what was heard last is written when it ends"
    assert stat.S_IMODE(where.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in where.directory.iterdir()} == {0o600}
    assert NAME not in {thread.name for thread in threading.enumerate()}
    (piece,) = load(where.directory).pieces
    assert (piece.began_s, piece.part.fleet, piece.part.context) == (WALL_S, "demo", "prod")


def test_another_console_waits_until_the_first_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_AGAIN_S", 0.02)
    where = Shelved(tmp_path)
    with recorder(where) as first:
        first.hear(stats(1), monotonic_s())
        holds(lambda: len(recorded(tmp_path)) == 1, "the first one's")
        with recorder(where, lambda: WALL_S + 60) as second:
            holds(lambda: second.trouble == OTHERS, "it is told")
            second.hear(stats(2), monotonic_s())
            holds(lambda: not second._waiting, "and keeps nothing")
            first.stop()
            holds(lambda: not second.trouble, "its turn")
            second.hear(stats(3), monotonic_s())
            holds(lambda: [heard.body[:1] for heard in recorded(tmp_path)] == [b"1", b"3"], "in a file of its own")
    assert len(list(tmp_path.glob("*.h2orec"))) == 2


def test_segments_follow_one_another_and_the_bound_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "SEGMENT_S", 0.05)
    where = Shelved(tmp_path, most_bytes=400_000)
    wall_s = WALL_S

    def wall() -> float:
        nonlocal wall_s
        wall_s += 30.0
        return wall_s

    begun = set[str]()
    with recorder(where, wall) as made:
        while len(begun) < 30:
            made.hear(Heard(Kind.INSTANCES, body=os.urandom(2000)), monotonic_s())
            begun |= {file.name for file in tmp_path.glob("*.h2orec")}
            there = set(tmp_path.glob("*.h2orec"))
            with suppress(FileNotFoundError):  # it has just been removed
                whole = sum(file.stat().st_size for file in there)
                if there == set(tmp_path.glob("*.h2orec")):  # else what was counted was never there at one time
                    assert whole <= where.most_bytes
            time.sleep(0.002)
    assert len(list(tmp_path.glob("*.h2orec"))) < 30
    assert load(tmp_path).ended_s > WALL_S + 29 * 30


def test_a_directory_that_takes_nothing_is_a_trouble_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with recorder(Shelved(tmp_path / "file" / "below")) as made:
        made.hear(stats(1), monotonic_s())
        holds(lambda: made.trouble == "Not a directory", "the trouble")
        assert not made._waiting


def test_a_clock_that_was_set_back_overwrites_nothing(tmp_path: Path) -> None:
    for number in range(3):
        with recorder(Shelved(tmp_path)) as made:
            made.hear(stats(number), monotonic_s())
    assert [heard.body[:1] for heard in recorded(tmp_path)] == [b"0", b"1", b"2"]


_DIES = """
import sys, time
from pathlib import Path
from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.poller import monotonic_s
from h2o_console.recording.recorder import Recorder, Shelved
made = Recorder(Shelved(Path(sys.argv[1])), "demo", "")
made.start()
for number in range(10_000):
    made.hear(Heard(Kind.STATS, "host-1", b"%d" % number), monotonic_s())
    print(number, flush=True)
    time.sleep(0.01)
"""


def test_a_console_that_is_killed_loses_the_last_seconds_and_no_more(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _DIES, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = 0
        for line in process.stdout:
            said = int(line)
            if said == 300:
                break
        process.send_signal(signal.SIGKILL)
    told = [int(heard.body) for heard in recorded(tmp_path)]
    assert told == list(range(len(told)))
    assert len(told) > 50, "300 were heard in three seconds and more, and each second is written"
    with recorder(Shelved(tmp_path), unix_s) as made:
        made.hear(stats(1), monotonic_s())
        holds(lambda: len(list(tmp_path.glob("*.h2orec"))) == 2, "the next console is not held up")


async def test_what_a_poller_hears_over_real_http_can_be_played(tmp_path: Path) -> None:
    fleet = example(3, 12)
    store = Store()
    with FleetServer(fleet) as served, recorder(Shelved(tmp_path)) as made:
        poller = Poller(store, f"http://{served.address('host-1')}", tap=made.hear, token="not-to-be-written-down")
        task = asyncio.create_task(poller.run())
        poller.look_at(fleet.hosts)
        store.look_at(("service/geo",))
        deadline_s = time.monotonic() + 10
        while not ((view := store.package("service/geo", monotonic_s())) and (view.rps or 0) > 100):
            assert time.monotonic() < deadline_s, "a rate"
            await asyncio.sleep(0.1)
            with served.lock:
                fleet.advance(0.1)
        served.down.add("host-3")
        while not store.hosts["host-3"].failed:
            assert time.monotonic() < deadline_s, "the failure"
            await asyncio.sleep(0.02)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    again = Store()
    playing = Playing(load(tmp_path), again)
    playing.play(60.0)
    assert again.hosts["host-3"].failed == "the broker does not answer"
    view = again.package("service/geo", playing.stage_s)
    assert view is not None
    assert (view.rps or 0) > 50
    assert b"not-to-be-written-down" not in b"".join(map(Path.read_bytes, load(tmp_path).files()))


def test_an_empty_directory_is_no_recording(tmp_path: Path) -> None:
    with recorder(Shelved(tmp_path)):
        holds(lambda: list(tmp_path.glob("*.h2orec")), "a segment")
    with pytest.raises(NotARecording, match="there is nothing in it"):
        load(tmp_path)
