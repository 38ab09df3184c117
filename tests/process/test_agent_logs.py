"""A host's logs on real files: following, resuming, files moved, truncated, punched, half lines, slow readers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from h2o_agent.logs.cursor import Position, decode
from h2o_agent.logs.feed import Feed, Order
from h2o_agent.logs.last_lines import last_lines
from h2o_agent.logs.query import Query
from h2o_agent.logs.shelf import Shelf, choose
from h2o_core.logs import Entry, Severity
from tests.core.test_agent_views import child, reported, snapshot

NOW_S = 1_790_000_000.0
KEY = "service.customer-b1323f-1"


class Host:
    """A logs directory, its readers, and a clock that is set by hand."""

    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf(directory, "host-1", "0.1.0")
        self.directory = directory
        self.now_s = NOW_S
        self.feeds: list[Feed] = []

    def path(self, key: str = KEY) -> Path:
        return self.directory / f"{key}.log"

    def write(self, *bodies: str, key: str = KEY, at_s: float | None = None) -> None:
        for body in bodies:
            entry = Entry(self.now_s if at_s is None else at_s, Severity.INFO, body, resource={"host.name": "host-1"})
            self.raw(entry.line().encode() + b"\n", key)

    def raw(self, data: bytes, key: str = KEY) -> None:
        with self.path(key).open("ab") as file:
            file.write(data)

    def open(self, order: Order | None = None, **query: object) -> Feed:
        feed = Feed(self.shelf, order or Order(Query(**query)), lambda: self.now_s)  # pyright: ignore[reportArgumentType]
        self.feeds.append(feed)
        return feed

    def resumed(self, cursor: str) -> Feed:
        return self.open(Order(Query(), cursor=decode(cursor)))

    def lines(self, feed: Feed, *keys: str) -> list[dict[str, object]]:
        sources = self.shelf.sources(snapshot(reported(), children=(child(),)))
        for key in keys:
            assert key in sources
        parts = b"".join(feed.steps(sources, choose(sources, keys, [])))
        return [json.loads(line) for line in parts.splitlines()]

    def bodies(self, feed: Feed, *keys: str) -> list[str]:
        return [str(line["body"]) for line in self.lines(feed, *keys) if "body" in line]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    for feed in made.feeds:
        feed.close()
    assert not made.shelf.trails


def test_what_is_there_and_then_what_comes(host: Host):
    host.write("one", "two")
    feed = host.open()
    first = host.lines(feed, KEY)
    assert [line.get("body") for line in first] == ["one", "two", None]
    assert set(first[-1]) == {"cursor"}
    assert host.lines(feed, KEY) == []
    host.write("three")
    assert host.bodies(feed, KEY) == ["three"]


def test_sources_are_merged_by_time_and_a_new_one_is_found(host: Host):
    host.write("1", at_s=NOW_S + 1)
    host.write("2", at_s=NOW_S + 2, key="broker")
    host.write("3", at_s=NOW_S + 3)
    feed = host.open()
    host.now_s += 10
    assert host.bodies(feed) == ["1", "2", "3"]
    host.write("4", key="service.geo-b1323f-1")
    assert host.bodies(feed) == ["4"]


@pytest.mark.parametrize("after", range(1, 6))
def test_a_cursor_goes_on_exactly_there_over_a_rotation(host: Host, after: int):
    bodies = [f"line {number}" for number in range(5)]
    feed = host.open(Order(Query(), limit=after))
    host.write(*bodies)
    cursor = str(host.lines(feed, KEY)[-1]["cursor"])
    host.path().replace(host.path().with_suffix(".log.1"))
    host.write("new process")
    assert host.bodies(host.resumed(cursor), KEY) == [*bodies[after:], "new process"]


def test_a_follower_reads_the_moved_file_to_its_end_first(host: Host):
    host.write("one")
    feed = host.open()
    assert host.bodies(feed, KEY) == ["one"]
    host.write("two")
    host.raw(b"half a line")
    host.path().replace(host.path().with_suffix(".log.1"))
    assert host.bodies(feed, KEY) == ["two"]
    host.write("three")
    assert host.bodies(feed, KEY) == ["half a line", "three"]


def test_a_file_that_was_copied_and_truncated_is_read_to_its_end_in_the_copy(host: Host):
    host.write("one", "two")
    feed = host.open()
    cursor = str(host.lines(feed, KEY)[-1]["cursor"])
    host.write("three")
    host.path().with_suffix(".log.1").write_bytes(host.path().read_bytes())
    os.truncate(host.path(), 0)
    host.write("four", at_s=NOW_S + 1)
    assert host.bodies(feed, KEY) == ["three", "four"]
    assert host.bodies(host.resumed(cursor), KEY) == ["three", "four"]


def test_a_file_that_somebody_else_truncated_is_a_gap_and_goes_on(host: Host):
    host.write("one", "two", "three")
    feed = host.open()
    cursor = str(host.lines(feed, KEY)[-1]["cursor"])
    os.truncate(host.path(), 0)
    host.write("four", at_s=NOW_S + 1)
    lines = host.lines(feed, KEY)
    assert lines[0] == {"gap": True, "source": KEY}
    assert lines[1]["body"] == "four"
    assert host.lines(host.resumed(cursor), KEY)[0] == {"gap": True, "source": KEY}


def test_another_file_with_the_same_inode_is_another_file(host: Host):
    host.write("one")
    feed = host.open()
    position = decode(str(host.lines(feed, KEY)[-1]["cursor"]))[KEY]
    os.truncate(host.path(), 0)
    host.write("another", "longer one", at_s=NOW_S + 1)
    assert host.path().stat().st_ino == position.mark.inode
    again = host.open(Order(Query(), cursor={KEY: Position(position.mark, position.offset)}))
    assert host.bodies(again, KEY) == ["another", "longer one"]


def test_half_a_line_waits_for_its_end_or_for_a_second(host: Host):
    host.write("one")
    host.raw(b"half")
    os.utime(host.path(), (NOW_S, NOW_S))
    feed = host.open()
    assert host.bodies(feed, KEY) == ["one"]
    host.raw(b" and whole\nhalf again")
    os.utime(host.path(), (NOW_S, NOW_S))
    assert host.bodies(feed, KEY) == ["half and whole"]
    host.now_s += 1.5
    assert host.bodies(feed, KEY) == ["half again"]


def test_a_line_without_an_end_is_cut_and_never_held(host: Host):
    host.raw(b"x" * (1 << 20))
    feed = host.open()
    lines = host.lines(feed, KEY)
    assert len([line for line in lines if "body" in line]) == 1
    assert lines[0]["attributes"] == {"log.cut": True}
    host.raw(b"x" * 1000 + b"\nnext\n")
    assert host.bodies(feed, KEY) == ["next"]


def test_the_last_lines_of_all_sources_together(host: Host):
    for number in range(30):
        host.write(str(number), at_s=NOW_S + number, key=[KEY, "broker", "agent"][number % 3])
    host.now_s += 60
    assert host.bodies(host.open(Order(Query(), tail=7))) == [str(number) for number in range(23, 30)]
    assert host.bodies(host.open(Order(Query(), tail=0))) == []
    assert host.bodies(host.open(Order(Query(grep="1"), tail=3))) == ["18", "19", "21"]


def test_the_last_lines_reach_into_the_old_file_and_past_blocks(host: Host):
    host.write(*(f"old {number} {'x' * 500}" for number in range(300)))
    host.path().replace(host.path().with_suffix(".log.1"))
    host.write(*(f"new {number}" for number in range(10)))
    found = host.bodies(host.open(Order(Query(), tail=200)), KEY)
    assert [each.split(" x")[0] for each in found] == [
        *(f"old {number}" for number in range(110, 300)),
        *(f"new {number}" for number in range(10)),
    ]


def test_since_and_until_find_their_place_in_a_long_file(host: Host):
    for number in range(3000):
        host.write(f"{number} {'x' * 200}", at_s=NOW_S + number)
    host.now_s += 5000
    found = host.bodies(host.open(since_s=NOW_S + 2000, until_s=NOW_S + 2005), KEY)
    assert [each.split()[0] for each in found] == [str(number) for number in range(2000, 2006)]
    feed = host.open(since_s=NOW_S + 2990)
    assert len(host.bodies(feed, KEY)) == 10


def test_a_reader_that_is_overtaken_by_the_cut_is_told_how_much_it_missed(host: Host):
    host.write(*(str(number) for number in range(100)))
    feed = host.open(Order(Query(), limit=None))
    assert len(host.bodies(feed, KEY)) == 100
    start = host.path().stat().st_size
    host.write(*(str(number) for number in range(100, 200)))
    sizes = host.path().read_bytes()[start:].splitlines(keepends=True)
    cut = start + sum(len(line) for line in sizes[:60])
    for trail in host.shelf.trails:
        trail.make_way(host.path().stat().st_ino, cut)
    lines = host.lines(feed, KEY)
    assert lines[0] == {"dropped": 60, "source": KEY}
    assert [line["body"] for line in lines[1:-1]] == [str(number) for number in range(160, 200)]


def test_nothing_of_the_readers_stays_open(host: Host):
    host.write("one")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with closing(host.open()) as feed:
            host.lines(feed)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_last_lines_of_the_last_process_as_people_read_them(host: Host):
    host.raw(b"of the process before\n")
    before = host.path().stat().st_size
    boom = Entry(NOW_S, Severity.ERROR, "boom", attributes={"exception.stacktrace": "Traceback:\n  x\nE: y"})
    host.raw(boom.line().encode() + b"\nSegmentation fault")
    assert last_lines(str(host.path()), before) == ("ERROR boom", "Traceback:", "  x", "E: y", "Segmentation fault")
    assert last_lines(str(host.path()), before, 2) == ("E: y", "Segmentation fault")
    host.path().write_bytes(b"moved aside\n")
    assert last_lines(str(host.path()), before) == ("moved aside",)
    assert last_lines(str(host.path().with_suffix(".none")), 0) == ()
