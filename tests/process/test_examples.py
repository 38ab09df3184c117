"""The README's package and the example packages, each as a real process at a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.messages.customer_pb2 import Customer, CustomerId, Deleted, EmailAddress, NewCustomer
from examples.messages.geo_pb2 import Place, Position
from examples.messages.payment_pb2 import Charge, Charged
from examples.messages.profile_pb2 import Profile
from examples.messages.registration_pb2 import Registered, Registration
from h2o_service import ApplicationError, Client, Code, H2OError
from tests.support.broker import BOUND_S, BrokerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ADA = Registration(name="Ada", email="ada@example.net", locale="en-GB")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as broker:
        yield broker


class Running:
    """Programs at one broker, ended with the test."""

    def __init__(self, broker: BrokerProcess) -> None:
        self._environ = {
            **os.environ,
            "H2O_BROKER": str(broker.run_dir),
            "CUSTOMER_DB": str(broker.directory / "customer.db"),
            "EMAIL_OUTBOX": str(broker.directory / "outbox.jsonl"),
            "PYTHONPATH": str(ROOT),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, output: int | None = None) -> subprocess.Popen[bytes]:
        argv = [sys.executable, *arguments]
        process = subprocess.Popen(argv, env=self._environ, stdout=output, start_new_session=True)
        self._processes.append(process)
        return process

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            assert process.wait(BOUND_S) == 0, f"{process.args} left with {process.returncode}"


async def _until_served(client: Client, feature: str, request: CustomerId) -> Customer:
    """The first reply after the instance has registered."""
    deadline_s = time.monotonic() + BOUND_S
    while True:
        try:
            return await client.call(feature, request, Customer)
        except H2OError as error:
            if error.code not in {Code.NO_ROUTE, Code.UNAVAILABLE} or time.monotonic() > deadline_s:
                raise
            await asyncio.sleep(0.05)


async def test_the_readmes_package_runs_as_it_is_printed(broker: BrokerProcess, tmp_path: Path) -> None:
    snippet = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert snippet
    assert len([line for line in snippet[1].splitlines() if line]) <= 10, "more than the README promises"
    program = tmp_path / "readme_package.py"
    program.write_text(snippet[1])
    with Running(broker) as running:
        running.start(str(program))
        async with Client(broker.endpoint) as client:
            customer = await _until_served(client, "/service/customer/retrieve", CustomerId(id=42))
            assert customer.name == "Ada"
            with pytest.raises(ApplicationError) as caught:
                await client.call("/service/customer/retrieve", CustomerId(id=1), Customer)
            assert caught.value.application_code == "not_found"


MODULES = (
    "api_customer",
    "orchestration_registration",
    "service_customer",
    "service_email",
    "service_geo",
    "service_payment",
)


async def test_the_examples_do_what_they_say(broker: BrokerProcess) -> None:
    with Running(broker) as running:
        for module in MODULES:
            running.start("-m", f"examples.{module}")
        async with Client(broker.endpoint) as client:
            registered = await _registered(client)
            customer = registered.customer
            assert registered.confirmation in (broker.directory / "outbox.jsonl").read_text()
            await _crud(client, customer)
            profile = await client.call("/api/customer/profile", CustomerId(id=customer.id), Profile)
            assert profile.position.city == "Madrid"
            with pytest.raises(ApplicationError) as caught:
                await client.call("/service/geo/locate", Place(locale="tlh"), Position)
            assert caught.value.application_code == "unknown_locale"
            assert await _payments(client, customer.id) == {"OK", "card_refused", "INTERNAL"}


async def _registered(client: Client) -> Registered:
    """The first registration that gets all the way through."""
    deadline_s = time.monotonic() + BOUND_S
    while True:
        try:
            return await client.call("/api/customer/register", ADA, Registered)
        except H2OError:
            if time.monotonic() > deadline_s:
                raise
            await asyncio.sleep(0.1)


async def _crud(client: Client, customer: Customer) -> None:
    moved = Customer(id=customer.id, name=customer.name, email=customer.email, locale="es-ES")
    assert await client.call("/service/customer/update", moved, Customer) == moved
    assert await client.call("/service/customer/find", EmailAddress(email=ADA.email), Customer) == moved
    new = NewCustomer(name="Bob", email="bob@example.net", locale="de-DE")
    bob = await client.call("/service/customer/create", new, Customer)
    assert await client.call("/service/customer/delete", CustomerId(id=bob.id), Deleted) == Deleted(id=bob.id)
    with pytest.raises(ApplicationError) as caught:
        await client.call("/service/customer/retrieve", CustomerId(id=bob.id), Customer)
    assert caught.value.application_code == "not_found"
    with pytest.raises(ApplicationError) as caught:
        await client.call("/service/customer/create", NewCustomer(name="Eve", email="eve"), Customer)
    assert caught.value.application_code == "invalid_email"


async def _payments(client: Client, customer_id: int) -> set[str]:
    """Every outcome of 400 payments, as many at a time as there are slots; each has a chance of 3 % or more."""
    charge = Charge(customer_id=customer_id, cents=100)
    seen: set[str] = set()
    for _ in range(10):
        calls = [client.call("/api/customer/pay", charge, Charged, timeout_s=5) for _ in range(40)]
        for ended in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(ended, ApplicationError):
                seen.add(ended.application_code)
            else:
                seen.add(ended.code.name if isinstance(ended, H2OError) else "OK")
    return seen


async def test_traffic_counts_one_end_for_each_request(broker: BrokerProcess) -> None:
    """With nobody there to serve: all end, and clearly."""
    with Running(broker) as running:
        traffic = running.start("-m", "examples.traffic", "--rate", "100", "--seconds", "0.5", output=subprocess.PIPE)
        printed, _ = await asyncio.to_thread(traffic.communicate, timeout=BOUND_S)
    summary = json.loads(printed)
    assert summary["sent"] > 10
    assert summary["outcomes"].keys() <= {"UNAVAILABLE", "NO_ROUTE"}, (
        "the broker has only just started, or nobody serves"
    )
    assert sum(summary["outcomes"].values()) == summary["sent"]
