"""A version of which every request fails is left by `h2o rollback` and `h2o weight` without force."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.dev.plan import HostPlan
from h2o_core.errors import H2OError
from h2o_core.io.client import Client
from tests.support.fleet import ECHO, running
from tests.system.test_cli_fleet import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.dev.fleet import Fleet

ALL_TO_IT = ("2.0.0=100%", "--stable", "1.0.0")
BROKEN = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0", "ECHO_FAILS": "100"})


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO, BROKEN)), HostPlan("host-2", "a", (ECHO, BROKEN)))
    with running(tmp_path_factory.mktemp("broken"), hosts) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(fleet, capsys, monkeypatch)


def called(fleet: Fleet, many: int) -> Counter[str]:
    """How that many requests ended."""

    async def everything() -> Counter[str]:
        ended: Counter[str] = Counter()
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            for at in range(many):
                try:
                    await client.call("/service/echo/say", StringValue(value=f"say {at}"), StringValue, timeout_s=10)
                except H2OError as error:
                    ended[error.code.name] += 1
                else:
                    ended["OK"] += 1
        return ended

    return asyncio.run(everything())


@pytest.mark.parametrize("way_out", [("rollback", "service/echo"), ("weight", "service/echo", "2.0.0=0%")])
def test_it_is_left_without_force(operator: Operator, fleet: Fleet, way_out: tuple[str, ...]) -> None:
    code, _, err = operator.types("weight", "service/echo", *ALL_TO_IT, "-y", "--force", "--confirm", "service/echo")
    assert code == 0, err
    assert called(fleet, 60).keys() == {"INTERNAL"}
    code, _, err = operator.types(*way_out, "-y")
    assert code == 0, err
    assert called(fleet, 60) == {"OK": 60}
