"""History on a real disk: it outlives its agent, stays within its bounds, and is lost alone when the disk is full."""

from __future__ import annotations

import math
import os
import resource
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from h2o_agent.history import past as past_module
from h2o_agent.history.answering import Query, minute
from h2o_agent.history.past import Past
from h2o_agent.history.records import MINUTE, encode
from h2o_agent.history.rings import Frame
from h2o_agent.history.segments import Segments
from h2o_agent.history.tally import Tally
from h2o_core.pb.host_pb2 import Vitals
from tests.core.test_agent_history import KEY, NOW_S, Counted

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0


class Clock:
    """Stands for the clock: a week is not waited for."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(past_module, "unix_s", made)
    return made


def count_for(past: Past, clock: Clock, seconds: int, broker: Counted) -> None:
    """A call a second."""
    for _ in range(seconds):
        broker.now_s = clock.now_s
        past.heard(broker.report())
        past.sampled(Vitals(cpu_pct=50), 1.0)
        broker.call("a", 0, 1_000_000)
        clock.now_s += 1


async def counted(past: Past, resolution_s: int, kind: str = "package") -> dict[float, int]:
    history = await past.answer(Query(resolution_s, kind), 1 << 20)
    return {
        point.t_s: sum(outcome.count for outcome in point.outcomes)
        for series in history.series
        for point in series.points
    }


async def test_all_resolutions_say_the_same_and_minutes_outlive_the_agent(tmp_path: Path, clock: Clock):
    past, broker = Past("host-1", tmp_path / "history"), Counted()
    broker.register("a")
    count_for(past, clock, 200, broker)
    assert len(await counted(past, 1)) == 119, "two minutes, without the second that is not over"
    assert set((await counted(past, 1)).values()) == {1}
    tens = await counted(past, 10)
    assert (len(tens), sum(tens.values())) == (19, 189), "the first report has nothing to be compared with"
    minutes = await counted(past, 60)
    # NOW_S is twenty seconds into a minute
    assert [(int(t_s - NOW_S), count) for t_s, count in sorted(minutes.items())] == [(-20, 39), (40, 60), (100, 60)]
    await past.close()

    another = Past("host-1", tmp_path / "history")
    assert await counted(another, 1) == {}
    assert sum((await counted(another, 60)).values()) == 199, "with what there was of the last minute"
    count_for(another, clock, 30, broker)
    await another.close()
    third = Past("host-1", tmp_path / "history")
    minutes = await counted(third, 60)
    assert (len(minutes), sum(minutes.values())) == (5, 199 + 29), "the parts of one minute are one"
    pairs = await counted(third, 120)
    assert len(pairs) == 2
    assert pairs == {t_s: minutes.get(t_s, 0) + minutes.get(t_s + 60, 0) for t_s in pairs}
    await third.close()


async def test_an_agent_that_is_killed_loses_the_minute_that_is_not_over(tmp_path: Path, clock: Clock):
    past, broker = Past("host-1", tmp_path / "history"), Counted()
    broker.register("a")
    count_for(past, clock, 110, broker)
    before = await counted(past, 60)
    (file,) = (tmp_path / "history").iterdir()
    with file.open("ab") as torn:  # it was just writing the next
        torn.write(encode(MINUTE, b"x" * 100)[:50])
    another = Past("host-1", tmp_path / "history")
    assert await counted(another, 60) == before != {}
    assert (await another.answer(Query(60), 1 << 20)).refused_bytes == 50
    count_for(another, clock, 130, broker)
    assert len(await counted(another, 60)) == len(before) + 2
    await another.close()
    await past.close()


async def test_a_full_disk_loses_minutes_and_says_how_many(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
):
    past, broker = Past("host-1", tmp_path / "history"), Counted()
    broker.register("a")
    count_for(past, clock, 70, broker)
    written = await counted(past, 60)
    (file,) = (tmp_path / "history").iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # the kernel cuts a write short at the limit, as at the end of a disk (Python ignores SIGXFSZ)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, hard))
    try:
        count_for(past, clock, 120, broker)
        lost = await past.answer(Query(60), 1 << 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert lost.lost_minutes == 2
    assert lost.refused_bytes == 0, "what was written of them is taken back"
    assert len([record for record in caplog.records if "history is not written" in record.message]) == 1
    count_for(past, clock, 60, broker)
    assert len(await counted(past, 60)) == len(written) + 1
    assert len(await counted(past, 10)) > 20, "memory has it all"
    await past.close()


async def test_a_directory_that_can_not_be_made_hurts_nobody(tmp_path: Path, clock: Clock):
    (tmp_path / "history").write_text("a file")
    past, broker = Past("host-1", tmp_path / "history"), Counted()
    broker.register("a")
    count_for(past, clock, 130, broker)
    history = await past.answer(Query(60), 1 << 20)
    assert (len(history.series), history.lost_minutes) == (0, 2)
    await past.close()


async def test_what_is_no_minute_behind_a_sound_checksum_is_refused_alone(tmp_path: Path, clock: Clock):
    segments = Segments(tmp_path / "history")
    bomb = zlib.compress(bytes(64 << 20))
    time = struct.pack("<d", NOW_S - 120)
    for body in (b"short", time + b"noise", time + zlib.compress(b"\xff" * 50), time + bomb):
        segments.append(encode(MINUTE, body), NOW_S)
    segments.append(encode(MINUTE, minute(Frame(math.nan, {KEY: b""}))), NOW_S)
    segments.append(record(NOW_S - 60), NOW_S)
    segments.close()
    past = Past("host-1", tmp_path / "history")
    history = await past.answer(Query(60), 1 << 20)
    assert [point.t_s for series in history.series for point in series.points] == [NOW_S - 60]
    assert history.refused_bytes > len(bomb)
    await past.close()


def record(t_s: float, filler: int = 0) -> bytes:
    """A minute, and *filler* bytes that some later version will know how to read."""
    body = minute(Frame(t_s, {KEY: Tally(60.0, {0: 1}).point(t_s).SerializeToString()}))
    return encode(MINUTE, body) + (encode(99, os.urandom(filler)) if filler else b"")


def times(segments: Segments, since_s: float = 0.0) -> int:
    return sum(kind == MINUTE for decoded in segments.read(since_s) for kind, _ in decoded.records)


def test_it_is_bounded_by_days(tmp_path: Path):
    segments = Segments(tmp_path / "history")
    for day in range(20):
        segments.append(record(NOW_S + day * DAY_S), NOW_S + day * DAY_S)
    assert times(segments) == 9, "the last eight days and the one that is being written"
    assert times(segments, NOW_S + 18 * DAY_S) == 4, "files that are too old are not even opened"
    segments.close()


def test_it_is_bounded_by_bytes(tmp_path: Path):
    most_bytes = 160_000
    segments = Segments(tmp_path / "history", most_bytes)
    for at in range(400):
        segments.append(record(NOW_S + at * 60, 1000), NOW_S + at * 60)
        assert sum(file.stat().st_size for file in (tmp_path / "history").iterdir()) <= most_bytes
    assert 100 < times(segments) < 160
    segments.close()


def test_what_is_not_ours_is_neither_read_nor_written(tmp_path: Path):
    directory = tmp_path / "history"
    directory.mkdir()
    (tmp_path / "elsewhere").write_bytes(record(NOW_S))
    (directory / f"minutes-{int(NOW_S) + 5}.h2o").symlink_to(tmp_path / "elsewhere")
    (directory / "minutes-x.h2o").write_bytes(record(NOW_S))
    (directory / "minutes-1700000003.h2o").mkdir()
    (directory / f"minutes-{int(NOW_S + 30 * DAY_S)}.h2o").write_bytes(record(NOW_S))
    segments = Segments(directory)
    segments.append(record(NOW_S + 60), NOW_S + 60)
    assert times(segments) == 1, "a file of next month goes: a wrong clock wrote it"
    assert (tmp_path / "elsewhere").read_bytes() == record(NOW_S)
    segments.close()


def test_a_clock_that_was_set_back_begins_another_file(tmp_path: Path):
    segments = Segments(tmp_path / "history")
    for now_s in (NOW_S, NOW_S - 5000, NOW_S - 4940, NOW_S + 60):
        segments.append(record(now_s), now_s)
    assert times(segments) == 4
    segments.close()
