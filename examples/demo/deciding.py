"""What the tour decides: a weight, a drain, and their undoing; each is looked at where requests really go."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from examples.demo.command_line import Unmet, within
from examples.messages.customer_pb2 import Customer, CustomerId
from h2o_service import Client

if TYPE_CHECKING:
    from pathlib import Path

    from examples.demo.command_line import CommandLine, Ran

PACKAGE: Final = "service/customer"
FEATURE: Final = f"{PACKAGE}/retrieve"
_CALLS: Final = 600
_TOLERANCE: Final = 0.08
"""Of 600 calls without a key a share lies within 0.054 of its weight, 999 times of 1,000."""
_BOUND_S: Final = 10.0


class Decisions:
    """An operator with `h2o`, and a client on one host to see what comes of it."""

    def __init__(self, h2o: CommandLine, run_dir: Path, customer_id: int) -> None:
        """*run_dir*: that of the client's host; *customer_id*: of a customer that there is."""
        self._h2o = h2o
        self._endpoint = f"unix:{run_dir}/broker.sock"
        self._customer = CustomerId(id=customer_id)

    def shift(self, version: str, percent: int) -> tuple[Ran, float]:
        """Give *version* so much; returns the command and the share that it got of real calls. Raises Unmet."""
        ran = self._decide("weight", PACKAGE, f"{version}={percent}%")
        before = self._served("version")
        asyncio.run(self._call())
        within(_BOUND_S, "statistics of those calls", lambda: (self._served("version") - before).total() >= _CALLS)
        after = self._served("version") - before
        share = after[version] / after.total()
        if abs(share - percent / 100) > _TOLERANCE:
            msg = f"{version} got {share:.1%} of {after.total()} requests, not {percent} %"
            raise Unmet(msg)
        return ran, share

    def drain(self, host: str) -> tuple[Ran, int]:
        """Until it could be switched off; returns the command and how many requests others served then."""
        ran = self._decide("drain", host)
        before = self._served("host")
        asyncio.run(self._call())
        within(_BOUND_S, "statistics of those calls", lambda: (self._served("host") - before).total() >= _CALLS)
        after = self._served("host") - before
        if after[host]:
            msg = f"{host} is drained, and has served {after[host]} requests since"
            raise Unmet(msg)
        return ran, after.total()

    def undo(self) -> Ran:
        """Take the last decision back; raises Unmet."""
        return self._decide("undo")

    def shares(self) -> dict[str, Any]:
        """Version → its share as it is decided."""
        return {one["version"]: one["now"] for one in self._h2o.json("weight", PACKAGE)["weights"]}

    def _decide(self, *arguments: str) -> Ran:
        ran = self._h2o.run(*arguments, "--reason", "the tour", "--yes")
        if ran.code:
            msg = f"`{ran.typed}` left with {ran.code}: {ran.err}"
            raise Unmet(msg)
        return ran

    def _served(self, what: str) -> Counter[str]:
        """Requests that instances of the package have had, by *what*: their version or host."""
        counted: Counter[str] = Counter()
        for instance in self._h2o.json("stats", FEATURE)["instances"]:
            counted[instance[what]] += sum(endpoint["num_requests"] for endpoint in instance["endpoints"])
        return counted

    async def _call(self) -> None:
        async with Client(self._endpoint, program="tour", connect_timeout_s=_BOUND_S) as client:
            for _ in range(_CALLS // 50):
                await asyncio.gather(*(client.call(f"/{FEATURE}", self._customer, Customer) for _ in range(50)))
