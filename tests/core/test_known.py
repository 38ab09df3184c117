"""What a broker knows: good documents apply, bad ones sound an alarm and change nothing, the file holds them all."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_broker.links import Links
from h2o_broker.register.alarms import Alarms, Kind
from h2o_broker.register.freshness import UNKNOWN_S, Freshness
from h2o_broker.register.known import Known
from h2o_broker.register.last_known import CAP_BYTES, Document, LastKnown, encode_last_known, in_order, parse_last_known
from h2o_broker.roster import Roster
from h2o_broker.switch import Switch
from h2o_core.control import Epoch, FleetSettings, NewVersions, encode_epoch, encode_settings
from h2o_core.documents import InvalidDocument
from h2o_core.envelope import WIRE
from h2o_core.register import NodeGone, NodeSeen, Synced
from h2o_core.routing import serving_versions
from h2o_core.times import Moment
from h2o_core.znodes import (
    FeatureSpec,
    LiveHost,
    LiveInstance,
    Paths,
    encode_live,
    encode_package_version,
    package_version,
    parse_package_version,
)

S = 1_000_000_000
AT = Moment(S, 1000.0)
PATHS = Paths("t")
SPEC = package_version("/service/echo", "1.0", [FeatureSpec("/service/echo/say", "a", "b")], b"")
HOST = LiveHost(
    "host-2",
    "b",
    "127.0.0.1:1",
    "k" * 40,
    7,
    "m",
    WIRE,
    instances=(LiveInstance("i1", "/service/echo", "1.0", SPEC.digest, 4, 1.0, 1),),
)
SHARE = encode_settings(FleetSettings(new_versions=NewVersions.SHARE))


class Broker:
    def __init__(self) -> None:
        self.switch = Switch("host-1", 5, random.Random(1).random)
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.known = Known("t", self.switch, Roster(self.switch, "a", "t"), self.links)

    def read(self) -> None:
        for on in (self.known.on_package, self.known.on_control, self.known.on_live):
            on(Synced(), AT)

    def live(self, data: bytes, name: str = "host-2") -> None:
        self.known.on_live(NodeSeen(name, data, 0, 1, 1), AT)

    def control(self, name: str, data: bytes) -> None:
        self.known.on_control(NodeSeen(name, data, 0, 1, 0), AT)

    def package(self, data: bytes, czxid: int = 9) -> None:
        self.known.on_package(NodeSeen("service.echo/1.0", data, 0, czxid, 0), AT)

    def wrong(self) -> dict[str, str]:
        return {alarm.path.removeprefix("/h2o/t/"): alarm.sentence for alarm in self.known.alarms.current()}


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.live(encode_live(HOST))
    made.package(encode_package_version(SPEC))
    made.control("fleet", SHARE)
    made.control("epoch", encode_epoch(Epoch(4)))
    made.read()
    return made


def test_what_is_good_applies(broker: Broker):
    assert broker.wrong() == {}
    assert broker.known.inventory.hosts == {"host-2": HOST}
    assert broker.switch.new_versions is NewVersions.SHARE
    assert broker.known.epoch == 4
    assert broker.switch.pools["/service/echo"].order == {"1.0": 9}


BAD = [b"", b"{", b"[]", b"null", b'{"schema":2}', b"\xff", b'{"schema":1}', b"x" * (1 << 20)]


@pytest.mark.parametrize("data", BAD)
def test_what_is_bad_changes_nothing_but_the_alarms(broker: Broker, data: bytes):
    before = broker.known.last_known(1.0)
    broker.live(data)
    broker.package(data)
    broker.control("fleet", data)
    broker.control("epoch", data)
    wrong = broker.wrong()
    assert wrong.keys() == {"live/host-2", "packages/service.echo/1.0", "control/fleet", "control/epoch"}
    assert all(sentence.endswith("what it said before stays in force") for sentence in wrong.values())
    assert broker.known.last_known(1.0) == before
    assert broker.known.inventory.hosts == {"host-2": HOST}
    assert broker.switch.new_versions is NewVersions.SHARE
    assert broker.known.epoch == 4
    assert broker.switch.oddities.counts["invalid_documents"] == 4

    broker.live(encode_live(HOST))
    broker.known.on_package(NodeGone("service.echo/1.0"), AT)
    broker.control("fleet", SHARE)
    broker.control("epoch", encode_epoch(Epoch(5)))
    assert broker.wrong() == {}


def test_a_bad_one_that_nobody_knows_has_an_alarm_until_it_is_gone(broker: Broker):
    broker.live(b"{", "ghost")
    assert "nothing of it is in force" in broker.wrong()["live/ghost"]
    broker.known.on_live(NodeGone("ghost"), AT)
    assert broker.wrong() == {}


@given(st.binary(max_size=200), st.sampled_from(["live", "package", "fleet", "epoch"]))
def test_no_bytes_break_it(data: bytes, what: str):
    broker = Broker()
    if what == "live":
        broker.live(data)
    elif what == "package":
        broker.package(data)
    else:
        broker.control(what, data)
    assert broker.known.inventory.hosts == {}


def test_an_alarm_says_since_when_and_is_new_once():
    alarms = Alarms()
    assert alarms.sound(Kind.DOCUMENT, "a", "one", 5.0)
    assert not alarms.sound(Kind.DOCUMENT, "a", "one", 6.0)
    assert alarms.sound(Kind.DOCUMENT, "a", "two", 7.0)
    assert [(one.since_s, one.sentence) for one in alarms.current()] == [(5.0, "two")]
    alarms.end(Kind.KEPT, "a")
    assert alarms.paths(Kind.DOCUMENT) == {"a"}
    alarms.end(Kind.DOCUMENT, "a")
    assert alarms.current() == []


# ---- the register lost it


def test_settings_that_are_gone_stay_with_an_alarm(broker: Broker):
    broker.known.on_control(NodeGone("fleet"), AT)
    assert "write the settings again" in broker.wrong()["control/fleet"]
    assert broker.switch.new_versions is NewVersions.SHARE
    broker.control("fleet", SHARE)
    assert broker.wrong() == {}


def test_an_epoch_never_goes_back(broker: Broker):
    broker.control("epoch", encode_epoch(Epoch(0)))
    assert "is at epoch 0, and 4 was seen here" in broker.wrong()["control/epoch"]
    assert broker.known.epoch == 4
    broker.control("epoch", encode_epoch(Epoch(4)))
    assert broker.wrong() == {}


def test_the_order_of_versions_outlives_a_wiped_register():
    newer = replace(SPEC, version="2.0")
    first = parse_package_version(PATHS.version("/service/echo", "1.0"), encode_package_version(SPEC), created=900)
    second = parse_package_version(
        PATHS.version("/service/echo", "2.0"), encode_package_version(newer, first.created), created=950
    )
    assert (first.created, second.created) == (900, 950)
    # Wiped; the broker of the second is quicker, and a third is new.
    again = [
        parse_package_version(
            PATHS.version("/service/echo", one.version), encode_package_version(one, after), created=czxid
        )
        for czxid, (one, after) in enumerate(
            [(newer, second.created - 1), (SPEC, first.created - 1), (replace(SPEC, version="3.0"), second.created)],
            start=3,
        )
    ]
    order = {one.version: one.created for one in again}
    assert order == {"2.0": 950, "1.0": 900, "3.0": 951}
    assert serving_versions(order, NewVersions.HOLD) == ["1.0"]


# ---- the file


def test_the_file_brings_everything_back(broker: Broker):
    last = broker.known.last_known(990.0)
    assert last is not None
    data = encode_last_known(last)
    restarted = Broker()
    for _ in restarted.known.remember(parse_last_known("f", data, "t", "host-1"), AT):
        pass
    assert restarted.known.inventory.hosts == broker.known.inventory.hosts
    assert restarted.known.inventory.versions == broker.known.inventory.versions
    assert restarted.switch.pools["/service/echo"].order == {"1.0": 9}
    assert restarted.switch.new_versions is NewVersions.SHARE
    assert restarted.known.epoch == 4
    assert restarted.known.freshness.age_s(AT.monotonic_ns) == pytest.approx(10.0)
    assert restarted.known.freshness.from_file
    assert restarted.known.last_known(1.0) is None, "what is not read again is not written again"
    restarted.read()
    assert restarted.known.inventory.hosts == {}
    assert not restarted.known.freshness.from_file
    assert "control/fleet" in restarted.wrong()


@pytest.mark.parametrize("cut", [1, 60, -1])
def test_half_a_file_is_no_file(broker: Broker, cut: int):
    last = broker.known.last_known(1.0)
    assert last is not None
    data = encode_last_known(last)
    with pytest.raises(InvalidDocument):
        parse_last_known("f", data[:cut], "t", "host-1")


@pytest.mark.parametrize(("fleet", "host"), [("t", "host-2"), ("u", "host-1")])
def test_another_host_s_file_is_refused(broker: Broker, fleet: str, host: str):
    last = broker.known.last_known(1.0)
    assert last is not None
    with pytest.raises(InvalidDocument, match="it is of host host-1 of fleet t"):
        parse_last_known("f", encode_last_known(last), fleet, host)


def test_a_document_that_this_program_can_t_read_is_left_out_alone():
    documents = (Document(PATHS.live("host-3"), b'{"schema":9}'), Document(PATHS.live("host-2"), encode_live(HOST)))
    remembered = parse_last_known("f", encode_last_known(LastKnown("t", "host-1", 1.0, 0, documents)), "t", "host-1")
    assert remembered.lives == (HOST,)
    assert len(remembered.problems) == 1


def test_the_file_s_size_is_bounded_and_the_most_needed_comes_first():
    big = b"x" * (900 << 10)
    unused = [Document(PATHS.version("/service/other", str(at)), big) for at in range(80)]
    used = Document(PATHS.version("/service/echo", "1.0"), encode_package_version(SPEC))
    live, settings = Document(PATHS.live("host-2"), encode_live(HOST)), Document(PATHS.settings, SHARE)
    documents = in_order(PATHS, [*unused, used, live, settings], {used.path})
    assert documents[:3] == (settings, live, used)
    data = encode_last_known(LastKnown("t", "host-1", 1.0, 0, documents))
    assert len(data) < CAP_BYTES
    assert parse_last_known("f", data, "t", "host-1").lives == (HOST,)


def test_how_old_it_is():
    freshness = Freshness(frozenset({"a", "b"}))
    assert freshness.age_s(5 * S) == UNKNOWN_S
    freshness.read("a")
    assert freshness.age_s(6 * S) == UNKNOWN_S
    freshness.read("b")
    assert freshness.age_s(7 * S) == 0
    freshness.lost(9 * S)
    assert freshness.age_s(10 * S) == 1
    freshness.lost(11 * S)
    freshness.read("a")
    assert freshness.age_s(12 * S) == 3
    freshness.remembered(-1.0, 12 * S)
    assert freshness.age_s(12 * S) == UNKNOWN_S
    freshness.remembered(40.0, 12 * S)
    assert freshness.age_s(13 * S) == 41


def test_who_is_kept_is_in_the_picture_and_the_alarms(broker: Broker):
    broker.known.link("host-2", AT, answers=True)
    before = broker.switch.picture_version
    broker.known.on_live(NodeGone("host-2"), AT)
    assert broker.switch.picture_version > before
    assert broker.known.inventory.hosts == {"host-2": HOST}
    assert "host-2 is not in the register, and its broker at 127.0.0.1:1 answers" in broker.wrong()["live/host-2"]
    before = broker.switch.picture_version
    broker.live(encode_live(HOST))
    assert broker.switch.picture_version > before
    assert broker.wrong() == {}
