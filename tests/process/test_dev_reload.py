"""Files on disk for `h2o dev --reload`: what a scan finds, and what the reloaders' notes become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from h2o_console.dev.changes import MOST_FILES, scan
from h2o_console.dev.notes import Notes


def test_a_scan_leaves_out_what_is_not_the_packages(tmp_path: Path) -> None:
    for name in (
        *("a.py", "sub/b.py", "sub/c.proto", "sub/d.txt", "__pycache__/a.py", ".h2o/x.py", ".venv/y.py"),
        *("env/pyvenv.cfg", "env/lib/z.py", "node_modules/w.py"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.py").symlink_to(tmp_path / "nothing")
    assert set(scan(str(tmp_path))) == {"a.py", "sub/b.py", "sub/c.proto"}
    assert scan(str(tmp_path / "nowhere")) == {}


def test_a_scan_is_bounded(tmp_path: Path) -> None:
    for at in range(MOST_FILES + 50):
        (tmp_path / f"m{at}.py").touch()
    assert len(scan(str(tmp_path))) == MOST_FILES


def write(path: Path, host: str, state: str, text: str, took_s: float = 0.0) -> None:
    note = {"who": host, "name": f"{host} service/x", "state": state, "text": text, "took_s": took_s}
    with path.open("a") as file:
        file.write(json.dumps(note) + "\n")


def test_hosts_that_say_the_same_are_told_in_one_line(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "reloads"
    notes = Notes(path, told.append)
    notes.poll(0.0)
    write(path, "host-2", "ready", "x.py", 0.4)
    notes.poll(1.0)
    write(path, "host-1", "ready", "x.py", 0.5)
    write(path, "host-3", "kept", "does not start: why")
    notes.poll(1.4)
    assert told == []
    notes.poll(2.0)
    assert told == [
        "service/x on host-1, host-2: reloaded in 0.50 s (x.py)",
        "service/x on host-3: does not start: why",
    ]
    notes.poll(9.0)
    assert len(told) == 2


def test_what_is_down_is_forgiven_until_it_is_ready(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "reloads"
    notes = Notes(path, told.append)
    write(path, "host-1", "down", "does not start: why")
    notes.poll(0.0)
    assert notes.forgiven() == {("host-1", "service/x"): 1}
    write(path, "host-1", "ready", "")
    notes.poll(1.0)
    assert notes.forgiven() == {}
    assert told == ["service/x on host-1: does not start: why"]


def test_nonsense_and_half_a_line_are_no_notes(tmp_path: Path) -> None:
    path = tmp_path / "reloads"
    told: list[Any] = []
    notes = Notes(path, told.append)
    path.write_bytes(b'\xff\nnull\n[]\n{"who": 1}\n{"who": "a", "name": "h p", "state": "ready", "text": "t", ')
    notes.poll(0.0)
    with path.open("a") as file:
        file.write('"took_s": 1}\n')
    notes.poll(1.0)
    notes.poll(2.0)
    assert told == ["p on h: reloaded in 1.00 s (t)"]
