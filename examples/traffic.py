"""Steady traffic for the demo: customers register, look at themselves and pay, at a modest rate.

    H2O_BROKER=/run/h2o python -m examples.traffic --rate 20 --seconds 60

An open loop: a slow answer does not slow the next request down. On SIGTERM or Ctrl-C it waits for what is in
flight, then prints one line of JSON: what was sent, and how each request ended. With --report 1 it prints such a line
every second until then, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

from examples.messages.customer_pb2 import CustomerId
from examples.messages.payment_pb2 import Charge, Charged
from examples.messages.profile_pb2 import Profile
from examples.messages.registration_pb2 import Registered, Registration
from h2o_service import ApplicationError, Client, H2OError

if TYPE_CHECKING:
    from collections.abc import Awaitable

_LOCALES: Final = ("en-GB", "es-ES", "de-DE")
_TIMEOUT_S: Final = 2.0
_RECENT: Final = 500


class Traffic:
    """One stream of requests through one client, and how they ended."""

    def __init__(self, client: Client, dice: random.Random) -> None:
        """*client* is open."""
        self._client = client
        self._dice = dice
        self._customers: list[int] = []
        self._serial = 0
        self.sent = 0
        self.outcomes: Counter[str] = Counter()

    async def one(self) -> None:
        """Send the next request, and count its one answer."""
        kind = self._dice.random()
        self.sent += 1
        if kind < 0.25 or not self._customers:
            await self._count(self._register())
        elif kind < 0.8:
            await self._count(self._profile())
        else:
            await self._count(self._pay())

    def summary(self, elapsed_s: float) -> dict[str, object]:
        """What was sent so far, and how it ended."""
        return {
            "sent": self.sent,
            "ended": self.outcomes.total(),
            "outcomes": dict(self.outcomes.most_common()),
            "seconds": round(elapsed_s, 1),
        }

    async def _count(self, call: Awaitable[object]) -> None:
        try:
            await call
        except ApplicationError as error:
            self.outcomes[f"APPLICATION {error.application_code}"] += 1
        except H2OError as error:
            self.outcomes[error.code.name] += 1
        else:
            self.outcomes["OK"] += 1

    async def _register(self) -> None:
        self._serial += 1
        name = f"Customer {self._serial}"
        wanted = Registration(name=name, email=f"c{self._serial}@example.net", locale=self._dice.choice(_LOCALES))
        registered = await self._client.call("/api/customer/register", wanted, Registered, timeout_s=_TIMEOUT_S)
        self._customers.append(registered.customer.id)
        del self._customers[:-_RECENT]

    async def _profile(self) -> None:
        customer = CustomerId(id=self._dice.choice(self._customers))
        await self._client.call("/api/customer/profile", customer, Profile, timeout_s=_TIMEOUT_S)

    async def _pay(self) -> None:
        charge = Charge(customer_id=self._dice.choice(self._customers), cents=self._dice.randint(100, 9900))
        await self._client.call("/api/customer/pay", charge, Charged, timeout_s=_TIMEOUT_S)


async def run(rate: float, seconds: float, seed: int | None, report_s: float = 0.0) -> dict[str, object]:
    """Send *rate* requests a second for *seconds* (0: until a signal); returns what was sent and how it ended.

    Prints the same every *report_s* (0: never).
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if seconds:
        loop.call_later(seconds, stop.set)
    async with Client(program="traffic", connect_timeout_s=30) as client:
        traffic = Traffic(client, random.Random(seed))
        started = next_at = loop.time()
        report_at = started + report_s
        async with asyncio.TaskGroup() as requests:
            while not stop.is_set():
                requests.create_task(traffic.one())
                next_at += 1 / rate
                if report_s and loop.time() >= report_at:
                    report_at += report_s
                    print(json.dumps(traffic.summary(loop.time() - started)), flush=True)
                try:
                    async with asyncio.timeout(max(0.0, next_at - loop.time())):
                        await stop.wait()
                except TimeoutError:
                    continue
        return traffic.summary(loop.time() - started)


def main() -> int:
    """Read the arguments, run, print the summary."""
    parser = argparse.ArgumentParser(description="Steady traffic through /api/customer.")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.0, help="0: until SIGTERM or Ctrl-C")
    parser.add_argument("--seed", type=int, default=None, help="the same seed sends the same requests")
    parser.add_argument("--report", type=float, default=0.0, metavar="SECONDS", help="print how it goes every so often")
    arguments = parser.parse_args()
    try:
        summary = asyncio.run(run(arguments.rate, arguments.seconds, arguments.seed, arguments.report))
    except H2OError as error:
        print(f"traffic: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
