"""One real ZooKeeper a test process, and a fleet of its own for each test."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from h2o_core.io.zookeeper import ZooKeeperChild

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real ZooKeeper; tests that kill theirs start an own `ZooKeeperChild`."""
    with ZooKeeperChild(tmp_path_factory.mktemp("zookeeper")) as child:
        yield child.address
        child.check()


@pytest.fixture
def fleet_name() -> str:
    """A fleet nobody else uses: its root in ZooKeeper starts empty."""
    return f"test-{secrets.token_hex(6)}"
