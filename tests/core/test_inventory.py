"""The inventory's fold: its events tell the whole picture, whatever order the documents came in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from h2o_core.control.settings import FleetSettings, NewVersions
from h2o_core.inventory import (
    Event,
    HostChanged,
    HostDown,
    HostUp,
    InstanceDown,
    InstanceUp,
    Inventory,
    SettingsChanged,
    VersionSeen,
)
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, PackageVersion, package_version

KEY = "k" * 40


def instance(name: str, slots: int = 64) -> LiveInstance:
    return LiveInstance(name, "/service/customer", "1.0", "ab" * 20, slots, 1.5, 7)


def host(name: str = "a", incarnation: int = 1, *instances: LiveInstance, zone: str = "z1") -> LiveHost:
    return LiveHost(name, zone, "127.0.0.1:7", KEY, incarnation, "m", 1, {}, instances)


class Replay:
    """A picture drawn from events alone, by the plainest means; it rejects events that make no sense."""

    def __init__(self) -> None:
        self.hosts: dict[str, tuple[LiveHost, dict[str, LiveInstance]]] = {}
        self.versions: dict[tuple[str, str], object] = {}
        self.settings = FleetSettings()

    def apply(self, event: Event) -> None:
        match event:
            case HostUp(live):
                assert live.host not in self.hosts
                assert not live.instances
                self.hosts[live.host] = (live, {})
            case HostChanged(live):
                assert self.hosts[live.host][0].incarnation == live.incarnation
                self.hosts[live.host] = (live, self.hosts[live.host][1])
            case HostDown(name, incarnation):
                assert self.hosts.pop(name)[0].incarnation == incarnation
            case InstanceUp(name, one):
                assert one.id not in self.hosts[name][1]
                self.hosts[name][1][one.id] = one
            case InstanceDown(name, one_id):
                del self.hosts[name][1][one_id]
            case VersionSeen(version):
                self.versions[version.package, version.version] = version
            case SettingsChanged(settings):
                self.settings = settings

    def picture(self) -> dict[str, LiveHost]:
        return {
            name: replace(live, instances=tuple(sorted(ones.values(), key=lambda one: one.id)))
            for name, (live, ones) in self.hosts.items()
        }


def a_host(name: str, incarnation: int, ones: list[LiveInstance], zone: str) -> LiveHost:
    return host(name, incarnation, *ones, zone=zone)


def a_version(name: str, mean_ms: float, descriptors: bytes) -> PackageVersion:
    feature = FeatureSpec("/service/customer/get", "A", "B", mean_ms=mean_ms)
    return package_version("/service/customer", name, [feature], descriptors)


instances = st.builds(instance, st.sampled_from("wxyz"), st.sampled_from([8, 64]))
lives = st.builds(
    a_host,
    st.sampled_from("abc"),
    st.integers(1, 3),
    st.lists(instances, unique_by=lambda one: one.id),
    st.sampled_from(["z1", "z2"]),
)
versions = st.builds(a_version, st.sampled_from(["1.0", "2.0"]), st.sampled_from([0.0, 5.0]), st.binary(max_size=1))
settings = st.builds(FleetSettings, st.sampled_from(NewVersions))
steps = st.one_of(lives, st.sampled_from("abc"), versions, settings)


def put(inventory: Inventory, step: object) -> list[Event]:
    match step:
        case LiveHost():
            return inventory.put_host(step)
        case str():
            return inventory.drop_host(step)
        case FleetSettings():
            return inventory.put_settings(step)
        case _:
            return inventory.put_version(step)  # pyright: ignore[reportArgumentType] - the last of the four


@given(st.lists(steps, max_size=30))
def test_events_alone_draw_the_same_picture(all_steps: list[object]):
    inventory, replay = Inventory(), Replay()
    for step in all_steps:
        before = inventory.version
        events = put(inventory, step)
        for event in events:
            replay.apply(event)
        assert inventory.version == before + bool(events)
        assert put(inventory, step) == []  # the same document again says nothing new
        assert replay.picture() == inventory.hosts
        assert replay.versions == inventory.versions
        assert replay.settings == inventory.settings


@given(
    st.lists(lives, unique_by=lambda live: live.host), st.lists(versions, unique_by=lambda one: one.version), st.data()
)
def test_the_end_does_not_depend_on_the_order_of_different_documents(
    hosts: list[LiveHost], manifests: list[object], data: st.DataObject
):
    documents = [*hosts, *manifests]
    one, other = Inventory(), Inventory()
    for step in documents:
        put(one, step)
    for step in data.draw(st.permutations(documents)):
        put(other, step)
    assert one.hosts == other.hosts
    assert one.versions == other.versions
    assert one.version == other.version == len(documents)


def test_a_new_incarnation_is_the_end_of_the_old_one():
    inventory = Inventory()
    inventory.put_host(host("a", 1, instance("x"), instance("y")))
    assert inventory.put_host(host("a", 2, instance("y"))) == [
        HostDown("a", 1),
        HostUp(host("a", 2)),
        InstanceUp("a", instance("y")),
    ]


def test_instances_come_and_go_while_their_host_stays():
    inventory = Inventory()
    inventory.put_host(host("a", 1, instance("x"), instance("y")))
    assert inventory.put_host(host("a", 1, instance("z"), instance("y"))) == [
        InstanceDown("a", "x"),
        InstanceUp("a", instance("z")),
    ]


def test_an_instance_with_other_slots_goes_and_comes():
    inventory = Inventory()
    inventory.put_host(host("a", 1, instance("x", slots=8)))
    assert inventory.put_host(host("a", 1, instance("x", slots=9))) == [
        InstanceDown("a", "x"),
        InstanceUp("a", instance("x", slots=9)),
    ]


def test_the_order_of_instances_in_a_document_means_nothing():
    inventory = Inventory()
    inventory.put_host(host("a", 1, instance("x"), instance("y")))
    assert inventory.put_host(host("a", 1, instance("y"), instance("x"))) == []


def test_dropping_an_unknown_host_is_no_event():
    assert Inventory().drop_host("a") == []


def test_a_replaced_manifest_is_seen_again():
    inventory = Inventory()
    first = package_version("/service/customer", "1.0", [FeatureSpec("/service/customer/get", "A", "B")], b"")
    second = package_version("/service/customer", "1.0", [FeatureSpec("/service/customer/get", "A", "C")], b"")
    assert inventory.put_version(first) == [VersionSeen(first)]
    assert inventory.put_version(second) == [VersionSeen(second)]
    registered = replace(second, created=12)
    assert inventory.put_version(registered) == [VersionSeen(registered)]
