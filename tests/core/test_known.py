"""What a broker knows: good documents apply, bad ones sound an alarm and change nothing, the file holds them all."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_broker.links import Links
from h2o_broker.members import Health
from h2o_broker.register.alarms import Alarms, Kind
from h2o_broker.register.decisions import Unreadable
from h2o_broker.register.freshness import UNKNOWN_S, Freshness
from h2o_broker.register.known import FORGET_S, Known
from h2o_broker.register.last_known import CAP_BYTES, Document, LastKnown, encode_last_known, in_order, parse_last_known
from h2o_broker.roster import Roster
from h2o_broker.switch import Switch
from h2o_core.control.epoch import Change, Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.settings import FleetSettings, NewVersions, encode_settings
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.envelope import WIRE
from h2o_core.register import Node, NodeGone, NodeSeen, Synced
from h2o_core.routing import serving_versions
from h2o_core.times import Moment
from h2o_core.znodes.live import LiveHost, LiveInstance, encode_live
from h2o_core.znodes.packages import FeatureSpec, encode_package_version, package_version, parse_package_version
from h2o_core.znodes.paths import Paths

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
TRAFFIC = encode_traffic(Traffic("/service/echo", "1.0", (("1.0", 10_000),)))
AVOID = encode_host_control(HostControl("host2", HostState.AVOID, "ada"))


class Broker:
    def __init__(self) -> None:
        self.switch = Switch("host-1", 5, random.Random(1).random)
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.known = Known("t", self.switch, Roster(self.switch, "a", "t"), self.links)
        self.control: dict[str, bytes] = {"epoch": encode_epoch(Epoch())}
        """What stands below control/ in its register."""
        self.writes = 0

    def read(self) -> None:
        for on in (self.known.on_package, self.known.on_live):
            on(Synced(), AT)
        self.catch_up()

    def live(self, data: bytes, name: str = "host-2") -> None:
        self.known.on_live(NodeSeen(name, data, 0, 1, 1), AT)

    def decide(self, epoch: int | bytes, *, life: int = 1, **documents: bytes | None) -> None:
        """Write them and the epoch ("traffic_service__a" is traffic/service.a), and have it read."""
        named: list[str] = []
        for key, data in documents.items():
            name = key.replace("__", ".").replace("_", "/")
            named.append(f"control/{name}")
            if data is None:
                self.control.pop(name, None)
            else:
                self.control[name] = data
        if isinstance(epoch, int):
            epoch = encode_epoch(Epoch(epoch, "", (Change(epoch, tuple(named)),)))
        self.control["epoch"] = epoch
        self.writes += 1
        self.catch_up(life)

    def catch_up(self, life: int = 1) -> None:
        node = Node(self.control["epoch"], 0, 1, self.writes, 0, 0, life)
        wanted = self.known.decisions.wanted(node)
        if wanted is None:
            self.known.confirmed(AT)
            return
        there: dict[str, bytes | Unreadable | None] = {f"{PATHS.control}/{at}": one for at, one in self.control.items()}
        concerned = filter(self.known.decisions.concerns, there) if wanted.everything else wanted.paths
        assert self.known.decided(wanted, node, {path: there.get(path) for path in concerned}, AT)

    def package(self, data: bytes, czxid: int = 9) -> None:
        self.known.on_package(NodeSeen("service.echo/1.0", data, 0, czxid, 0), AT)

    def wrong(self) -> dict[str, str]:
        return {alarm.path.removeprefix("/h2o/t/"): alarm.sentence for alarm in self.known.alarms.current()}


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.live(encode_live(HOST))
    made.package(encode_package_version(SPEC))
    made.decide(4, fleet=SHARE, traffic_service__echo=TRAFFIC, hosts_host2=AVOID)
    made.read()
    return made


def test_what_is_good_applies(broker: Broker):
    assert broker.wrong() == {}
    assert broker.known.inventory.hosts == {"host-2": HOST}
    assert broker.switch.new_versions is NewVersions.SHARE
    assert broker.known.decisions.applied == 4
    assert broker.switch.pools["/service/echo"].order == {"1.0": 9}


BAD = [b"", b"{", b"[]", b"null", b'{"schema":2}', b"\xff", b'{"schema":1}', b"x" * (1 << 20)]


@pytest.mark.parametrize("data", BAD)
def test_what_is_bad_changes_nothing_but_the_alarms(broker: Broker, data: bytes):
    before = broker.known.last_known(1.0)
    broker.live(data)
    broker.package(data)
    broker.decide(data, fleet=data, traffic_service__echo=data, hosts_host2=data)
    wrong = broker.wrong()
    assert "and epoch 4 is what counts as applied" in wrong.pop("control/epoch")
    decided = {"control/fleet", "control/traffic/service.echo", "control/hosts/host2"}
    assert wrong.keys() == {"live/host-2", "packages/service.echo/1.0", *decided}
    assert all(sentence.endswith("what it said before stays in force") for sentence in wrong.values())
    assert set(broker.known.decisions.unapplied) == decided
    assert broker.known.last_known(1.0) == before
    assert broker.known.inventory.hosts == {"host-2": HOST}
    assert broker.switch.new_versions is NewVersions.SHARE
    assert broker.known.decisions.applied == 4
    assert broker.switch.traffic["/service/echo"].document.weights == (("1.0", 10_000),)
    assert broker.switch.oddities.counts["invalid_documents"] == 5

    broker.live(encode_live(HOST))
    broker.known.on_package(NodeGone("service.echo/1.0"), AT)
    broker.decide(5, fleet=SHARE, traffic_service__echo=TRAFFIC, hosts_host2=AVOID)
    assert broker.wrong() == {}
    assert broker.known.decisions.applied == 5


def test_a_bad_one_that_nobody_knows_has_an_alarm_until_it_is_gone(broker: Broker):
    broker.live(b"{", "ghost")
    assert "nothing of it is in force" in broker.wrong()["live/ghost"]
    broker.known.on_live(NodeGone("ghost"), AT)
    assert broker.wrong() == {}


KINDS = ["live", "package", "fleet", "traffic_service__echo", "hosts_host2", "epoch"]


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_no_bytes_break_it(data: bytes, what: str):
    broker = Broker()
    if what == "live":
        broker.live(data)
    elif what == "package":
        broker.package(data)
    elif what == "epoch":
        broker.decide(data)
    else:
        documents: dict[str, Any] = {what: data}
        broker.decide(1, **documents)
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


def test_what_a_wiped_register_has_lost_stays_with_alarms_until_it_is_written_again(broker: Broker):
    broker.control = {}
    broker.decide(4, life=2)
    wrong = broker.wrong()
    assert wrong.keys() == {"control/fleet", "control/traffic/service.echo", "control/hosts/host2"}
    assert "write the settings again" in wrong["control/fleet"]
    assert "write it again" in wrong["control/traffic/service.echo"]
    assert broker.known.decisions.unapplied == []
    assert broker.switch.new_versions is NewVersions.SHARE
    assert broker.switch.traffic.keys() == {"/service/echo"}
    assert broker.switch.hosts.keys() == {"host2"}
    broker.decide(5, life=2, fleet=SHARE, traffic_service__echo=TRAFFIC)
    assert broker.wrong().keys() == {"control/hosts/host2"}
    broker.decide(6, life=2, hosts_host2=None)
    assert broker.wrong() == {}
    assert broker.switch.hosts == {}


def test_what_a_change_has_deleted_ends(broker: Broker):
    broker.decide(5, fleet=None, traffic_service__echo=None, hosts_host2=None)
    assert broker.wrong() == {}
    assert (broker.switch.traffic, broker.switch.hosts) == ({}, {})
    assert broker.switch.new_versions is NewVersions.HOLD


def test_the_epoch_that_applies_falls_with_the_register_s_and_is_told(broker: Broker):
    broker.decide(2)
    assert "is at epoch 2, and 4 was seen here" in broker.wrong()["control/epoch"]
    decisions = broker.known.decisions
    assert (decisions.applied, decisions.highest) == (2, 4)
    broker.decide(4)
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
    assert restarted.switch.traffic.keys() == {"/service/echo"}
    assert restarted.switch.hosts.keys() == {"host2"}
    assert restarted.known.decisions.applied == 4
    assert restarted.known.freshness.age_s(AT.monotonic_ns) == pytest.approx(10.0)
    assert restarted.known.freshness.from_file
    assert restarted.known.last_known(1.0) is None, "what is not read again is not written again"
    restarted.read()
    assert restarted.known.inventory.hosts == {}
    assert not restarted.known.freshness.from_file
    assert "is at epoch 0, and 4 was seen here" in restarted.wrong()["control/epoch"]
    assert restarted.wrong().keys() > {"control/fleet", "control/traffic/service.echo", "control/hosts/host2"}


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


def _goes(broker: Broker, *, farewell: bool) -> None:
    if farewell:
        broker.links.peers["host-2"].health = Health.LEAVING
    broker.known.on_live(NodeGone("host-2"), AT)
    assert "host-2" not in broker.known.inventory.hosts


def test_a_host_that_goes_without_a_word_is_remembered_until_it_is_back(broker: Broker):
    assert broker.known.vanished(1000.0) == {}
    _goes(broker, farewell=False)
    assert broker.known.vanished(1000.0) == {"host-2": 1000.0}
    broker.live(encode_live(HOST))
    assert broker.known.vanished(1001.0) == {}


def test_a_host_that_says_goodbye_is_not(broker: Broker):
    _goes(broker, farewell=True)
    assert broker.known.vanished(1000.0) == {}


def test_after_a_day_nobody_asks_for_it(broker: Broker):
    _goes(broker, farewell=False)
    assert broker.known.vanished(1000.0 + FORGET_S - 1)
    assert not broker.known.vanished(1000.0 + FORGET_S)


def test_a_host_that_only_the_file_had_may_have_said_goodbye_meanwhile(broker: Broker):
    restarted = Broker()
    last = broker.known.last_known(1000.0)
    assert last is not None
    list(restarted.known.remember(parse_last_known("f", encode_last_known(last), "t", "host-1"), AT))
    restarted.read()
    assert "host-2" not in restarted.known.inventory.hosts
    assert restarted.known.vanished(1000.0) == {}
