"""Log lines on their way through the agent: splitting, cursors, questions, what is passed on and what is mended."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from h2o_agent.logs.asking import BadQuestion, parse_question
from h2o_agent.logs.cursor import InvalidCursor, Mark, Position, decode, encode
from h2o_agent.logs.query import Query
from h2o_agent.logs.shaping import CONTROL_KEYS, Context, Shaped, Shaper
from h2o_agent.logs.shelf import LogSource, choose, package_of
from h2o_agent.logs.splitting import LONGEST_BYTES, RawLine, Splitter
from h2o_core.logs import Entry, Severity

NOW_S = 1_790_000_000.25
RESOURCE = {
    "service.name": "service/customer",
    "service.version": "1.4.2",
    "service.instance.id": "8cdb6dc6",
    "host.name": "host-1",
}


# ------------------------------------------------------------------ splitting


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.lists(st.integers(1, 30)))
def test_lines_come_out_whole_however_the_bytes_come_in(lines: list[bytes], sizes: list[int]):
    data = b"".join(line + b"\n" for line in lines)
    splitter, at = Splitter(100), 0
    found: list[RawLine] = []
    for size in [*sizes, len(data)]:
        found += splitter.feed(data[at : at + size])
        at += size
        assert splitter.read_at == 100 + min(at, len(data))
    assert [raw.line for raw in found] == lines
    ends: list[int] = []
    end = 100
    for line in lines:
        end += len(line) + 1
        ends.append(end)
    assert [raw.end for raw in found] == ends


@given(st.lists(st.sampled_from([b"a" * 30_000, b"b" * LONGEST_BYTES, b"\n", b"c"]), max_size=12), st.integers(0, 9))
def test_going_on_after_any_line_gives_the_others_and_a_long_one_is_cut_once(parts: list[bytes], number: int):
    whole = b"".join(parts)
    splitter = Splitter(0)
    found: list[RawLine] = []
    for part in parts:
        found += splitter.feed(part)
        assert len(splitter._carry) <= LONGEST_BYTES
    assert all(len(raw.line) <= LONGEST_BYTES for raw in found)
    wanted = [line[:LONGEST_BYTES] for line in whole.split(b"\n")[:-1]]
    assert [raw.line for raw in found][: len(wanted)] == wanted
    if found:
        at = number % len(found)
        again = Splitter(found[at].end, skipping=found[at].skipping)
        rest = again.feed(whole[found[at].end :])
        assert [raw.line for raw in rest] == [raw.line for raw in found[at + 1 :]]


def test_what_has_no_end_is_a_line_only_when_it_is_finished():
    splitter = Splitter(0)
    assert splitter.feed(b"one\ntwo") == [RawLine(b"one", 4)]
    assert splitter.unfinished
    assert splitter.finish() == [RawLine(b"two", 7)]
    assert splitter.finish() == []
    assert splitter.feed(b"more\n") == [RawLine(b"more", 12)]


# ------------------------------------------------------------------ cursors

_position = st.builds(
    Position,
    st.builds(Mark, st.integers(0, 2**63), st.integers(0, 256), st.text("0123456789abcdef", max_size=12)),
    st.integers(0, 2**62),
    st.booleans(),
)


@given(st.dictionaries(st.text(max_size=20), _position, max_size=5))
def test_a_cursor_is_read_back(positions: dict[str, Position]):
    assert decode(encode(positions)) == positions


@given(st.text(max_size=80))
def test_no_text_is_taken_for_a_cursor(text: str):
    with pytest.raises(InvalidCursor):
        decode(text)


# ------------------------------------------------------------------ shaping


def shaped(line: bytes, query: Query | None = None, **more: object) -> Shaped | None:
    context = Context("service.customer-3f2a91-1", dict(RESOURCE))
    return Shaper(context, query or Query()).shape(RawLine(line, 0, **more), NOW_S)  # pyright: ignore[reportArgumentType]


def said(line: bytes, query: Query | None = None, **more: object) -> dict[str, object]:
    found = shaped(line, query, **more)
    assert found is not None
    return json.loads(found.text)


def test_a_whole_line_is_passed_on_byte_by_byte_with_its_source():
    line = Entry(NOW_S, Severity.WARN, "Zürich \x1b[31m", "ab" * 16, "cd" * 8, {"rows": 3}, RESOURCE).line().encode()
    found = shaped(line)
    assert found == Shaped(NOW_S, line[:-1] + b',"source":"service.customer-3f2a91-1"}')


def test_a_foreign_line_is_wrapped_with_the_process_it_belongs_to():
    assert said(b"\xffListening on 80\r") == {
        **Entry(NOW_S, Severity.UNSET, "\ufffdListening on 80", resource=RESOURCE).document(),
        "source": "service.customer-3f2a91-1",
    }


def test_a_foreign_line_is_of_the_process_and_time_of_the_line_before():
    shaper = Shaper(Context("x", dict(RESOURCE)), Query())
    before = Entry(NOW_S + 5, Severity.INFO, "hello", resource={**RESOURCE, "service.instance.id": "other"})
    shaper.shape(RawLine(before.line().encode(), 0), NOW_S)
    found = shaper.shape(RawLine(b"Traceback (most recent call last):", 0), NOW_S)
    assert found is not None
    assert found.timestamp_s == NOW_S + 5
    assert json.loads(found.text)["resource"]["service.instance.id"] == "other"


@pytest.mark.parametrize("key", sorted(CONTROL_KEYS))
def test_no_line_can_pass_for_a_control_line_or_for_another_source(key: str):
    document = {**Entry(NOW_S, Severity.INFO, "x", resource=RESOURCE).document(), key: "mine"}
    found = said(json.dumps(document).encode())
    assert found["source"] == "service.customer-3f2a91-1"
    assert key == "source" or key not in found


@pytest.mark.parametrize(
    "change",
    [
        {"body": 3},
        {"body": {"a": 1}},
        {"timestamp": "yesterday"},
        {"timestamp": None},
        {"severity_number": "9"},
        {"severity_number": 10**400},
        {"severity_text": 1},
        {"resource": []},
        {"resource": {}},
        {"resource": {**RESOURCE, "host.name": "another"}},
        {"resource": {**RESOURCE, "service.version": 3}},
        {"attributes": "x"},
        {"trace_id": 5},
    ],
)
def test_what_lacks_something_is_made_whole(change: dict[str, object]):
    document = {**Entry(NOW_S, Severity.INFO, "x", resource=RESOURCE).document(), **change}
    found = said(json.dumps(document).encode())
    assert isinstance(found["body"], str)
    assert isinstance(found["severity_number"], int)
    resource = found["resource"]
    assert isinstance(resource, dict)
    assert resource["host.name"] == "host-1"
    assert resource.keys() >= RESOURCE.keys()


def test_a_line_without_any_resource_gets_the_child_s():
    found = said(b'{"body": 1, "severity_text": [], "severity_number": {}}')
    assert (found["body"], found["resource"]) == ("1", RESOURCE)


def test_what_is_cut_says_so():
    found = said(b'{"body":"' + b"x" * 100, None, cut=True)
    assert "cut" in str(found["body"])
    assert found["attributes"] == {"log.cut": True}


@pytest.mark.parametrize("line", [b"", b"\r", b"\0\0\0", b"   "])
def test_nothing_is_no_line(line: bytes):
    assert shaped(line) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(line: bytes):
    found = shaped(line.replace(b"\n", b""))
    assert found is None or b"\n" not in found.text
    assert found is None or json.loads(found.text)["source"]


def test_nan_is_no_json_and_not_passed_on():
    line = Entry(NOW_S, Severity.INFO, "x", attributes={"a": float("nan")}, resource=RESOURCE).line().encode()
    assert said(line)["body"] == line.decode()


LINE = (
    Entry(NOW_S, Severity.WARN, 'said "Hello"', "ab" * 16, "", {"h2o.request_id": "c0ffee"}, RESOURCE).line().encode()
)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (Query(), True),
        (Query(severity=Severity.WARN), True),
        (Query(severity=Severity.ERROR), False),
        (Query(grep="hello"), True),
        (Query(grep="Hello"), True),
        (Query(grep="HELLO"), False),
        (Query(grep='d "hello"'), True),
        (Query(grep="c0ffee"), True),
        (Query(grep="abababab"), True),
        (Query(grep="bab"), False),
        (Query(grep="severity"), False),
        (Query(grep="warn"), False),
        (Query(grep="8cdb"), False),
        (Query(grep="Zürich"), False),
        (Query(since_s=NOW_S), True),
        (Query(since_s=NOW_S + 1), False),
        (Query(until_s=NOW_S - 1), False),
        (Query(ids=("8cdb",)), True),
        (Query(ids=("ffff",)), False),
    ],
)
def test_what_is_wanted(query: Query, *, wanted: bool):
    assert (shaped(LINE, query) is not None) is wanted
    assert query.may_match(LINE) or not wanted


@given(st.text(max_size=12), st.text(max_size=4))
def test_the_quick_look_never_says_no_to_a_match(body: str, grep: str):
    document = Entry(NOW_S, Severity.INFO, body, resource=RESOURCE)
    query = Query(grep=grep)
    if grep.isascii() and body.isascii() and query.wants(document.document()):
        assert query.may_match(document.line().encode())


# ------------------------------------------------------------------ questions


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"what": ["1"]}, "no 'what'"),
        ({"severity": ["LOUD"]}, "DEBUG, INFO, WARN, ERROR, FATAL"),
        ({"since": ["yesterday"]}, "write 90s, 10m"),
        ({"since": ["2026-01-31T14:02:07"]}, "with its zone"),
        ({"tail": ["-1"]}, "a number"),
        ({"limit": ["1e9"]}, "a number"),
        ({"grep": ["x" * 1001]}, "1001 characters"),
        ({"until": ["1h"], "follow": ["1"]}, "no end"),
    ],
)
def test_a_bad_question_is_told_what_to_write(values: dict[str, list[str]], sentence: str):
    with pytest.raises(BadQuestion, match=sentence):
        parse_question(values, NOW_S)


def test_a_question():
    found = parse_question(
        {"package": ["service/customer"], "since": ["10m"], "severity": ["warn"], "follow": ["1"]}, NOW_S
    )
    assert found.query == Query(severity=Severity.WARN, since_s=NOW_S - 600)
    assert (found.follow, found.tail, found.packages) == (True, None, ("service/customer",))
    assert parse_question({}, NOW_S).tail == 100
    assert parse_question({"cursor": ["old"]}, NOW_S).bad_cursor


# ------------------------------------------------------------------ whose logs

SOURCES = {
    each.key: each
    for each in [
        LogSource("broker", "", {}),
        LogSource("service.customer-3f2a91-1", "service/customer", {}, ("8cdb6dc6aa", "70ce4a")),
        LogSource("service.customer-3f2a91-2", "service/customer", {}, ("808e4bd7aa", "70ce4b")),
    ]
}


@pytest.mark.parametrize(
    ("instances", "packages", "found", "unknown"),
    [
        ([], [], dict.fromkeys(SOURCES, ()), ()),
        ([], ["service/customer"], {"service.customer-3f2a91-1": (), "service.customer-3f2a91-2": ()}, ()),
        ([], ["/service/customer"], {"service.customer-3f2a91-1": (), "service.customer-3f2a91-2": ()}, ()),
        ([], ["service.customer"], {"service.customer-3f2a91-1": (), "service.customer-3f2a91-2": ()}, ()),
        (["broker"], [], {"broker": ()}, ()),
        (["8cdb"], [], {"service.customer-3f2a91-1": ("8cdb", "8cdb6dc6aa", "70ce4a")}, ()),
        (["dead0"], [], dict.fromkeys(SOURCES, ("dead0",)), ()),
        (["nobody"], ["service/geo"], {}, ("service/geo", "nobody")),
    ],
)
def test_whose_logs_are_read(
    instances: list[str], packages: list[str], found: dict[str, tuple[str, ...]], unknown: tuple[str, ...]
):
    choice = choose(SOURCES, instances, packages)
    assert choice.ids == found
    assert choice.unknown == unknown


def test_the_package_of_a_key():
    assert package_of("service.customer-3f2a91-1") == "service/customer"
    assert package_of("api.big-shop-3f2a91-12") == "api/big-shop"
    assert package_of("broker") == ""
