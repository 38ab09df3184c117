"""`h2o dev --reload`: callers notice nothing of a save, and code that does not start is named while the old runs on."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.asking.agent import ask
from h2o_core.context import AGENT_SOCKET
from h2o_core.io.client import Client
from h2o_core.io.context import current_context
from tests.support.dev import H2O, dev, gone, within

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.dev import Dev

__all__ = ["dev"]

RUN = f"service/invoice={sys.executable} -m service_invoice"


class Reloading:
    """A new package in a fleet of one host that reloads it."""

    def __init__(self, dev: Dev, parent: Path) -> None:
        subprocess.run([H2O, "new", "service/invoice"], cwd=parent, capture_output=True, check=True)
        self.dev = dev
        self.directory = parent / "service-invoice"
        self.module = self.directory / "service_invoice.py"
        self.said: list[str] = []

    def start(self) -> str:
        self.process = self.dev.run("--hosts", "1", "--reload", "--run", RUN, cwd=self.directory)
        printed = self.dev.until_ready(self.process)
        threading.Thread(target=self._listen, daemon=True).start()
        return printed

    def _listen(self) -> None:
        assert self.process.stderr
        self.said.extend(self.process.stderr)

    def save(self, old: str, new: str) -> None:
        text = self.module.read_text()
        assert old in text
        self.module.write_text(text.replace(old, new))

    def until_said(self, *words: str) -> str:
        def found() -> list[str]:
            return [line for line in self.said if all(word in line for word in words)]

        within(20, lambda: bool(found()), lambda: self.said)
        return found()[-1]

    def answer(self) -> str:
        return self.dev.h2o("call", "service/invoice/retrieve", '{"id": 1}').stdout

    def instances(self) -> list[dict[str, Any]]:
        run_dir = current_context(environ=self.dev.environ).run_dir
        return list(ask(f"unix:{run_dir}/{AGENT_SOCKET}", "/instances", 5)["instances"])


@pytest.fixture
def package(dev: Dev, tmp_path: Path) -> Reloading:
    return Reloading(dev, tmp_path)


@contextmanager
def calling(package: Reloading) -> Generator[list[str]]:
    """Calls without a pause while the block lasts; what each came to."""
    sys.path.insert(0, str(package.directory))
    messages: Any = import_module("service_invoice_pb2")

    feature = "/service/invoice/retrieve"
    over = threading.Event()
    outcomes: list[str] = []
    endpoint = f"unix:{current_context(environ=package.dev.environ).run_dir}/broker.sock"

    def call() -> None:
        with Client(endpoint) as client:
            while not over.is_set():
                try:
                    answer: Any = client.call_sync(feature, messages.InvoiceId(id=1), messages.Invoice)
                    outcomes.append(answer.title)
                except Exception as error:  # noqa: BLE001 - each one is a failure of the test
                    outcomes.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
        sys.path.remove(str(package.directory))


def test_a_save_reloads_and_no_caller_notices(package: Reloading) -> None:
    assert "Saving a file reloads" in package.start()
    (before,) = package.instances()
    with calling(package) as outcomes:
        within(10, lambda: len(outcomes) > 100, lambda: outcomes[-5:])
        package.save("the first one", "the second one")
        package.until_said("service/invoice on host-1: reloaded in", "(service_invoice.py)")
        within(10, lambda: outcomes[-1] == "the second one", lambda: outcomes[-5:])
        within(10, lambda: len(package.instances()) == 1, package.instances)  # the old one has left
        seen = len(outcomes)
        within(10, lambda: len(outcomes) > seen + 100, lambda: outcomes[-5:])
    assert set(outcomes) == {"the first one", "the second one"}
    (after,) = package.instances()
    assert (after["restarts"], after["id"] != before["id"]) == (0, True)
    package.dev.stop(package.process)
    gone(package.dev)


def test_what_does_not_start_is_named_and_the_old_one_runs_on(package: Reloading) -> None:
    package.start()
    package.save("stored = {", "stored = = {")
    line = package.until_said("SyntaxError")
    assert "service_invoice.py:8: SyntaxError" in line
    assert "runs on" in line
    assert "the first one" in package.answer()
    package.save("stored = = {", "stored = {")
    package.until_said("reloaded")
    package.save('package = Package("/service/invoice"', 'package = Package("/service/Invoice"')
    assert "runs on" in package.until_said("DeclarationError")
    assert "the first one" in package.answer()
    proto = package.directory / "service_invoice.proto"
    proto.write_text(proto.read_text() + "\n")
    assert "python compile.py" in package.until_said("service_invoice.proto has changed")
    package.dev.stop(package.process)
    gone(package.dev)


def test_broken_from_the_start_it_comes_up_when_it_is_mended(package: Reloading) -> None:
    package.save("stored = {", "stored = nothing = {")
    package.save("title=", "tilte=")
    package.start()
    assert "service_invoice.py:8: ValueError" in package.until_said("started again when a file is saved")
    assert [each["state"] for each in package.instances()] == ["starting"]
    package.save("tilte=", "title=")
    package.until_said("reloaded")
    assert "the first one" in package.answer()
    package.dev.stop(package.process)
    gone(package.dev)


def test_a_crash_is_the_agents_affair_as_ever(package: Reloading) -> None:
    package.save("    if request.id not in stored:", "    import os; os._exit(7)\n    if request.id not in stored:")
    package.start()
    package.answer()

    def restarted() -> bool:
        return [(each["state"], each["restarts"]) for each in package.instances()] == [("ready", 1)]

    within(20, restarted, package.instances)
    package.dev.stop(package.process)
    gone(package.dev)
