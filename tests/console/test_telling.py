"""Telling of findings: once each, until it is taken, whatever a server or a command does; and nobody waits for it."""

from __future__ import annotations

import json
import re
import socket
import stat
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from h2o_console.telling.channel import Channel, NotTaken, Refused
from h2o_console.telling.hook import Hook
from h2o_console.telling.kept import Kept
from h2o_console.telling.notices import MOST, SETTLES_S, WELL_KNOWN_S, Event, Facts, Ledger, Notice
from h2o_console.telling.said import document, environment
from h2o_console.telling.webhook import Webhook
from h2o_core.insights.finding import Severity
from tests.support.receiver import until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.support.receiver import Receiver

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
HOST = Facts(
    "prod",
    "18d3c882",
    "host against fleet",
    "host-7",
    {"host": "host-7"},
    Severity.TICKET,
    "host-7 is worse than the other hosts",
    1000.0,
    2.5,
    3,
    "h2o drain host-7",
)
OTHER = replace(HOST, id="0a0b0c0d", name="service/customer", subject={"package": "service/customer"})
OPENED = Notice(Event.OPENED, HOST, 1010.0)


# ---------------------------------------------------------------------- what is to be told


class Watch:
    """A ledger that looks once a second."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.now_s = 1000.0

    def looks(self, seconds: float, *causes: Facts, also_open: tuple[Facts, ...] = ()) -> None:
        for _ in range(int(seconds)):
            self.ledger.see({one.id: one for one in causes}, {one.id for one in (*causes, *also_open)}, self.now_s)
            self.now_s += 1

    def takes(self) -> list[tuple[Event, str]]:
        """All that waits is told."""
        found: list[tuple[Event, str]] = []
        while (notice := self.ledger.next()) is not None:
            self.ledger.done(notice)
            found.append((notice.event, notice.facts.id))
        return found


def test_it_is_told_once_when_it_has_stood_for_a_while_and_once_when_it_is_over():
    watch = Watch()
    watch.looks(SETTLES_S, HOST)
    assert watch.takes() == []
    watch.looks(1, HOST)
    assert watch.takes() == [(Event.OPENED, HOST.id)]
    watch.looks(WELL_KNOWN_S, HOST)
    assert watch.takes() == []
    watch.looks(1)
    assert watch.takes() == [(Event.CLOSED, HOST.id)]
    watch.looks(100)
    assert watch.takes() == []


def test_a_symptom_that_is_soon_explained_is_not_told_and_one_that_was_told_is_not_closed():
    watch = Watch()
    watch.looks(SETTLES_S - 1, HOST)
    watch.looks(WELL_KNOWN_S, OTHER, also_open=(HOST,))
    assert watch.takes() == [(Event.OPENED, OTHER.id)]
    watch.looks(SETTLES_S + 1, OTHER, HOST)
    assert watch.takes() == [(Event.OPENED, HOST.id)]
    watch.looks(10, OTHER, also_open=(HOST,))
    assert watch.takes() == []
    watch.looks(1, OTHER)
    assert watch.takes() == [(Event.CLOSED, HOST.id)]


def test_what_is_muted_is_quiet_and_what_was_told_before_is_closed_all_the_same():
    watch = Watch()
    watch.looks(20, also_open=(HOST,))
    assert watch.takes() == []
    watch.looks(20, HOST)
    assert watch.takes() == [(Event.OPENED, HOST.id)]
    watch.looks(60, also_open=(HOST,))
    assert watch.takes() == []
    watch.looks(1)
    assert watch.takes() == [(Event.CLOSED, HOST.id)]


def test_muted_before_it_could_be_told_it_is_quiet():
    watch = Watch()
    watch.looks(10, HOST)
    watch.looks(1, also_open=(HOST,))
    assert (watch.takes(), watch.ledger.passed) == ([], 0)


def test_worse_is_told_and_better_is_not():
    watch = Watch()
    watch.looks(10, HOST)
    assert watch.takes() == [(Event.OPENED, HOST.id)]
    watch.looks(10, replace(HOST, severity=Severity.PAGE))
    assert watch.takes() == [(Event.WORSE, HOST.id)]
    watch.looks(10, HOST)
    watch.looks(10, replace(HOST, severity=Severity.PAGE))
    assert watch.takes() == []


def test_what_came_and_went_while_nobody_listened_is_counted_and_not_told():
    watch = Watch()
    watch.looks(10, HOST)
    watch.looks(10)
    assert (watch.takes(), watch.ledger.passed) == ([], 1)


def test_closed_and_open_again_before_it_could_be_told_is_as_if_nothing_had_been():
    watch = Watch(Ledger({HOST.id: HOST}))
    watch.looks(WELL_KNOWN_S + 5)
    watch.looks(10, HOST)
    assert watch.takes() == []


def test_who_begins_again_tells_nothing_anew_and_closes_only_what_it_has_watched_long_enough():
    watch = Watch(Ledger({HOST.id: HOST, OTHER.id: OTHER}))
    watch.looks(WELL_KNOWN_S, HOST)
    assert watch.takes() == []
    watch.looks(1, HOST)
    assert watch.takes() == [(Event.CLOSED, OTHER.id)]


def test_the_most_severe_is_told_first():
    watch = Watch()
    watch.looks(3, HOST)
    watch.looks(10, HOST, replace(OTHER, severity=Severity.PAGE))
    assert watch.takes() == [(Event.OPENED, OTHER.id), (Event.OPENED, HOST.id)]


def test_it_may_change_while_it_is_told():
    watch = Watch()
    watch.looks(10, HOST)
    notice = watch.ledger.next()
    assert notice is not None
    watch.looks(1, replace(HOST, severity=Severity.PAGE))
    watch.ledger.done(notice)
    assert watch.takes() == [(Event.WORSE, HOST.id)]
    watch.looks(WELL_KNOWN_S)
    closing = watch.ledger.next()
    assert closing is not None
    watch.looks(10, HOST)
    watch.ledger.done(closing)
    watch.looks(1, HOST)
    assert watch.takes() == [(Event.OPENED, HOST.id)]


def test_there_is_a_bound_and_who_is_beyond_it_comes_when_others_have_closed():
    watch = Watch()
    many = [replace(HOST, id=f"{at:08x}") for at in range(MOST + 5)]
    watch.looks(7, *many)
    assert (len(watch.takes()), watch.ledger.crowded) == (MOST, 5)
    watch.looks(WELL_KNOWN_S, *many[5:])
    told = watch.takes()
    assert [event for event, _ in told].count(Event.CLOSED) == 5
    watch.looks(1, *many[5:])
    assert [one for _, one in watch.takes()] == [one.id for one in many[-5:]]


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc")), st.integers(0, 3)), max_size=60
    )
)
def test_each_is_opened_before_it_is_closed_and_in_the_end_all_is_told(looks: list[tuple[set[str], set[str], int]]):
    watch = Watch()
    told: set[str] = set()
    facts = {name: replace(HOST, id=name) for name in "abc"}

    def take(most: int) -> None:
        for _ in range(most):
            notice = watch.ledger.next()
            if notice is None:
                return
            watch.ledger.done(notice)
            assert (notice.facts.id in told) == (notice.event is Event.CLOSED)
            told.symmetric_difference_update({notice.facts.id})

    for causes, also, taken in looks:
        watch.looks(3, *(facts[name] for name in sorted(causes)), also_open=tuple(facts[name] for name in sorted(also)))
        take(taken)
    watch.looks(WELL_KNOWN_S + SETTLES_S, facts["a"])
    take(10)
    assert told == {"a"}


# ---------------------------------------------------------------------- a channel


@dataclass
class Ear:
    """Somebody who is told, and fails as it is asked to."""

    heard: list[tuple[Event, str]] = field(default_factory=list[Any])
    failures: list[Exception] = field(default_factory=list[Exception])
    said: list[str] = field(default_factory=list[str])
    kept: dict[str, Facts] = field(default_factory=dict[str, Facts])
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def tell(self, notice: Notice) -> None:
        self.gate.wait(10)
        if self.failures:
            raise self.failures.pop(0)
        self.heard.append((notice.event, notice.facts.id))

    def keep(self, told: Any) -> None:
        self.kept = dict(told)

    @contextmanager
    def channel(self, told: dict[str, Facts] | None = None) -> Generator[Channel]:
        channel = Channel("the ear", self.tell, self.said.append, told or {}, self.keep, first_pause_s=0.001)
        channel.start()
        try:
            yield channel
        finally:
            self.gate.set()
            channel.stop(10)


def look(channel: Channel, *causes: Facts, seconds: float = 10, began_s: float = 1000.0) -> None:
    for at in range(int(seconds)):
        channel.see({one.id: one for one in causes}, {one.id for one in causes}, began_s + at)


def test_it_is_tried_until_it_is_taken_and_written_down():
    ear = Ear(failures=[NotTaken("it answers 503"), RuntimeError("a bug"), NotTaken("late")])
    with ear.channel() as channel:
        look(channel, HOST)
        until(lambda: ear.kept, "it is told")
    assert (ear.heard, ear.kept) == ([(Event.OPENED, HOST.id)], {HOST.id: HOST})
    assert ear.said == [
        "the ear does not take it: it answers 503; it is tried again until it does",
        "the ear takes it again, after 3 attempts",
    ]


def test_one_that_is_never_taken_does_not_hold_up_the_others():
    ear = Ear()

    def picky(notice: Notice) -> None:
        if notice.facts.id == HOST.id:
            msg = "it answers 500"
            raise NotTaken(msg)
        ear.tell(notice)

    channel = Channel("the ear", picky, ear.said.append, {}, ear.keep, first_pause_s=0.001)
    channel.start()
    look(channel, replace(HOST, severity=Severity.PAGE))
    look(channel, replace(HOST, severity=Severity.PAGE), OTHER, began_s=1010.0)
    until(lambda: ear.heard, "the other one is told")
    channel.stop(10)
    assert ear.heard == [(Event.OPENED, OTHER.id)]


def test_nobody_who_looks_waits_for_who_is_told():
    ear = Ear()
    ear.gate.clear()
    with ear.channel() as channel:
        look(channel, HOST)
        look(channel, HOST, OTHER, seconds=500, began_s=1010.0)  # returns, though nobody takes anything
        assert ear.heard == []
        ear.gate.set()
        until(lambda: len(ear.kept) == 2, "both are told")


def test_what_is_refused_is_said_and_not_tried_again():
    ear = Ear(failures=[Refused("it answers 400")])
    with ear.channel() as channel:
        look(channel, HOST)
        until(lambda: ear.kept, "it is refused")
        look(channel, HOST, OTHER, began_s=1010.0)
        until(lambda: ear.heard, "the other one is told")
    assert ear.heard == [(Event.OPENED, OTHER.id)]
    assert ear.said == ["the ear refuses 18d3c882 (opened): it answers 400; it is not told again"]


def test_a_restart_tells_nothing_anew(tmp_path: Path):
    kept = Kept(tmp_path / "state" / "triage.json", pytest.fail)
    kept.read()
    kept.keep("ear", {HOST.id: HOST})
    again = Kept(kept.path, pytest.fail)
    again.read()
    ear = Ear()
    with ear.channel(dict(again.told("ear"))) as channel:
        look(channel, HOST, OTHER)
        until(lambda: ear.heard, "what is new is told")
    assert ear.heard == [(Event.OPENED, OTHER.id)]
    assert again.told("another") == {}


# ---------------------------------------------------------------------- what was told before


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"schema":1,"told":7}',
        b'{"schema":9,"told":{}}',
        b'{"schema":1,"told":{"ear":[{"id":1}]}}',
    ],
)
def test_a_damaged_file_is_as_none_and_is_said(tmp_path: Path, data: bytes):
    said: list[str] = []
    kept = Kept(tmp_path / "triage.json", said.append)
    kept.path.write_bytes(data)
    kept.read()
    assert kept.told("ear") == {}
    assert len(said) == 1
    kept.keep("ear", {HOST.id: HOST})
    again = Kept(kept.path, pytest.fail)
    again.read()
    assert again.told("ear") == {HOST.id: replace(HOST, hurt_per_s=0.0, explains=0)}


def test_what_can_t_be_written_down_is_said_once(tmp_path: Path):
    said: list[str] = []
    (tmp_path / "file").write_text("")
    kept = Kept(tmp_path / "file" / "triage.json", said.append)
    kept.keep("ear", {HOST.id: HOST})
    kept.keep("ear", {})
    (sentence,) = said
    assert "can't be written down" in sentence


# ---------------------------------------------------------------------- a webhook


def test_a_webhook_gets_the_whole_of_it(receiver: Receiver):
    Webhook(receiver.url, "s3cret")(OPENED)
    ((path, headers, body),) = receiver.came
    assert (path, headers["Content-Type"], headers["Authorization"]) == (
        "/hook?team=a",
        "application/json",
        "Bearer s3cret",
    )
    assert body == {
        "schema": 1,
        "event": "opened",
        "at": "1970-01-01T00:16:50.000Z",
        "fleet": "prod",
        "id": "18d3c882",
        "kind": "host against fleet",
        "subject": {"host": "host-7"},
        "name": "host-7",
        "severity": "TICKET",
        "sentence": "host-7 is worse than the other hosts",
        "since": "1970-01-01T00:16:40.000Z",
        "hurt_per_s": 2.5,
        "explains": 3,
        "command": "h2o drain host-7",
        "owner": "",
    }


@pytest.mark.parametrize(
    ("status", "raises"),
    [
        (500, NotTaken),
        (503, NotTaken),
        (429, NotTaken),
        (408, NotTaken),
        (400, Refused),
        (404, Refused),
        (302, Refused),
    ],
)
def test_what_a_webhook_answers(receiver: Receiver, status: int, raises: type[Exception]):
    receiver.status = status
    with pytest.raises(raises, match=f"it answers {status}"):
        Webhook(receiver.url)(OPENED)


@pytest.mark.parametrize("dribbles", [False, True])
def test_a_webhook_that_hangs_is_left(receiver: Receiver, dribbles: bool):
    receiver.status, receiver.dribbles = 0, dribbles
    with pytest.raises(NotTaken, match=r"no answer within 0\.3 s"):
        Webhook(receiver.url, timeout_s=0.3)(OPENED)


def test_nobody_is_there_or_something_else():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NotTaken, match="no answer within"):
            Webhook(address, timeout_s=0.2)(OPENED)
    with pytest.raises(NotTaken, match="refused"):
        Webhook(address, timeout_s=0.2)(OPENED)
    with pytest.raises(NotTaken):
        Webhook(f"https{address[4:]}", timeout_s=0.2)(OPENED)


@pytest.mark.parametrize("url", ["", "ftp://x/", "https://", "http://[::1", "http://x:99999/", "http://x/ y", "//x"])
def test_what_is_no_url_is_said_at_once_and_not_repeated(url: str):
    with pytest.raises(ValueError, match="a webhook is a URL"):
        Webhook(url)


def test_the_page_says_what_is_said():
    section = PAGE.read_text().split("\n## Being told of findings\n", 1)[1].split("\n## ", 1)[0]
    example = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    assert example.keys() == document(OPENED).keys()
    assert {type(value) for value in example.values()} == {type(value) for value in document(OPENED).values()}
    assert set(re.findall(r"`(H2O_[A-Z_]+)`", section)) - {"H2O_WEBHOOK"} == environment(OPENED).keys()


# ---------------------------------------------------------------------- a command


def test_a_command_has_it_in_its_environment_and_on_its_input(tmp_path: Path):
    Hook(f'cat > {tmp_path}/said; echo "$H2O_EVENT|$H2O_ID|$H2O_SEVERITY|$H2O_NAME|$H2O_COMMAND" > {tmp_path}/env')(
        OPENED
    )
    assert json.loads((tmp_path / "said").read_text()) == document(OPENED)
    assert (tmp_path / "env").read_text() == "opened|18d3c882|TICKET|host-7|h2o drain host-7\n"


@pytest.mark.parametrize(
    ("command", "says"),
    [("exit 3", "it ended with 3"), ("no-such-program", "it ended with 127"), ("kill -9 $$", "it ended by signal 9")],
)
def test_a_command_that_fails(command: str, says: str):
    with pytest.raises(NotTaken, match=says):
        Hook(command)(OPENED)


def test_a_command_that_hangs_is_killed_with_all_it_has_started(tmp_path: Path):
    pids = tmp_path / "pids"
    with pytest.raises(NotTaken, match="did not end within"):
        Hook(f"sleep 1000 & echo $! > {pids}; sleep 1000", timeout_s=0.5)(OPENED)
    pid = int(pids.read_text())

    def gone() -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return True

    until(gone, "what it started is gone")


def test_a_command_that_prints_and_does_not_read_is_well():
    Hook("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; exec 0<&-")(OPENED)


def test_what_others_chose_is_harmless_in_the_environment():
    wild = replace(HOST, name="a\x00b\x1b[2Jc\nd", sentence="$(reboot)\u202e `x`", owner="e" * 9000)
    said = environment(replace(OPENED, facts=wild))
    assert (said["H2O_NAME"], said["H2O_SENTENCE"], len(said["H2O_OWNER"])) == ("abc d", "$(reboot) `x`", 2000)
    assert "H2O_FLEET" not in said


def test_the_file_of_what_was_told_is_this_user_s_alone(tmp_path: Path):
    kept = Kept(tmp_path / "state" / "triage.json", pytest.fail)
    kept.keep("ear", {HOST.id: HOST})
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
