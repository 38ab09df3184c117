"""What a process of ours logs: one JSON object a line, with the request it is about, whole whatever is logged."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from h2o_core.envelope import TAG_REQUEST_ID, TAG_TRACEPARENT, encode_fields
from h2o_core.io.ambient import AMBIENT, Ambient
from h2o_core.io.logs import JsonFormatter, LineHandler, Resource, wanted_level, wants_json
from h2o_core.logs import Severity, parse

if TYPE_CHECKING:
    from pathlib import Path

RESOURCE = Resource("service/customer", "1.4.2", "token", "host-1")


def line(level: int = logging.INFO, message: object = "hello", *args: Any, **more: Any) -> dict[str, Any]:
    exc_info, extra = more.pop("exc_info", None), more.pop("extra", None)
    record = logging.getLogger("x").makeRecord("x", level, "/a.py", 3, message, args, exc_info, "f", extra)
    return json.loads(JsonFormatter(RESOURCE).format(record))


def test_a_line():
    said = line(logging.INFO, "%d rows", 3)
    assert set(said) == {"timestamp", "severity_text", "severity_number", "body", "attributes", "resource"}
    assert (said["severity_text"], said["severity_number"], said["body"]) == ("INFO", 9, "3 rows")
    assert said["resource"] == {
        "service.name": "service/customer",
        "service.version": "1.4.2",
        "service.instance.id": "token",
        "host.name": "host-1",
    }
    entry = parse(json.dumps(said).encode(), 0.0, {})
    assert (entry.body, entry.severity) == ("3 rows", Severity.INFO)
    assert entry.timestamp_s > 0


@pytest.mark.parametrize(
    ("level", "severity"), [(5, "DEBUG"), (10, "DEBUG"), (25, "INFO"), (30, "WARN"), (40, "ERROR"), (55, "FATAL")]
)
def test_levels(level: int, severity: str):
    assert line(level)["severity_text"] == severity


def test_the_request_that_is_being_handled():
    fields = encode_fields({TAG_REQUEST_ID: b"\1" * 16, TAG_TRACEPARENT: b"\0" + b"\2" * 16 + b"\3" * 8 + b"\1"})
    token = AMBIENT.set(Ambient("/service/customer/retrieve", fields, b"", 0))
    try:
        said = line(extra={"rows": 3, "odd": object, "nan": float("nan"), "list": [1, {"a": None}]})
    finally:
        AMBIENT.reset(token)
    assert (said["trace_id"], said["span_id"]) == ("02" * 16, "03" * 8)
    attributes = said["attributes"]
    assert attributes.pop("odd").startswith("<class")
    assert attributes == {
        "rows": 3,
        "nan": "nan",
        "list": [1, {"a": None}],
        "logger.name": "x",
        "h2o.feature": "service/customer/retrieve",
        "h2o.request_id": "01" * 16,
    }


def test_an_exception():
    class Broken(Exception):
        def __str__(self) -> str:
            msg = "no"
            raise ValueError(msg)

    def attributes_of(error: Exception) -> dict[str, Any]:
        try:
            raise error
        except Exception:  # noqa: BLE001 - any
            return line(logging.ERROR, exc_info=sys.exc_info())["attributes"]

    said = attributes_of(KeyError("a"))
    assert (said["exception.type"], said["exception.message"]) == ("KeyError", "'a'")
    assert said["exception.stacktrace"].startswith("Traceback (most recent call last):")
    assert said["code.line.number"] == 3
    assert "can't be told" in attributes_of(Broken())["exception.message"]


@given(
    st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.floats() | st.binary() | st.integers(), max_size=3)
)
def test_whatever_is_logged_is_one_line_that_can_be_read(message: str, extra: dict[str, Any]):
    record = logging.makeLogRecord(
        {"msg": message, "levelno": 10, **{f"x_{key}": value for key, value in extra.items()}}
    )
    text = JsonFormatter(RESOURCE).format(record).encode(errors="replace")
    assert b"\n" not in text
    assert parse(text, 0.0, {}).severity is Severity.DEBUG


def test_what_is_too_long_is_cut_and_stays_an_object():
    said = line(logging.ERROR, "x" * 100_000)
    assert "100000 characters, cut" in said["body"]
    said = line(logging.ERROR, "é" * 16_000, extra={f"k{number}": "é" * 4000 for number in range(20)})
    assert len(json.dumps(said, ensure_ascii=False).encode()) < 64 << 10
    assert said["attributes"]["log.cut"] is True


@pytest.mark.parametrize(
    ("environ", "terminal", "json_wanted"),
    [
        ({}, True, False),
        ({}, False, True),
        ({"H2O_LAUNCH": "x"}, True, True),
        ({"H2O_LOG_FORMAT": "text"}, False, False),
        ({"H2O_LOG_FORMAT": "JSON"}, True, True),
        ({"H2O_LOG_FORMAT": "yaml"}, True, False),
    ],
)
def test_the_format(environ: dict[str, str], *, terminal: bool, json_wanted: bool):
    assert wants_json(environ, terminal=terminal) is json_wanted


@pytest.mark.parametrize(("said", "level"), [("", 20), ("debug", 10), ("WARN", 30), ("35", 35), ("loud", 20)])
def test_the_level(said: str, level: int):
    assert wanted_level({"H2O_LOG_LEVEL": said}) == level


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_what_can_not_be_written_is_counted_and_told(pipe: tuple[int, int]):
    """A full pipe refuses as a full disk does."""
    reader, writer = pipe
    handler = LineHandler(writer)
    handler.setFormatter(JsonFormatter(RESOURCE))
    record = logging.makeLogRecord({"msg": "x" * 1000, "levelno": 20})
    for _ in range(100):
        handler.emit(record)
    got = os.read(reader, 1 << 20)
    handler.emit(record)
    got += os.read(reader, 1 << 20)
    lines = [parse(each, 0.0, {}) for each in got.splitlines()]
    dropped = [each.attributes["log.dropped"] for each in lines if "log.dropped" in each.attributes]
    whole = [each for each in lines if each.body == "x" * 1000]
    assert len(whole) + sum(dropped) == 101
    assert len(dropped) == 1


def test_threads_never_tear_a_line_and_the_authors_configuration_stays(tmp_path: Path):
    program = """
import logging, threading
from h2o_core.io.logs import configure, identify, own_resource
configure(own_resource("service/x", "1"))
def work(n):
    for i in range(200):
        logging.getLogger("a").info("%d %d %s", n, i, "y" * 5000)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
identify("the id", "host-9")
logging.getLogger("a").warning("known")
"""
    with (tmp_path / "log").open("ab") as log:
        environ = {**os.environ, "H2O_LAUNCH": "token", "H2O_HOST": "host-1"}
        subprocess.run([sys.executable, "-c", program], stderr=log, check=True, env=environ)
    lines = [parse(each, 0.0, {}) for each in (tmp_path / "log").read_bytes().splitlines()]
    assert len({each.body for each in lines if each.severity is Severity.INFO}) == 800
    assert lines[0].resource["service.instance.id"] == "token"
    assert (lines[-1].resource["service.instance.id"], lines[-1].resource["host.name"]) == ("the id", "host-9")
    own = "import logging; logging.basicConfig(format='mine %(message)s')\n" + program
    done = subprocess.run([sys.executable, "-c", own], stderr=subprocess.PIPE, check=True)
    assert {line[:5] for line in done.stderr.splitlines()} == {b"mine "}
