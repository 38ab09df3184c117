"""`/control`: entries newest first within bounds, entity tags that say what they should, hostile entries passed by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx
import pytest

from h2o_agent.http.app import build
from h2o_agent.logs.shelf import Shelf
from h2o_agent.views.control import (
    MOST_ENTRIES,
    MOST_ENTRY_BYTES,
    Kept,
    Known,
    Wanted,
    document,
    kept,
    mark,
    newest,
)
from h2o_core.audit import Author, Edit, Entry, encode_entry, parse_entry
from tests.core.test_agent_views import snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot

EDITS = (Edit("control/hosts/host-1", b"\xff\x00", None),)


def entry(epoch: int, at_s: float = 0.0) -> Kept:
    made = Entry(epoch, f"{epoch:016x}", at_s or epoch * 10.0, Author("eva", "test"), EDITS)
    return kept(f"audit/1970-01-01/{epoch}", encode_entry(made))


KNOWN = Known(42, {"control/fleet": b'{"a":1}'}, entries=tuple(entry(at) for at in range(42, 0, -1)), notes=b"\xe9")


def test_an_entry_is_the_node_s_object_and_can_be_read_again():
    (shown,) = document(snapshot(), KNOWN, Wanted(1))["entries"]
    path = shown.pop("path")
    assert parse_entry(path, json.dumps(shown).encode()) == parse_entry(path, KNOWN.entries[0].data)


@pytest.mark.parametrize(
    ("wanted", "known_more", "epochs", "more"),
    [
        (Wanted(), False, (42, 1), False),
        (Wanted(), True, (42, 1), True),
        (Wanted(3), False, (42, 40), True),
        (Wanted(100, 400.0), True, (42, 40), False),
        (Wanted(2, 400.0), False, (42, 41), True),
    ],
)
def test_so_many_and_since_then(wanted: Wanted, known_more: bool, epochs: tuple[int, int], more: bool):
    said = document(snapshot(), replace(KNOWN, more=known_more), wanted)
    assert (said["entries"][0]["epoch"], said["entries"][-1]["epoch"], said["more"]) == (*epochs, more)


def test_bytes_become_characters_of_the_same_numbers():
    said = document(snapshot(), KNOWN, Wanted(1))
    assert said["notes"].encode("latin-1") == b"\xe9"
    assert said["documents"] == {"control/fleet": '{"a":1}'}


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"\xff", b'{"schema":1}', encode_entry(Entry(1, "0" * 16, 5.0, Author("a", "b"), EDITS))[:-1]]
)
def test_an_entry_that_is_none_is_left_out_and_said(data: bytes):
    bad = kept("audit/1970-01-01/43", data)
    said = document(snapshot(), replace(KNOWN, entries=(bad, *KNOWN.entries)), Wanted())
    assert said["entries"][0]["epoch"] == 42
    (sentence,) = said["unreadable"]
    assert sentence.startswith("left out: audit/1970-01-01/43: ")


@pytest.mark.parametrize("more", [b'"x":1e999', b'"x":' + b"[" * 100_000 + b"]" * 100_000])
def test_what_json_can_t_carry_is_left_out_too(more: bytes):
    whole = encode_entry(Entry(43, "0" * 16, 5.0, Author("a", "b"), EDITS))
    assert kept("audit/1970-01-01/43", whole[:-1] + b"," + more + b"}").why


def test_the_newest_that_fit_are_kept():
    many = {one.path: one for one in map(entry, range(1, MOST_ENTRIES + 11))}
    found, cut = newest(many)
    assert (len(found), next(iter(found)), cut) == (MOST_ENTRIES, f"audit/1970-01-01/{MOST_ENTRIES + 10}", True)
    large = {f"audit/1970-01-0{at}/1": Kept("", b"x" * (MOST_ENTRY_BYTES // 3)) for at in range(1, 6)}
    found, cut = newest(large)
    assert (list(found), cut) == ([f"audit/1970-01-0{at}/1" for at in (5, 4, 3)], True)
    assert newest({}) == ({}, False)


def test_a_mark_is_of_what_is_answered_alone():
    said = mark(KNOWN, Wanted())
    assert mark(replace(KNOWN), Wanted()) == said
    others = [
        replace(KNOWN, epoch=43),
        replace(KNOWN, notes=b""),
        replace(KNOWN, documents={}),
        replace(KNOWN, entries=KNOWN.entries[1:]),
        replace(KNOWN, age_s=7.0),
        replace(KNOWN, age_s=12.0),
    ]
    marks = {said, mark(KNOWN, Wanted(5)), mark(KNOWN, Wanted(100, 5.0)), *(mark(one, Wanted()) for one in others)}
    assert len(marks) == 3 + len(others)


@dataclass
class Control:
    """Whoever would know it, and the host."""

    tells: Known | None = field(default_factory=lambda: KNOWN)
    problem: str = "ZooKeeper does not answer"

    async def known(self) -> Known | None:
        return self.tells

    def snapshot(self) -> Snapshot:
        return snapshot(told=None, broker=None)

    async def refresh(self) -> None:
        pass


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[tuple[Control, httpx.AsyncClient]]:
    control = Control()
    app = build(control, "0", Shelf(tmp_path, "host-1", "0"), decided=control)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield control, client


async def test_it_is_304_while_it_is_the_same_and_needs_no_broker(agent: tuple[Control, httpx.AsyncClient]):
    control, client = agent
    first = await client.get("/control")
    assert (first.status_code, first.json()["epoch"], len(first.json()["entries"])) == (200, 42, 42)
    same = {"If-None-Match": first.headers["etag"]}
    assert (await client.get("/control", headers=same)).status_code == 304
    assert (await client.get("/control?entries=2", headers=same)).status_code == 200
    control.tells = replace(KNOWN, notes=b"{}")
    second = await client.get("/control", headers=same)
    assert (second.status_code, second.json()["notes"]) == (200, "{}")
    control.tells = replace(KNOWN, age_s=6.0)
    assert (await client.get("/control", headers=same)).json()["age_s"] == 6.0


async def test_it_says_why_it_is_not_known(agent: tuple[Control, httpx.AsyncClient]):
    control, client = agent
    control.tells = None
    answer = await client.get("/control")
    assert answer.status_code == 503
    assert answer.json()["error"] == "what is decided is not known here: ZooKeeper does not answer"


@pytest.mark.parametrize(
    "query", ["entries=-1", "entries=x", "entries=1001", "entries=²", "since=x", "since=nan", "since=-1"]
)
async def test_a_query_that_means_nothing_is_refused(agent: tuple[Control, httpx.AsyncClient], query: str):
    answer = await agent[1].get(f"/control?{query}")
    assert (answer.status_code, set(answer.json())) == (400, {"error", "hint"})
