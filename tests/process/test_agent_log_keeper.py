"""The logs' bounds on a real file system: heads punched, readers told, copies where that can't be, old ones removed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from h2o_agent.logs.cursor import decode
from h2o_agent.logs.feed import Feed, Order
from h2o_agent.logs.keeper import Keeper
from h2o_agent.logs.opening import launch_line, open_log
from h2o_agent.logs.punching import allocated
from h2o_agent.logs.query import Query
from h2o_agent.logs.shelf import Shelf, choose
from h2o_core.io.clock import unix_s
from h2o_core.logs import DROPPED, Entry, Severity
from tests.core.test_agent_views import child, reported, snapshot

KEY = "service.customer-b1323f-1"
MOST = 1 << 20


class Host:
    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf(directory, "host-1", "0.1.0")
        self.keeper = Keeper(self.shelf, MOST)
        self.path = directory / f"{KEY}.log"
        self.number = 0
        self.open()
        self.feeds: list[Feed] = []

    def open(self) -> None:
        self.log = open_log(
            str(self.path), MOST, launch_line("service/customer", "host-1", f"token{self.number}", ("x",))
        )

    def write(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            entry = Entry(unix_s(), Severity.INFO, f"{self.number} {'x' * 400}", resource={"host.name": "host-1"})
            os.write(self.log, entry.line().encode() + b"\n")

    def tick(self) -> None:
        self.keeper.tick({KEY})

    def feed(self, cursor: str = "", tail: int | None = None) -> Feed:
        order = Order(Query(), tail=tail, cursor=decode(cursor) if cursor else None)
        self.feeds.append(Feed(self.shelf, order, unix_s))
        return self.feeds[-1]

    def lines(self, feed: Feed) -> list[dict[str, object]]:
        sources = self.shelf.sources(snapshot(reported(), children=(child(),)))
        return [json.loads(line) for line in b"".join(feed.steps(sources, choose(sources, [KEY], []))).splitlines()]

    def numbers(self, feed: Feed) -> list[int]:
        bodies = [str(line["body"]) for line in self.lines(feed) if "body" in line]
        return [int(body.split()[0]) for body in bodies if not body.startswith("started")]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    for feed in made.feeds:
        feed.close()
    os.close(made.log)


def test_a_file_that_is_written_on_and_on_stays_in_its_bound_and_a_follower_misses_nothing(host: Host):
    feed = host.feed()
    seen: list[int] = []
    for _ in range(30):
        host.write(300)
        seen += host.numbers(feed)
        host.tick()
        assert allocated(host.path.stat()) <= MOST + 300 * 700
    assert seen == list(range(1, 9001))
    assert host.path.stat().st_size > 4 * MOST
    assert not (host.path.with_suffix(".log.1")).exists()


def test_the_first_lines_stay_where_they_are_for_those_who_know_a_file_by_them(host: Host):
    host.write(10)
    before = host.path.read_bytes()[:4096]
    host.write(3000)
    host.tick()
    assert allocated(host.path.stat()) < MOST
    assert host.path.read_bytes()[:4096] == before[:4096]
    assert host.path.read_bytes()[4096:8192] == bytes(4096)
    oldest = host.numbers(host.feed())
    assert oldest == list(range(oldest[0], 3011))
    assert len(oldest) > 1000


def test_a_reader_that_is_slower_than_the_writer_is_told_exactly_how_much_it_missed(host: Host):
    host.write(10)
    feed = host.feed()
    assert len(host.numbers(feed)) == 10
    host.write(5000)
    host.tick()
    lines = host.lines(feed)
    assert lines[0]["source"] == KEY
    numbers = [int(str(line["body"]).split()[0]) for line in lines if "body" in line]
    assert numbers == list(range(numbers[0], 5011))
    assert lines[0]["dropped"] == numbers[0] - 11


def test_a_cursor_from_before_the_cut_is_a_gap_and_one_from_after_it_is_exact(host: Host):
    host.write(10)
    feed = host.feed()
    old = str(host.lines(feed)[-1]["cursor"])
    host.write(4000)
    new = str(host.lines(feed)[-1]["cursor"])
    host.tick()
    host.write(3)
    assert host.numbers(host.feed(new)) == [4011, 4012, 4013]
    assert {"gap": True, "source": KEY} in host.lines(host.feed(old))


def test_a_long_log_is_moved_aside_when_its_process_starts_and_both_stay_in_the_bound(host: Host):
    feed = host.feed()
    seen: list[int] = []
    for _ in range(4):
        host.write(1200)
        seen += host.numbers(feed)
        os.close(host.log)
        host.open()
        host.tick()
        old = host.path.with_suffix(".log.1")
        assert allocated(host.path.stat()) + (allocated(old.stat()) if old.exists() else 0) <= MOST
    assert seen == list(range(1, 4801))


def test_where_holes_can_not_be_made_the_file_is_copied_and_truncated(host: Host):
    def refuse(_fd: int, _start: int, _end: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "no")

    host.keeper = Keeper(host.shelf, MOST, refuse)
    feed = host.feed()
    seen: list[int] = []
    for _ in range(20):
        host.write(400)
        seen += host.numbers(feed)
        host.tick()
    cursor = str(host.lines(host.feed(tail=1))[-1]["cursor"])
    host.write(1)
    seen += host.numbers(feed)
    assert seen == list(range(1, 8002))
    assert host.numbers(host.feed(cursor)) == [8001]
    assert host.path.stat().st_size <= MOST
    assert host.path.with_suffix(".log.1").stat().st_size <= MOST


def test_what_children_left_that_are_not_wanted_any_more_goes_oldest_first(host: Host):
    for at in range(6):
        path = host.path.with_name(f"service.old-{at:06x}-1.log")
        path.write_bytes(b"x" * MOST)
        os.utime(path, (at, at))
    (host.path.with_name("notes.txt")).write_text("mine")
    host.tick()
    left = sorted(path.name for path in host.path.parent.iterdir())
    assert left == sorted(["notes.txt", host.path.name, *(f"service.old-{at:06x}-1.log" for at in range(2, 6))])


def test_what_a_process_could_not_write_is_counted_once(host: Host):
    host.tick()
    entry = Entry(unix_s(), Severity.WARN, "lost some", attributes={DROPPED: 7}, resource={})
    os.write(host.log, entry.line().encode() + b"\n")
    host.tick()
    host.tick()
    assert host.shelf.dropped_lines == 7


def test_a_foreign_line_of_the_past_has_the_time_at_which_the_agent_saw_it(host: Host):
    host.tick()
    os.write(host.log, b"printed\n")
    host.tick()
    (host.shelf.growth[host.path.stat().st_ino])[-1] = (host.path.stat().st_size, 1_900_000_000.0)
    lines = host.lines(host.feed())
    assert [line["timestamp"] for line in lines if line.get("body") == "printed"] == ["2030-03-17T17:46:40.000Z"]
    resource = next(line["resource"] for line in lines if line.get("body") == "printed")
    assert isinstance(resource, dict)
    assert resource["service.instance.id"] == "token0"
