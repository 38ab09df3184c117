"""docs/packages.md: its code is what an author copies, so it has to run."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

from examples.messages.customer_pb2 import Customer, CustomerId, NewCustomer
from h2o_service import Package

DOCUMENT = Path(__file__).parents[2] / "docs" / "packages.md"


def test_every_block_runs_and_the_package_is_whole() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {"__name__": "customer"}
    for block in blocks:
        exec(compile(block, str(DOCUMENT), "exec"), names)
    package: Package = names["package"]
    assert len(package.manifest().features) == 5
    assert list(package.checks) == ["store"]
    assert len(package.start_hooks) == len(package.stop_hooks) == 1

    async def story() -> Customer:
        created = await names["create"](NewCustomer(name="Ada"))
        return await names["retrieve"](CustomerId(id=created.id))

    assert asyncio.run(story()).name == "Ada"
    assert inspect.iscoroutinefunction(names["test_retrieve"])  # tests/process/test_testing.py runs it


def test_four_features_fit_on_one_screen() -> None:
    first = DOCUMENT.read_text().split("```")[1]
    assert len(first.splitlines()) <= 45
