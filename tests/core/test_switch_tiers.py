"""The tier rules at the origin: who may not call is refused before anything is chosen, or let pass and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.register.decisions import Decisions
from h2o_broker.report import Identity, broker_report
from h2o_broker.roster import Roster
from h2o_broker.routing import SETTLING_NS
from h2o_broker.switch import Switch
from h2o_core.control.settings import TierRule
from h2o_core.envelope import ANSWER, REQUEST, decode, encode, types_hash
from h2o_core.errors import Code, Executed
from h2o_core.names import tier_breach
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.stats_pb2 import RegisterReport
from h2o_core.times import Moment
from h2o_core.znodes.packages import FeatureSpec, package_version
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from h2o_core.envelope import Frame

TYPES = types_hash("t.Request", "t.Reply")
NOW = SETTLING_NS * 2
PACKAGES = ("/api/web", "/orchestration/signup", "/service/customer")


class Host:
    """One instance of a package of each tier; their routing ids are their names."""

    def __init__(self) -> None:
        self.switch = Switch("host-1", 5, lambda: 0.0)
        self.roster = Roster(self.switch, "a", "t")
        for package in PACKAGES:
            spec = package_version(package, "1.0", [FeatureSpec(f"{package}/do", "t.Request", "t.Reply")], b"")
            self.roster.pool_of(spec).order["1.0"] = 1
            self.roster.admit(package.encode(), 1, package[1:], spec, Admission(1, 1, "", 0.0), NOW)
        self.switch.take()
        self.serial = 0

    def ask(self, caller: str, package: str, feature: str = "do") -> Frame:
        """What is sent for it: the request to its instance, or the answer to who asked."""
        self.serial += 1
        name = f"{package}/{feature}".encode()
        frame = encode(REQUEST, correlation=self.serial, remaining_ms=1000, types=TYPES, name=name)
        self.switch.on_local(caller.encode(), frame, NOW)
        ((_, rid, sent),) = self.switch.take()
        back = decode(sent)
        assert rid == (caller if back.type == ANSWER else package).encode()
        return back

    def breaches(self) -> dict[tuple[str, str, str], int]:
        links = Links(self.switch, "a", "t", "k" * 40)
        identity = Identity("host-1", "a", "t", "127.0.0.1:1", 5, 1, 0.0, {})
        decisions, moment = Decisions(Paths("t")), Moment(NOW, 0.0)
        report = broker_report(
            identity, self.switch, links, RegisterReport(), 1, decisions, {}, "", lambda _: 0, moment
        )
        return {(one.caller, one.version, one.feature): one.breaches for one in report.callers if one.breaches}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("caller", [*PACKAGES, "somebody"])
def test_who_may_not_call_is_refused_with_the_rule(caller: str, package: str):
    host = Host()
    breach = tier_breach(caller if caller in PACKAGES else "operator", package)
    back = host.ask(caller, package)
    assert back.type == (ANSWER if breach else REQUEST)
    if breach:
        failure = Failure.FromString(back.payload)
        assert (back.code, failure.message) == (Code.FORBIDDEN, breach)
        assert back.flags & 3 == Executed.NO
        assert "api → orchestration, service" in failure.hint
        assert host.switch.requests == {}
    assert host.breaches() == ({(caller, "1.0", f"{package}/do"): 1} if breach else {})


def test_while_migrating_it_is_let_pass_and_counted():
    host = Host()
    host.switch.origin.tiers = TierRule.WARN
    back = host.ask("/service/customer", "/orchestration/signup")
    assert back.type == REQUEST
    host.switch.on_local(b"/orchestration/signup", encode(ANSWER, correlation=back.correlation, flags=2), NOW)
    host.switch.take()
    host.switch.origin.tiers = TierRule.ENFORCE
    assert host.ask("/service/customer", "/orchestration/signup").code == Code.FORBIDDEN
    assert host.breaches() == {("/service/customer", "1.0", "/orchestration/signup/do"): 2}


def test_two_instances_of_a_version_are_one_caller():
    host = Host()
    spec = host.switch.pools["/service/customer"].local["1.0"].spec
    host.roster.admit(b"second", 1, "second", spec, Admission(1, 1, "", 0.0), NOW)
    host.switch.take()
    for caller in ("/service/customer", "second"):
        assert host.ask(caller, "/api/web").code == Code.FORBIDDEN
    assert host.breaches() == {("/service/customer", "1.0", "/api/web/do"): 2}


def test_names_that_nobody_registered_are_not_counted():
    host = Host()
    assert host.ask("/service/customer", "/service/customer", "nothing").code == Code.NOT_FOUND
    assert host.breaches() == {}
