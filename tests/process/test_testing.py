"""h2o_service.testing: packages behind a broker of their own, what it says when that fails, and that nothing stays."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_service import H2OError, Package
from h2o_service.testing import serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "packages.md"


def echo(name: str = "/service/echo") -> Package:
    package = Package(name, version="1.0.0")

    @package.feature("say")
    async def say(request: StringValue) -> StringValue:
        return StringValue(value=f"{name} {request.value}")

    return package


def left(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.fixture
def directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `serving` makes its own."""
    short = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    return short


def _brokers() -> list[psutil.Process]:
    """Those that this process has started, other tests' fleets among them; some may be ending."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "h2o_broker" in child.cmdline():
                found.append(child)
    return found


async def test_packages_call_each_other_there(directories: Path) -> None:
    first, second = echo(), echo("/orchestration/echo")

    @second.feature("ask")
    async def ask(request: StringValue) -> StringValue:
        return await second.client.call("/service/echo/say", request, StringValue)

    others = _brokers()
    async with serving(first, second) as client:
        assert (await client.call("/orchestration/echo/ask", StringValue(value="x"), StringValue)).value == (
            "/service/echo x"
        )
        brokers = [each for each in _brokers() if each not in others]
        assert brokers
    assert not [each for each in brokers if each.is_running()]
    assert left(directories) == []


async def test_what_is_wrong_with_a_package_is_raised(directories: Path) -> None:
    broken = echo()

    @broken.on_start
    def fails() -> None:
        msg = "no store"
        raise ConnectionError(msg)

    with pytest.raises(Exception, match="fails"):
        async with serving(broken):
            pytest.fail("it does not serve")
    assert left(directories) == []


async def test_an_error_in_the_block_passes_and_all_is_cleaned_up(directories: Path) -> None:
    with pytest.raises(H2OError, match="echo/nothing"):
        async with serving(echo()) as client:
            await client.call("/service/echo/nothing", StringValue(), StringValue)
    assert left(directories) == []


def test_the_documents_test_passes() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "customer"}
    for block in blocks:
        exec(compile(block, str(DOCUMENT), "exec"), names)
    asyncio.run(names["test_retrieve"]())
