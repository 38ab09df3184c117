"""Control documents: what is written can be read, and what is wrong with one is said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_core.control.epoch import EPOCH_CHANGES, Change, Epoch, encode_epoch, parse_epoch
from h2o_core.control.hosts import GRACE_S, HostControl, HostState, encode_host_control, parse_host_control
from h2o_core.control.settings import FleetSettings, encode_settings, parse_settings
from h2o_core.control.traffic import MOST_KEYS, WHOLE, MatchRule, Traffic, encode_traffic, parse_traffic
from h2o_core.documents import InvalidDocument

TRAFFIC = Traffic(
    package="/service/customer",
    stable="1.4.2",
    weights=(("1.4.2", 9_000), ("2.0.0", 1_000)),
    rules=(MatchRule("2.0.0", ("/api/*",), {"x-canary": "yes"}, ("42",)),),
    owner="ann",
)
CONTROL = HostControl("host-1", HostState.DRAIN, "ann", "new memory", 1_700_000_000, 1_700_014_400)


def read_traffic(**changes: Any) -> Traffic:
    document = json.loads(encode_traffic(TRAFFIC)) | changes
    return parse_traffic("/h2o/test/control/traffic/service.customer", json.dumps(document).encode())


def read_rule(**changes: Any) -> Traffic:
    return read_traffic(rules=[{"version": "2.0.0", "callers": [], "headers": {}, "keys": []} | changes])


def weights(*pairs: tuple[str, int]) -> list[dict[str, object]]:
    return [{"version": version, "parts": parts} for version, parts in pairs]


def test_the_epoch_keeps_its_last_changes():
    changes = tuple(Change(number, ("control/fleet",)) for number in range(1, 101))
    epoch = parse_epoch("control/epoch", encode_epoch(Epoch(100, "c", changes)))
    assert epoch.changes == changes[-EPOCH_CHANGES:]


def test_settings_name_what_they_can_be():
    document = json.loads(encode_settings(FleetSettings())) | {"new_versions": "all"}
    with pytest.raises(InvalidDocument, match="hold or share"):
        parse_settings("control/fleet", json.dumps(document).encode())


BAD_TRAFFIC: dict[str, tuple[dict[str, object], str]] = {
    "another package's": ({"package": "service.email"}, "it says that it is of service.email"),
    "a feature's": ({"package": "service.customer.retrieve"}, "is a feature, not a package"),
    "weights of 9,999": ({"weights": weights(("1.4.2", 9_999))}, r"sum to 9999, not to 10000 \(100 %\)"),
    "weights of 10,001": ({"weights": weights(("1.4.2", 5_001), ("2.0.0", 5_000))}, "sum to 10001"),
    "no weights": ({"weights": []}, "sum to 0"),
    "a weight below 0": ({"weights": weights(("1.4.2", 10_001), ("2.0.0", -1))}, "parts is 10001, not a whole number"),
    "half a part": ({"weights": [{"version": "1.4.2", "parts": 0.5}]}, "parts is 0.5"),
    "a version twice": ({"weights": weights(("1.4.2", 5_000), ("1.4.2", 5_000))}, "of the same version"),
    "a version that is a path": ({"weights": weights(("../1", 10_000))}, "is not a version"),
    "17 versions": ({"weights": weights(*((str(at), 0) for at in range(17)))}, "17 entries, at most 16"),
    "stable without a weight": ({"stable": "9.0"}, "stable is 9.0, which has no weight; name it"),
    "33 rules": ({"rules": [{}] * 33}, "33 entries, at most 32"),
    "no salt": ({"salt": ""}, "salt"),
    "a salt that looks like two": ({"salt": "a|b"}, "salt"),
    "an experiment that looks like two": ({"experiment": "a|b"}, "experiment"),
    "an experiment that is a number": ({"experiment": 0}, "experiment"),
    "a review beyond all time": ({"review": 1e13}, "review is 1e.13; a Unix time in seconds is needed, or 0"),
}


@pytest.mark.parametrize(("changes", "says"), BAD_TRAFFIC.values(), ids=BAD_TRAFFIC.keys())
def test_bad_traffic(changes: dict[str, object], says: str):
    with pytest.raises(InvalidDocument, match=says):
        read_traffic(**changes)


BAD_RULES: dict[str, tuple[dict[str, object], str]] = {
    "nothing to match": ({}, "rules 1: it has nothing to match: name callers, headers or keys"),
    "no version": ({"version": None, "keys": ["1"]}, "version is missing"),
    "a caller that is no package": ({"callers": ["customer"]}, "'customer'; name a package, /tier/service, a glob"),
    "65 callers": ({"callers": ["/api/*"] * 65}, "at most 64"),
    "a header in capitals": ({"headers": {"X-Canary": "1"}}, "'X-Canary'; a name is of lower-case letters"),
    "a header's value that is a number": ({"headers": {"x": 1}}, "x is 1, not a printable text"),
    "nine headers": ({"headers": {f"h{at}": "" for at in range(9)}}, "at most 8"),
    "an empty key": ({"keys": [""]}, "not a printable text"),
    "too many keys": ({"keys": ["k"] * (MOST_KEYS + 1)}, "1001 entries, at most 1000"),
}


@pytest.mark.parametrize(("changes", "says"), BAD_RULES.values(), ids=BAD_RULES.keys())
def test_a_bad_rule(changes: dict[str, object], says: str):
    with pytest.raises(InvalidDocument, match=says):
        read_rule(**changes)


def test_a_rule_may_name_a_version_without_weight():
    assert read_rule(version="3.0.0", keys=["1"]).rules[0].version == "3.0.0"


def test_what_could_not_be_read_is_not_written():
    with pytest.raises(InvalidDocument, match="sum to 9000"):
        encode_traffic(replace(TRAFFIC, weights=(("1.4.2", 9_000),)))
    with pytest.raises(InvalidDocument, match="until is not after since"):
        encode_host_control(replace(CONTROL, until_s=CONTROL.since_s))


def test_a_document_beyond_its_cap_is_not_written():
    keys = tuple("k" * 1000 + str(at) for at in range(200))
    with pytest.raises(InvalidDocument, match="more than the 131,072"):
        encode_traffic(replace(TRAFFIC, rules=(MatchRule("2.0.0", keys=keys),)))


def test_weights_by_version():
    assert [TRAFFIC.weight(version) for version in ("1.4.2", "2.0.0", "9.0")] == [9_000, 1_000, 0]


@given(st.permutations(["1.0", "2.0", "3.0", "4.0"]), st.integers(0, WHOLE))
def test_the_order_of_the_weights_comes_back(versions: list[str], parts: int):
    pairs = ((versions[0], parts), (versions[1], WHOLE - parts), (versions[2], 0), (versions[3], 0))
    traffic = replace(TRAFFIC, stable=versions[2], weights=pairs)
    assert parse_traffic("control/traffic/service.customer", encode_traffic(traffic)).weights == pairs


BAD_CONTROL: dict[str, tuple[dict[str, object], str]] = {
    "another host's": ({"host": "host-2"}, "of host 'host-2'"),
    "another state": ({"state": "gone"}, "state is 'gone'; it is drain or avoid"),
    "nobody's": ({"owner": ""}, "owner"),
    "an end before its beginning": ({"until": 1}, "until is not after since; 0 is for no end"),
    "never": ({"since": 1e300}, "since"),
    "a grace in words": ({"grace": "5m"}, "grace is '5m', not a number from 0"),
    "a grace below 0": ({"grace": -1}, "grace is -1, not a number from 0"),
    "a grace of more than a day": ({"grace": 86_401}, "grace is 86401 s; at most 86,400 s"),
}


@pytest.mark.parametrize(("changes", "says"), BAD_CONTROL.values(), ids=BAD_CONTROL.keys())
def test_a_bad_host_control(changes: dict[str, object], says: str):
    document = json.loads(encode_host_control(CONTROL)) | changes
    with pytest.raises(InvalidDocument, match=says):
        parse_host_control("control/hosts/host-1", json.dumps(document).encode())


def test_a_drain_may_have_no_end():
    control = replace(CONTROL, until_s=0)
    assert parse_host_control("control/hosts/host-1", encode_host_control(control)) == control


@pytest.mark.parametrize("grace_s", [0.0, 0.5, GRACE_S, 86_400.0])
def test_the_grace_comes_back(grace_s: float):
    control = replace(CONTROL, grace_s=grace_s)
    assert parse_host_control("control/hosts/host-1", encode_host_control(control)) == control


def test_a_document_of_before_there_was_a_grace_has_the_usual_one():
    document = json.loads(encode_host_control(replace(CONTROL, grace_s=1)))
    del document["grace"]
    assert parse_host_control("control/hosts/host-1", json.dumps(document).encode()).grace_s == GRACE_S
