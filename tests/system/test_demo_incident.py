"""`script/demo --incident` on the real fleet: the release breaks it, a command mends it, and giving up is told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from h2o_console.dev.children import marked

pytestmark = pytest.mark.timeout(120)


def _incident(typed: str, code: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--incident", "--rate", "50"],
        input=typed,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    directory = re.search(r"ready after [0-9.]+ s in (\S+)", done.stdout)
    assert directory, done.stdout + done.stderr
    assert not Path(directory[1]).exists()
    assert marked(directory[1]) == []
    return done


def test_who_finds_the_release_and_takes_it_back_has_mended_it() -> None:
    typed = (
        "hint",
        "h2o stats service/customer",
        "nonsense",
        "rollback service/customer -y --reason 'KeyError: de-DE'",
    )
    done = _incident("\n".join(typed) + "\n", 0)
    asked, _, mended = done.stdout.partition("Mended after ")
    assert "you are paged" in asked
    assert re.search(r"callers: \d+\.\d% of \d+ requests in the last 5 s failed", asked)
    assert "Who fails?" in asked
    assert "there is no command 'nonsense'" in done.stderr
    assert "KeyError: de-DE" in mended, "the journal has it"
    assert "release 2.1.0" in mended


def test_who_gives_up_is_told_what_it_was() -> None:
    done = _incident("quit\n", 3)
    assert "rollback service/customer" in done.stdout
