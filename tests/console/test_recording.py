"""A recording holds what was heard, however it is cut, torn, thinned or made up; and bounds hold."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from h2o_console.feed.heard import Heard, Kind
from h2o_console.recording.choosing import PACES_S, Choice, Cost, pace_s
from h2o_console.recording.deltas import Damaged, pack, pack_changes, unpack, unpack_changes
from h2o_console.recording.frames import MARK, Form, Frame, NotARecording, about, encode, frames, parts
from h2o_console.recording.retention import Kept, superfluous
from h2o_console.recording.segments import SegmentWriter, Taken, read
from h2o_console.recording.tape import load
from tests.console.fake_fleet import FakeFleet, example

BEGAN_US = 1_770_000_000_000_000
texts = st.text(max_size=40)
bodies = st.binary(max_size=300)
heards = st.builds(Heard, st.sampled_from(Kind), texts, bodies, st.tuples(texts, texts), st.floats(0, 100))


@dataclass
class Film:
    """A fleet that is recorded each second, a segment every so often, as the recorder does it."""

    fleet: FakeFleet
    segment_s: int = 30
    writer: SegmentWriter = field(default_factory=lambda: SegmentWriter("demo", "prod"))
    segments: list[bytes] = field(default_factory=list[bytes])
    heard: list[tuple[Heard, float]] = field(default_factory=list[tuple[Heard, float]])

    def hear(self, heard: Heard) -> None:
        self.heard.append((heard, self.fleet.now_s))
        self.segments[-1] += self.writer.add(heard, round(self.fleet.now_s * 1e6))

    def shelve(self, directory: Path) -> Path:
        """As files."""
        for data in self.segments:
            began_ms = parts(data)[0].began_us // 1000
            (directory / f"{began_ms}.h2orec").write_bytes(data)
        return directory

    def run(self, seconds: int) -> None:
        for second in range(seconds):
            self.fleet.advance(1.0)
            if second % self.segment_s == 0:
                self.segments.append(self.writer.begin(round(self.fleet.now_s * 1e6)))
            if second % 2 == 0:
                self.hear(Heard(Kind.HOSTS, "127.0.0.1:1", self._ask("/hosts"), ("",)))
            if second % 20 == 0:
                self.hear(Heard(Kind.INSTANCES, body=self._ask("/instances?fleet=1")))
                self.hear(Heard(Kind.PROMISES, body=self._ask("/features?fleet=1")))
            for host in self.fleet.hosts:
                self.hear(Heard(Kind.STATS, host, self.fleet.stats(host).SerializeToString()))

    def _ask(self, path: str) -> bytes:
        return json.dumps(self.fleet.document(self.fleet.hosts[0], path)).encode()


def contents(data: bytes) -> list[Taken]:
    return [taken for part in parts(data) for taken in read(data, part)]


# bodies


@given(bodies.map(lambda body: body * 200), bodies, st.integers(0, 60_000))
def test_a_body_comes_back_whatever_was_before_it(before: bytes, more: bytes, at: int) -> None:
    body = before[:at] + more + before[at:]
    assert unpack(pack(body), len(body)) == body
    assert unpack_changes(before, pack_changes(before, body), len(body)) == body
    assert unpack_changes(body, pack_changes(body, before), len(before)) == before


def test_counters_of_a_second_later_take_about_half_although_all_have_moved() -> None:
    fleet = FakeFleet(1)
    for number in range(40):
        fleet.run(f"service/s{number}", "1.0.0", "host-1", features=("a", "b", "c", "d"), per_s=30.0)
    fleet.advance(60.0)
    before = fleet.stats("host-1").SerializeToString()
    fleet.advance(1.0)
    after = fleet.stats("host-1").SerializeToString()
    assert len(before) > 40_000, "more than deflate looks back"
    assert len(pack_changes(before, after)) < len(pack(after)) * 0.6


@pytest.mark.parametrize("lied", [0, 3, 5, 100_000])
def test_a_body_that_says_something_else_about_its_length_is_damaged(lied: int) -> None:
    with pytest.raises(Damaged):
        unpack(pack(b"four"), lied)
    with pytest.raises(Damaged):
        unpack_changes(b"five", pack_changes(b"five", b"four"), lied)


def test_no_more_is_unpacked_than_a_body_says() -> None:
    bomb = zlib.compress(bytes(1 << 24), 9, -15)
    with pytest.raises(Damaged):
        unpack(bomb, 1000)


# files


@given(st.lists(heards, max_size=12), st.integers(0, 11))
def test_what_was_recorded_is_read(heard: list[Heard], cut: int) -> None:
    writer = SegmentWriter("demo", "prod")
    data = writer.begin(BEGAN_US)
    for number, one in enumerate(heard):
        if number == cut:
            data += writer.begin(BEGAN_US + number)
        data += writer.add(one, BEGAN_US + number)
    again = [taken.heard for taken in contents(data) if not taken.earlier]
    assert [one.body for one in again] == [one.body for one in heard]
    assert [(one.kind, one.said) for one in again] == [(one.kind, one.said) for one in heard]


def test_a_segment_alone_begins_with_the_newest_of_everything() -> None:
    film = Film(example(3, 12))
    film.run(61)
    last = contents(film.segments[2])
    earlier = [taken.heard for taken in last if taken.earlier]
    assert [heard.kind for heard in earlier[:3]] == [Kind.HOSTS, Kind.INSTANCES, Kind.PROMISES]
    assert {heard.of for heard in earlier if heard.kind is Kind.STATS} == {"host-1", "host-2", "host-3"}
    newest = {(heard.kind, heard.of): heard.body for heard, at_s in film.heard if at_s <= last[0].at_s + 2}
    before = contents(film.segments[1])
    assert {one.body for one in earlier} <= {taken.heard.body for taken in before} | set(newest.values())


def test_what_was_overtaken_does_not_begin_a_segment() -> None:
    writer = SegmentWriter("demo", "")
    writer.begin(BEGAN_US)
    for heard in (
        Heard(Kind.TROUBLE, "unix:/a", said=("refused", "")),
        Heard(Kind.HOSTS, "10.0.0.1:1", b"{}"),
        Heard(Kind.FAILURE, "host-1", said=("refused",)),
        Heard(Kind.STATS, "host-1", b"1"),
        Heard(Kind.STILL, "host-1"),
        Heard(Kind.FAILURE, "host-2", said=("refused",)),
    ):
        writer.add(heard, BEGAN_US)
    begun = [taken.heard for taken in contents(writer.begin(BEGAN_US + 5))]
    assert [(heard.kind, heard.of) for heard in begun] == [
        (Kind.HOSTS, "10.0.0.1:1"), (Kind.STATS, "host-1"), (Kind.STILL, "host-1"), (Kind.FAILURE, "host-2"),
    ]  # fmt: skip
    later = writer.begin(BEGAN_US + 700_000_000)
    assert contents(later) == [], "ten minutes later all of it is of the past"


def test_a_file_that_is_torn_anywhere_is_read_up_to_there() -> None:
    writer = SegmentWriter("demo", "prod")
    data = writer.begin(BEGAN_US)
    for number in range(6):
        data += writer.add(Heard(Kind.STATS, "host-1", bytes([number]) * 50), BEGAN_US + number)
    whole = contents(data)
    seen = set[int]()
    for end in range(len(MARK), len(data)):
        found = contents(data[:end])
        assert found == whole[: len(found)]
        seen.add(len(found))
    assert seen == set(range(6))


@given(st.data())
@settings(max_examples=200)
def test_bytes_that_turned_over_are_never_read_as_something_else(data: st.DataObject) -> None:
    writer = SegmentWriter("demo", "prod")
    first, second = writer.begin(BEGAN_US), b""
    for number in range(5):
        first += writer.add(Heard(Kind.STATS, f"host-{number % 2}", bytes([number]) * 30), BEGAN_US + number)
    second = writer.begin(BEGAN_US + 5) + writer.add(Heard(Kind.STATS, "host-1", b"last"), BEGAN_US + 6)
    good = {taken.heard for taken in contents(first + second)}
    at = data.draw(st.integers(len(MARK), len(first) - 1))
    spoilt = bytearray(first + second)
    spoilt[at] ^= data.draw(st.integers(1, 255))
    found = contents(bytes(spoilt))
    assert {taken.heard for taken in found} <= good
    assert Heard(Kind.STATS, "host-1", b"last") in [taken.heard for taken in found], "the next segment is whole"


@given(st.binary(max_size=400))
def test_whatever_stands_behind_a_mark_it_is_read_without_harm(rubbish: bytes) -> None:
    made_up = MARK + struct.pack("<II", len(rubbish), zlib.crc32(rubbish)) + rubbish
    for data in (MARK + rubbish, made_up, about("demo", "", BEGAN_US) + made_up, about("d", "", 0) + rubbish + MARK):
        for part in parts(data):
            assert isinstance(part.fleet, str)
            for frame in frames(data, part.start, part.end):
                assert frame.at_us >= 0
            assert all(isinstance(taken.heard, Heard) for taken in read(data, part))


def test_a_frame_that_holds_too_much_is_damaged() -> None:
    for frame in (
        Frame(Kind.STATS.value, 1, "host-1", form=Form.WHOLE, length=1 << 31, packed=pack(b"x")),
        Frame(Kind.STATS.value, 1, "host-1", form=Form.CHANGES, length=4, packed=pack(b"four")),
        Frame(Kind.STATS.value, 1, "host-1", form=7, length=4, packed=pack(b"four")),
    ):
        with pytest.raises(Damaged):
            contents(about("demo", "", 0) + encode(frame))


def test_kinds_of_a_newer_console_are_left_out() -> None:
    data = about("demo", "", 0) + encode(Frame(250, 1, "x")) + encode(Frame(Kind.STILL.value, 2, "host-1"))
    assert [taken.heard for taken in contents(data)] == [Heard(Kind.STILL, "host-1")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\x7fELF" + bytes(100), "it is no recording of the console"),
        (b"h2o-recording 2\nxyz", r"another version of the console \(format 2; this one reads 1\): upgrade H2O"),
        (MARK, "there is nothing in it"),
        (about("demo", "", 0), "there is nothing in it"),
    ],
)
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, data: bytes, why: str) -> None:
    file = tmp_path / "some.h2orec"
    file.write_bytes(data)
    with pytest.raises(NotARecording, match=why):
        load(file)


def test_a_huge_file_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.h2orec"
    with file.open("wb") as opened:
        opened.truncate(3 << 30)
    with pytest.raises(NotARecording, match="it has 3072 MiB, and the console reads 1024 MiB at most"):
        load(file)


def test_files_that_are_none_are_left_out_of_a_directory(tmp_path: Path) -> None:
    film = Film(example(2, 6))
    film.run(65)
    film.shelve(tmp_path)
    (tmp_path / "0000.h2orec").write_bytes(b"<html>")
    (tmp_path / "lock").write_bytes(b"")
    tape = load(tmp_path)
    assert [piece.after_gap for piece in tape.pieces] == [True, False, False]
    assert (tape.fleet, tape.context) == ("demo", "prod")
    assert tape.odd == ("0000.h2orec is left out: it is no recording of the console",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotARecording, match="there is nothing in it"):
        load(tmp_path / "empty")


# what is kept


@given(st.lists(st.tuples(st.floats(0, 25_000), st.integers(1, 1000)), max_size=60), st.integers(0, 20_000))
def test_what_is_kept_is_neither_too_old_nor_too_much(made: list[tuple[float, int]], most_bytes: int) -> None:
    kept = [Kept(began_s, size, str(number)) for number, (began_s, size) in enumerate(made)]
    gone = superfluous(kept, 25_000.0, 21_600.0, most_bytes)
    left = set(kept) - set(gone)
    assert len(gone) == len(set(gone))
    assert all(one.began_s >= 25_000 - 21_600 for one in left)
    assert sum(one.size for one in left) <= most_bytes
    if sum(one.size for one in kept) <= most_bytes:
        assert all(one.began_s < 25_000 - 21_600 for one in gone)


def test_the_older_the_thinner_but_something_everywhere() -> None:
    kept: list[Kept] = []
    for number in range(1000):
        now_s = number * 120.0
        kept.append(Kept(now_s, 9, str(number)))
        gone = superfluous(kept, now_s, 21_600.0, 14 * 9)
        kept = [one for one in kept if one not in gone]
    ages = sorted(999 * 120.0 - one.began_s for one in kept)
    assert ages[:4] == [0, 120, 240, 360], "the last minutes are whole"
    assert ages[-1] > 3 * 3600
    assert max(later / max(age, 120) for age, later in pairwise(ages)) <= 3


def test_a_segment_from_the_future_of_a_wrong_clock_goes() -> None:
    wrong, right = Kept(1e6, 5, "wrong"), Kept(990.0, 5, "right")
    assert superfluous([right, wrong], 1000.0, 21_600.0, 1000) == [wrong]


# what is recorded at all


def test_the_more_hosts_the_more_rarely_each() -> None:
    paces = [pace_s(hosts, Cost(), 128 << 20) for hosts in (1, 3, 10, 40, 100, 250, 2000)]
    assert paces == sorted(paces)
    assert (paces[0], paces[-1]) == (0.0, PACES_S[-1])
    assert pace_s(250, Cost(9000.0, 0.0006, 4.6e6), 128 << 20) == 40.0
    assert pace_s(3, Cost(500.0, 0.0001, 2e4), 128 << 20) == 0.0


def heard_of(choice: Choice, heard: Heard, at_s: float) -> list[Heard]:
    return list(choice.hear(heard, at_s))


def test_a_small_fleet_is_recorded_whole() -> None:
    choice = Choice()
    for second in range(20):
        for heard in (Heard(Kind.HOSTS, "a", b"{}"), Heard(Kind.STATS, "host-1", b"1"), Heard(Kind.STILL, "host-2")):
            assert heard_of(choice, heard, float(second)) == [heard]
    assert choice.hosts == 2
    choice.forget(100.0)
    assert choice.hosts == 0


def test_a_host_that_stands_still_since_what_was_left_out_has_that_recorded() -> None:
    choice = Choice(pace_s=40.0)
    assert heard_of(choice, Heard(Kind.STATS, "host-1", b"1"), 0.0)
    assert not heard_of(choice, Heard(Kind.STATS, "host-1", b"2"), 5.0)
    assert not heard_of(choice, Heard(Kind.STILL, "host-1"), 10.0)
    assert heard_of(choice, Heard(Kind.STILL, "host-1"), 40.0) == [Heard(Kind.STATS, "host-1", b"2")]
    assert heard_of(choice, Heard(Kind.STILL, "host-1"), 80.0) == [Heard(Kind.STILL, "host-1")]


def test_a_trouble_and_its_end_are_recorded_at_once() -> None:
    choice = Choice(pace_s=40.0)
    refused, slow = (Heard(Kind.FAILURE, "host-1", said=(why,)) for why in ("refused", "no answer in 2 s"))
    stats = Heard(Kind.STATS, "host-1", b"1")
    assert heard_of(choice, stats, 0.0) == [stats]
    assert heard_of(choice, refused, 1.0) == [refused]
    assert not heard_of(choice, refused, 2.0)
    assert heard_of(choice, slow, 3.0) == [slow]
    assert heard_of(choice, stats, 4.0) == [stats]
    assert not heard_of(choice, stats, 5.0)


def test_a_host_recorded_rarely_is_not_expected_more_often() -> None:
    choice = Choice()
    expected = Heard(Kind.EXPECT, "host-1", seconds=5.0)
    assert heard_of(choice, expected, 0.0) == [expected]
    assert not heard_of(choice, Heard(Kind.EXPECT, "host-1", seconds=5.5), 1.0)
    choice.pace_s = 40.0
    assert [heard.seconds for heard in heard_of(choice, expected, 2.0)] == [45.0]


def test_the_promises_are_recorded_when_they_change() -> None:
    choice = Choice()
    one, other = Heard(Kind.PROMISES, body=b"1"), Heard(Kind.PROMISES, body=b"2")
    assert [heard_of(choice, heard, 0.0) for heard in (one, one, other, one)] == [[one], [], [other], [one]]


def test_whatever_is_left_out_the_last_answer_comes_in_the_end() -> None:
    dice = Random(5)
    for _ in range(50):
        choice = Choice(pace_s=dice.choice(PACES_S))
        answer, recorded = 0, 0
        for second in range(300):
            if dice.random() < 0.5:
                answer += 1
                heard = Heard(Kind.STATS, "host-1", b"%d" % answer)
            else:
                heard = Heard(Kind.STILL, "host-1")
            for kept in choice.hear(heard, float(second)):
                recorded = int(kept.body) if kept.kind is Kind.STATS else recorded
                assert kept.kind is Kind.STATS or recorded == answer, "still since an answer that is not there"
