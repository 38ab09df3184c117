"""What an agent writes for others: control changes that their audit entry explains, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_agent.control_change import MOST_SKEW_S, checked
from h2o_core.audit import Author, Edit, Entry, day_of, encode_entry, parse_entry
from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.documents import InvalidDocument
from h2o_core.register import Check, Create, Delete, Set

if TYPE_CHECKING:
    from h2o_core.register import Operation

NOW_S = 1_795_858_200.0
HOST = "control/hosts/host-3"
DRAIN = encode_host_control(HostControl("host-3", HostState.DRAIN, "alice", "because"))
ENTRY = Entry(42, "5f" * 8, NOW_S, Author("bob@laptop", "h2o drain on laptop", "because"), (Edit(HOST, None, DRAIN),))
EPOCH = Set("control/epoch", encode_epoch(Epoch(42, "5f" * 8)), 41)
DOCUMENT = Create(HOST, DRAIN)


def last(entry: Entry = ENTRY, path: str = "") -> Create:
    return Create(path or f"audit/{day_of(entry.at_s)}/{entry.epoch}", encode_entry(entry))


GOOD: tuple[Operation, ...] = (EPOCH, DOCUMENT, last())


@pytest.mark.parametrize(
    ("known_as", "actor", "origin", "verified"),
    [
        ("", "bob@laptop", "h2o drain on laptop", False),
        ("alice", "alice", "h2o drain on laptop, as bob@laptop", True),
        ("bob@laptop", "bob@laptop", "h2o drain on laptop", True),
    ],
)
def test_it_puts_into_the_entry_who_did_it(known_as: str, actor: str, origin: str, verified: bool):
    change = checked(GOOD, known_as, NOW_S)
    written = change.operations[-1]
    assert isinstance(written, Create)
    assert parse_entry(written.path, written.data) == change.entry
    assert change.entry == replace(ENTRY, author=Author(actor, origin, "because", verified))
    assert change.operations[:2] == GOOD[:2]
    assert change.parents == {"control/hosts", "audit/2026-11-28"}


def test_nobody_verifies_himself():
    claimed = replace(ENTRY, author=replace(ENTRY.author, verified=True))
    assert not checked((EPOCH, DOCUMENT, last(claimed)), "", NOW_S).entry.author.verified


def test_documents_may_go_and_be_replaced():
    gone = replace(ENTRY, edits=(Edit(HOST, DRAIN, None),))
    assert checked((EPOCH, Delete(HOST, 3), last(gone)), "", NOW_S).parents == {"audit/2026-11-28"}
    assert checked((EPOCH, Set(HOST, DRAIN, 3), last()), "", NOW_S)


@pytest.mark.parametrize(
    ("operations", "sentence"),
    [
        ((), "a change sets the epoch"),
        ((EPOCH, last()), "a change sets the epoch"),
        ((DOCUMENT, EPOCH, last()), "a change sets the epoch"),
        ((EPOCH, DOCUMENT, EPOCH), "a change sets the epoch"),
        ((replace(EPOCH, path=HOST), DOCUMENT, last()), "begins by setting control/epoch"),
        ((replace(EPOCH, version=-1), DOCUMENT, last()), "begins by setting control/epoch"),
        ((replace(EPOCH, data=b"{"), DOCUMENT, last()), "not JSON"),
        ((replace(EPOCH, data=encode_epoch(Epoch(43, "5f" * 8))), DOCUMENT, last()), "of another change"),
        ((replace(EPOCH, data=encode_epoch(Epoch(42, "00" * 8))), DOCUMENT, last()), "of another change"),
        ((EPOCH, DOCUMENT, last(path="audit/2026-11-28/41")), "does not stand where"),
        ((EPOCH, DOCUMENT, last(path="control/audit")), "does not stand where"),
        (
            (EPOCH, DOCUMENT, last(replace(ENTRY, at_s=NOW_S + MOST_SKEW_S + 1))),
            r"\+301 s from this host's; set the",
        ),
        ((EPOCH, Create("live/host-3", b"{}"), last()), "no control document"),
        ((EPOCH, Create("audit/2026-11-28/7", b"{}"), last()), "no control document"),
        ((EPOCH, Create("control/epoch", b"{}"), last()), "no control document"),
        ((EPOCH, Check("election/conductor/n-1", 0), DOCUMENT, last()), "no control document"),
        ((EPOCH, Check(HOST, 0), last()), "checks nothing else"),
        ((EPOCH, Set(HOST, DRAIN, -1), last()), "at the version that was read"),
        ((EPOCH, Delete(HOST), last()), "at the version that was read"),
        ((EPOCH, replace(DOCUMENT, ephemeral=True), last()), "and stays"),
        ((EPOCH, Create(HOST, b"{}"), last()), "schema is missing"),
        ((EPOCH, Create("control/hosts/host-4", DRAIN), last()), "it says that it is of host"),
        ((EPOCH, DOCUMENT, DOCUMENT, last()), "does not say just what is written"),
        ((EPOCH, DOCUMENT, last(replace(ENTRY, edits=()))), "does not say just what is written"),
        ((EPOCH, Delete(HOST, 3), last()), "does not say just what is written"),
    ],
)
def test_what_is_no_such_change_is_refused(operations: tuple[Operation, ...], sentence: str):
    with pytest.raises(InvalidDocument, match=sentence):
        checked(operations, "alice", NOW_S)
