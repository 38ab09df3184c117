"""`h2o journal` and `h2o timeline` on a real ZooKeeper: what was decided, by whom, and what was taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.main import main
from h2o_core.audit import Author, Edit, Entry, day_of, encode_entry
from h2o_core.calls import OUTCOME, Call, Outcome, encode_call, encode_outcome, path_of
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.errors import Code, Executed
from h2o_core.verdicts import Guard, Verdict
from tests.support.hosts import registered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from h2o_core.io.registry import Registry

NOW_S = 1_795_000_000.0
TRAFFIC = encode_traffic(Traffic("/service/echo", "1", (("1", 10_000),)))
DRAIN = encode_host_control(HostControl("host-1", HostState.DRAIN, "bob"))
SHIFT = Entry(
    epoch=1,
    change_id="a1" * 8,
    at_s=NOW_S,
    author=Author("ada@desk", "h2o weight on desk", "INC-7"),
    edits=(Edit("control/traffic/service.echo", None, TRAFFIC),),
    sentence="service/echo: 2.0.0 gets 10%",
    command="h2o weight service/echo 2.0.0=10%",
    guards=(Guard("cap", Verdict.REFUSED, "too much", "service/echo"),),
)
DRAINED = Entry(
    epoch=2,
    change_id="b2" * 8,
    at_s=NOW_S + 86_400,
    author=Author("bob@desk", "h2o drain on desk", verified=True),
    edits=(Edit("control/hosts/host-1", None, DRAIN),),
    until_s=NOW_S + 90_000,
)
UNDONE = replace(SHIFT, epoch=10, change_id="c3" * 8, at_s=NOW_S + 86_500, undo_of=SHIFT.change_id, guards=())
REDONE = replace(SHIFT, epoch=11, change_id="d4" * 8, at_s=NOW_S + 86_600, undo_of=UNDONE.change_id, guards=())


@pytest.fixture
def journal(
    zookeeper: str, fleet_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Types at a fleet whose audit has these entries (or bytes, by path)."""
    for name in ("H2O_CONTEXT", "H2O_AGENT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("H2O_ZK", zookeeper)
    monkeypatch.setenv("H2O_FLEET", fleet_name)

    def types(
        *arguments: str, entries: Sequence[Entry] = (), odd: dict[str, bytes] | None = None
    ) -> tuple[int, str, str]:
        documents = {f"audit/{day_of(one.at_s)}/{one.epoch}": encode_entry(one) for one in entries} | (odd or {})

        async def write(registry: Registry) -> None:
            for path, data in documents.items():
                await registry.create(path, data)

        registered(zookeeper, fleet_name, write)
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return types


ALL = (SHIFT, DRAINED, UNDONE, REDONE)


def test_the_newest_comes_first_across_days_and_epochs_of_more_digits(journal: Callable[..., Any]) -> None:
    code, out, err = journal("journal", "--json", entries=ALL)
    changes = json.loads(out)["changes"]
    assert (code, err) == (0, "")
    assert [one["epoch"] for one in changes] == [11, 10, 2, 1]
    assert [one["undone_by"] for one in changes] == [None, REDONE.change_id, None, None]
    assert [one["verified"] for one in changes] == [False, False, True, False]
    assert changes[3]["forced"]
    assert changes[2]["what"] == "writes control/hosts/host-1"
    assert (changes[2]["hosts"], changes[3]["packages"]) == (["host-1"], ["service/echo"])


@pytest.mark.parametrize(
    ("arguments", "epochs"),
    [
        (["-n", "2"], [11, 10]),
        (["--package", "service.echo"], [11, 10, 1]),
        (["--package", "echo"], [11, 10, 1]),
        (["--package", "service/other"], []),
        (["--host", "host-*"], [2]),
        (["--actor", "bob@*"], [2]),
        (["--since", "2026-11-19T00:00:00Z"], [11, 10, 2]),
        (["10"], [10]),
        (["b2b2"], [2]),
    ],
)
def test_what_is_asked_for(journal: Callable[..., Any], arguments: list[str], epochs: list[int]) -> None:
    said = json.loads(journal("journal", *arguments, "--json", entries=ALL)[1])
    assert [one["epoch"] for one in said.get("changes", [said])] == epochs


def test_the_table_and_the_names(journal: Callable[..., Any]) -> None:
    code, out, _ = journal("journal", entries=(SHIFT, UNDONE))
    head, undo, shift = out.splitlines()
    assert code == 0
    assert head.split("  ")[0] == "ID"
    assert undo.startswith("c3c3c3c3  ")
    for part in ("a1a1a1a1", "ada@desk", "claimed", "c3c3c3c3", "INC-7", "FORCED: service/echo: 2.0.0 gets 10%"):
        assert part in shift
    assert journal("journal", "-o", "name")[1].split() == [UNDONE.change_id, SHIFT.change_id]


def test_one_change_has_guards_and_documents(journal: Callable[..., Any]) -> None:
    code, out, _ = journal("journal", "a1", entries=(SHIFT,))
    assert code == 0
    for part in ("decided by", "ada@desk (claimed)", "too much", "control/traffic/service.echo", SHIFT.command):
        assert part in out
    document = json.loads(journal("journal", "1", "--json")[1])
    assert document["documents"] == [
        {"path": "control/traffic/service.echo", "before": None, "after": TRAFFIC.decode()}
    ]


def test_nothing_there_and_what_can_not_be_read(journal: Callable[..., Any]) -> None:
    code, out, _ = journal("journal", "--json")
    assert (code, json.loads(out)["changes"]) == (0, [])
    code, out, err = journal("journal", "feed")
    assert (code, out) == (3, "")
    assert "there is no change 'feed'" in err
    code, out, err = journal("journal", "--json", entries=(SHIFT,), odd={"audit/2026-11-18/7": b"{"})
    assert (code, len(json.loads(out)["changes"])) == (0, 1)
    assert "left out: " in err
    assert journal("journal", "--since", "soon")[0] == 2
    assert journal("journal", "--zk", "127.0.0.1:1")[0] == 4


def test_a_hostile_entry_is_harmless(journal: Callable[..., Any]) -> None:
    raw = (
        encode_entry(SHIFT).replace(b"INC-7", rb"a\u001b]0;x\u0007\u202eb\u2028c").replace(b"gets", b"\xe2\x80\xaegets")
    )
    for at, form in enumerate(("table", "wide", "json", "yaml", "name")):
        code, out, err = journal("journal", "-o", form, odd={f"audit/2026-11-18/{at}": raw})
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(out + err)


def test_the_timeline_has_the_changes(journal: Callable[..., Any]) -> None:
    stretch = ("--since", "2026-11-18T00:00:00Z", "--until", "2026-11-21T00:00:00Z")
    code, out, err = journal("timeline", *stretch, "-o", "md", entries=ALL)
    assert (code, err) == (0, "")
    assert "| 2026-11-18T" not in out
    assert out.splitlines()[0].startswith("Timeline of test-")
    assert "| change | a1a1a1a1 | ada@desk | forced: service/echo: 2.0.0 gets 10% (INC-7) |" in out
    assert "undoes a1a1a1a1: service/echo" in out
    document = json.loads(journal("timeline", *stretch, "--host", "host-1", "--json")[1])
    assert [one["subject"] for one in document["events"]] == ["b2b2b2b2"]
    assert journal("timeline", "--since", "10m", "--until", "1h")[0] == 2


CALL = Call(
    request_id="e5" * 16,
    at_s=NOW_S + 86_550,
    author=Author("bob@desk", "h2o call on desk", "repair"),
    host="host-1",
    feature="/service/echo/count",
    request_bytes=7,
    digest="f6" * 32,
)
ENDED = Outcome(NOW_S + 86_551, Code.OK, Executed.YES, host="host-2", version="1.0.0")


def test_calls_that_may_have_changed_data_stand_among_the_changes(journal: Callable[..., Any]) -> None:
    path = path_of(CALL)
    odd = {path: encode_call(CALL), f"{path}/{OUTCOME}": encode_outcome(ENDED)}
    code, out, _ = journal("journal", "--json", entries=ALL, odd=odd)
    (called,) = json.loads(out)["calls"]
    assert (code, called["feature"], called["outcome"]["code"]) == (0, "service/echo/count", "OK")
    assert [line.split()[0] for line in journal("journal")[1].splitlines()[1:]] == [
        "d4d4d4d4",
        "e5e5e5e5",
        "c3c3c3c3",
        "b2b2b2b2",
        "a1a1a1a1",
    ]
    assert "calls service/echo/count by host-1: OK" in journal("journal")[1]
    for arguments, count in ((("--actor", "ada@*"), 0), (("--host", "host-1"), 0), (("--package", "echo"), 1)):
        assert len(json.loads(journal("journal", *arguments, "--json")[1])["calls"]) == count
    stretch = ("--since", "2026-11-18T00:00:00Z", "--until", "2026-11-21T00:00:00Z")
    events = json.loads(journal("timeline", *stretch, "--json")[1])["events"]
    assert [one["kind"] for one in events] == ["change", "change", "change", "call", "change"]
