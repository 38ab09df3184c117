"""What `h2o why` is told: the same as what happens, with everybody who was considered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from h2o_broker.explain import explain
from h2o_broker.ration import Ration
from h2o_broker.routing import SHOWN_A_SECOND
from h2o_broker.samples import MOST, Samples
from h2o_core.control.hosts import HostControl, HostState
from h2o_core.control.settings import TierRule
from h2o_core.control.traffic import MatchRule, Traffic
from h2o_core.envelope import TAG_ASSIGNMENT, TAG_REQUEST_ID, TAG_STICKY_KEY, RouteWish
from h2o_core.pb.explain_pb2 import Question
from tests.support.switches import FEATURE, NOW, PACKAGE, Broker, decide_host, decide_traffic

if TYPE_CHECKING:
    from h2o_core.pb.explain_pb2 import Considered, Explanation

SPLIT = Traffic(PACKAGE, stable="1.0.0", weights=(("1.0.0", 7_000), ("2.0.0", 3_000)))


def fleet(traffic: Traffic | None = None) -> Broker:
    broker = Broker()
    broker.here("a1", "1.0.0")
    broker.there("host-2", "b1", "1.0.0")
    broker.there("host-3", "c2", "2.0.0")
    decide_traffic(broker.switch, PACKAGE, traffic, NOW)
    return broker


def told(broker: Broker, **question: Any) -> Explanation:
    asked = Question(feature=question.pop("feature", FEATURE), **question)
    return explain(broker.switch, asked, "a", NOW)


def by_id(explanation: Explanation) -> dict[str, Considered]:
    return {one.instance: one for one in explanation.candidates}


def test_without_a_decision_the_first_version_takes_all_and_the_new_one_is_told_so() -> None:
    answer = told(fleet())
    assert (answer.how, answer.version, answer.code) == ("hold", "1.0.0", "")
    considered = by_id(answer)
    assert {name for name, one in considered.items() if one.eligible} == {"a1", "b1"}
    assert "1.0.0 was registered first" in considered["c2"].why
    assert (considered["a1"].place, considered["b1"].host) == ("host", "host-2")
    assert sum(one.chance for one in answer.candidates) == pytest.approx(1.0)


def test_without_a_key_the_chances_are_those_of_the_weights() -> None:
    answer = told(fleet(SPLIT))
    assert (answer.how, answer.version, answer.bucket) == ("random", "", -1)
    assert {one.version: (one.weight, round(one.chance, 6)) for one in answer.versions} == {
        "1.0.0": (7_000, 0.7),
        "2.0.0": (3_000, 0.3),
    }


def test_with_a_key_it_says_what_happens_to_that_key() -> None:
    broker = fleet(SPLIT)
    for number in range(40):
        key = f"customer-{number}"
        answer = told(broker, sticky_key=key)
        assert answer.how == "sticky"
        assert (answer.bucket < 3_000) is (answer.version == "2.0.0")
        served = broker.serves({TAG_STICKY_KEY: key.encode()})
        assert by_id(answer)[served].version == answer.version
        assert all(one.eligible is (one.version == answer.version) for one in answer.candidates)


@pytest.mark.parametrize("key", ["", "customer-7"])
def test_where_the_stable_version_has_all_weight_nothing_is_drawn(key: str) -> None:
    answer = told(fleet(Traffic(PACKAGE, "1.0.0", (("1.0.0", 10_000), ("2.0.0", 0)))), sticky_key=key)
    assert (answer.how, answer.version, answer.bucket) == ("whole", "1.0.0", -1)


def test_the_chances_are_what_happens() -> None:
    broker = fleet(SPLIT)
    chances = {name: one.chance for name, one in by_id(told(broker)).items()}
    rounds = 4_000
    seen = Counter(broker.serves() for _ in range(rounds))
    for name, chance in chances.items():
        assert seen[name] / rounds == pytest.approx(chance, abs=0.04)


def test_a_rule_is_named_and_caller_and_headers_are_looked_at() -> None:
    rules = (
        MatchRule("2.0.0", headers={"beta": "yes"}),
        MatchRule("2.0.0", callers=("/orchestration/*",)),
    )
    broker = fleet(Traffic(PACKAGE, "1.0.0", (("1.0.0", 10_000),), rules=rules))
    assert told(broker).version == ""
    header = told(broker, headers={"beta": "yes"})
    assert (header.how, header.rule, header.version) == ("rule", 0, "2.0.0")
    caller = told(broker, caller="/orchestration/booking")
    assert (caller.how, caller.rule, caller.version) == ("rule", 1, "2.0.0")


def test_a_version_without_instances_is_told_as_broken() -> None:
    rules = (MatchRule("3.0.0", keys=("42",)),)
    answer = told(fleet(Traffic(PACKAGE, "1.0.0", (("1.0.0", 10_000),), rules=rules)), sticky_key="42")
    assert (answer.how, answer.version, answer.broken) == ("fallback", "1.0.0", True)


def test_who_is_kept_out_and_why() -> None:
    broker = fleet()
    drain = HostControl("host-2", HostState.DRAIN, owner="ada", reason="disk")
    decide_host(broker.switch, "host-2", drain, NOW)
    considered = by_id(told(broker))
    assert not considered["b1"].eligible
    assert "drained by ada: disk" in considered["b1"].why
    assert considered["a1"].chance == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("question", "code", "says"),
    [
        ({"feature": "/service/customer/nothing"}, "NOT_FOUND", "no feature of that name"),
        ({"feature": "/service/nothing/get"}, "NO_ROUTE", "ever registered"),
        ({"caller": "/service/geo"}, "FORBIDDEN", "may not call"),
    ],
)
def test_what_goes_nowhere_is_told_as_its_caller_would_be(question: dict[str, str], code: str, says: str) -> None:
    answer = told(fleet(), **question)
    assert answer.code == code
    assert says in answer.sentence


def test_a_tier_rule_that_only_warns_is_a_warning() -> None:
    broker = fleet()
    broker.switch.origin.tiers = TierRule.WARN
    answer = told(broker, caller="/service/geo")
    assert answer.code == ""
    assert "may not call" in answer.warning


def test_nobody_left_is_no_route() -> None:
    answer = told(Broker())
    assert answer.code == "NO_ROUTE"


def test_a_request_that_was_sampled_is_found_by_the_beginning_of_its_id() -> None:
    broker = fleet(SPLIT)
    samples = Samples(broker.switch, "a", lambda: 12)
    served = broker.serves({TAG_REQUEST_ID: bytes(range(16)), TAG_STICKY_KEY: b"42"})
    found = samples.find("000102")
    assert found is not None
    answer, at_ns = found
    assert (answer.chosen, answer.sticky_key, answer.epoch, at_ns) == (served, "42", 12, NOW)
    assert by_id(answer)[served].eligible
    assert samples.find("ff") is None


def test_only_some_are_sampled_and_only_so_many_kept() -> None:
    broker = fleet()
    samples = Samples(broker.switch, "a", lambda: 0)
    for serial in range(SHOWN_A_SECOND + 1):
        broker.serves({TAG_REQUEST_ID: bytes((0xF0 + serial,)) * 16})
    assert samples.find("f0") is not None
    assert samples.find(f"{0xF0 + SHOWN_A_SECOND:x}") is None, "the next one's turn is a second after the first"
    for serial in range(MOST + 1):
        samples.take(*routed(broker, serial))
    assert samples.find("f0") is None
    assert samples.find(f"{MOST:032x}") is not None


def routed(broker: Broker, serial: int) -> Any:
    """The arguments that a sampled request comes with."""
    shown: list[Any] = []

    def on_routed(*seen: Any) -> None:
        shown.append(seen)

    broker.switch.origin.routing.on_routed = on_routed
    broker.switch.origin.routing._of_operators = Ration(1)
    broker.serves({TAG_REQUEST_ID: serial.to_bytes(16, "big")})
    return shown[0]


def test_a_sampled_request_that_carried_its_version_is_told_so() -> None:
    broker = fleet(SPLIT)
    samples = Samples(broker.switch, "a", lambda: 0)
    # a key that the weights would give to the other version
    key = next(str(at).encode() for at in range(99) if told(broker, sticky_key=str(at)).version == "1.0.0")
    fields = {TAG_REQUEST_ID: b"\5" * 16, TAG_STICKY_KEY: key, TAG_ASSIGNMENT: b"service.customer=2.0.0"}
    assert broker.serves(fields) == "c2"
    found = samples.find("05")
    assert found is not None
    answer = found[0]
    assert (answer.how, answer.version, answer.chosen, answer.bucket) == ("carried", "2.0.0", "c2", -1)
    assert by_id(answer)["c2"].chance == pytest.approx(1.0)


def test_an_operator_s_wish_is_told_as_such() -> None:
    broker = fleet()
    samples = Samples(broker.switch, "a", lambda: 0)
    broker.serves({TAG_REQUEST_ID: b"\7" * 16}, RouteWish(version="2.0.0"))
    found = samples.find("07")
    assert found is not None
    assert (found[0].how, found[0].version, found[0].chosen, found[0].code) == ("wish", "2.0.0", "c2", "")


def test_a_second_attempt_is_explained_without_the_host_that_refused_it() -> None:
    broker = fleet()
    samples = Samples(broker.switch, "a", lambda: 0)
    broker.switch.destination.drained = True  # and the origin does not know it yet: its own host refuses
    for serial in range(1, 10):
        broker.serves({TAG_REQUEST_ID: bytes((serial,)) * 16})
    again = [one for serial in range(1, 10) if (one := samples.find(f"{serial:02x}" * 16)) and one[0].attempt]
    assert again, "one of them was for host-1 first"
    answer = again[0][0]
    considered = by_id(answer)
    refused = considered["a1"]
    assert (refused.eligible, refused.chance, refused.why) == (False, 0.0, "its host has refused this request already")
    assert (answer.chosen, considered["b1"].chance) == ("b1", pytest.approx(1.0))
    assert sum(one.chance for one in answer.versions) == pytest.approx(1.0)
