"""A real broker and raw links: an instance that fails everything is ejected, and back when it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code
from h2o_core.pb.registration_pb2 import Check, Heartbeat
from tests.support.broker import BrokerProcess, RawLink, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Instance(RawLink):
    """Answers whatever has come, in one way."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.code = Code.OK
        self.served = 0

    def serve(self) -> None:
        while (request := self.wait(wire.REQUEST, within_s=0)) is not None:
            self.served += 1
            self.send(wire.ANSWER, correlation=request.correlation, flags=2, code=self.code)


class Trio:
    """Three instances of one version, and a client of theirs."""

    def __init__(self, endpoint: str) -> None:
        self.client = RawLink(endpoint)
        self.instances = [Instance(endpoint) for _ in range(3)]
        self.ids = [one.registered() for one in self.instances]

    def close(self) -> None:
        for link in (self.client, *self.instances):
            link.close()

    def call(self, instance: str = "") -> Code:
        """One request, served by whoever gets it, or by *instance*: who fails is hardly chosen for its load alone."""
        asked = self.client.ask(route=wire.encode_wish(wire.RouteWish(instance=instance)))
        answers: list[wire.Frame] = []

        def answered() -> bool:
            for one in self.instances:
                one.serve()
            frame = self.client.wait(wire.ANSWER, within_s=0, correlation=asked)
            answers.extend([frame] if frame is not None else [])
            return bool(answers)

        eventually(answered, "an answer")
        return Code(answers[0].code)

    def verdict(self, at: int) -> str:
        (report,) = [one for one in self.client.report().instances if one.instance == self.ids[at]]
        return report.verdict

    def routable(self) -> list[bool]:
        told = {one.instance: one for host in self.client.picture().hosts for one in host.instances}
        return [told[instance].routable for instance in self.ids]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    directory: Path = tmp_path_factory.mktemp("b")
    with BrokerProcess(directory, options=("--ejected-for", "0.5")) as process:
        yield process


@pytest.fixture
def trio(broker: BrokerProcess) -> Iterator[Trio]:
    made = Trio(broker.endpoint)
    yield made
    made.close()
    with RawLink(broker.endpoint) as link:
        eventually(lambda: not link.report().instances, "the broker notices that they are gone")


def test_who_fails_everything_is_ejected_and_back_after_it_is_mended(trio: Trio) -> None:
    sick = trio.instances[0]
    sick.code = Code.INTERNAL
    assert {trio.call(trio.ids[0]) for _ in range(5)} == {Code.INTERNAL}
    assert trio.verdict(0) == "ejected"
    assert trio.routable() == [False, True, True]
    served = sick.served
    assert {trio.call() for _ in range(20)} == {Code.OK}
    assert sick.served <= served + 1, "not one request but the probe"
    sick.code = Code.OK
    eventually(lambda: trio.call() is Code.OK and trio.verdict(0) == "ok", "a probe has shown that it is well")
    assert trio.routable() == [True, True, True]


def test_who_says_of_itself_that_it_is_unwell_gets_nothing_until_it_says_otherwise(trio: Trio) -> None:
    check = Check(name="store", status=Check.FAIL, severity=Check.PAGE, output="no disk")
    for _ in range(2):
        trio.instances[0].send(wire.HEARTBEAT, payload=Heartbeat(checks=[check]).SerializeToString())
    eventually(lambda: trio.verdict(0) == "check failing", "its verdict says so")
    assert trio.routable() == [False, True, True]
    assert {trio.call() for _ in range(20)} == {Code.OK}
    assert not trio.instances[0].served
    trio.instances[0].send(wire.HEARTBEAT, payload=Heartbeat().SerializeToString())
    eventually(lambda: trio.routable() == [True, True, True], "it is back")
