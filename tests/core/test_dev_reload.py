"""What `h2o dev --reload` reads out of a traceback, which files it watches, and how it tells of several hosts."""

from __future__ import annotations

import json

import pytest

from h2o_console.dev.blame import blame
from h2o_console.dev.changes import changed, named, watched

HERE = "/srv/service-invoice"
SYNTAX = f'''Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
  File "{HERE}/service_invoice.py", line 20
    x = (
        ^
SyntaxError: '(' was never closed
'''
DEEP = f'''Traceback (most recent call last):
  File "{HERE}/service_invoice.py", line 8, in <module>
    stored = load()
  File "{HERE}/store/file.py", line 3, in load
    return open("x")
  File "/usr/lib/python3.11/codecs.py", line 9, in open
FileNotFoundError: [Errno 2] No such file or directory: 'x'
'''


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (SYNTAX, "service_invoice.py:20: SyntaxError: '(' was never closed"),
        (DEEP, "store/file.py:3: FileNotFoundError: [Errno 2] No such file or directory: 'x'"),
        ("listening\nno such option\n\n", "no such option"),
        ("google.protobuf.runtime_version.VersionError: older", "google.protobuf.runtime_version.VersionError: older"),
        ("", ""),
        (json.dumps({"body": "start hook failed", "attributes": {"exception.stacktrace": DEEP}}), "store/file.py:3: "),
        (json.dumps({"body": "it says so", "attributes": None}), "it says so"),
        ('{"no json', '{"no json'),
        ("[]\n{}\n", "[]"),
    ],
)
def test_the_line_of_the_authors_own_file(said: str, expected: str) -> None:
    assert blame(said, HERE).startswith(expected)
    assert len(blame(said + "x" * 10_000, HERE)) <= 200


@pytest.mark.parametrize("name", ["service_invoice.py", "service_invoice_pb2.py", "service_invoice.proto", "a.py"])
def test_what_a_package_is_made_of_is_watched(name: str) -> None:
    assert watched(name)


@pytest.mark.parametrize(
    "name",
    [
        *("x.txt", ".#service_invoice.py", "service_invoice.py~", ".service_invoice.py.swp", "#x.py#", "4913"),
        *("test_x.py", "flycheck_x.py", "x.pyc", "x.py.tmp", "._x.py"),
    ],
)
def test_what_editors_leave_and_tests_are_not(name: str) -> None:
    assert not watched(name)


def test_what_changed_and_how_it_is_named() -> None:
    before, after = {"a.py": (1, 1), "b.py": (1, 1), "c.py": (1, 1)}, {"a.py": (2, 1), "b.py": (1, 1), "d/e.py": (1, 1)}
    assert changed(before, after) == ["a.py", "c.py", "d/e.py"]
    assert changed(after, after) == []
    assert named(["d/e.py"]) == "e.py"
    assert named(["a.py", "c.py", "d/e.py"]) == "a.py and 2 more"
