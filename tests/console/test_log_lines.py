"""Log lines as cells, and the buffer that holds them: hostile, long, many, and while somebody reads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from h2o_console.logs.entries import Kind as Told, Line as Logged, Notice
from h2o_console.rows.cells import Tone
from h2o_console.rows.log_buffer import LogBuffer
from h2o_console.rows.log_lines import Record, Shape, found_in, key_of, number_of, record_of, split, whole
from h2o_console.rows.places import Kind
from h2o_console.text import width as cells_of
from h2o_core.logs import Entry, Severity

AT_S = 1_770_000_000.5
RESOURCE = {"service.name": "/service/customer", "service.instance.id": "3f2a91c0ffee", "host.name": "host-1"}
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1\n\tboom()\nValueError: boom'


def logged(body: str, severity: Severity = Severity.INFO, attributes: Mapping[str, object] = {}) -> Logged:
    entry = Entry(AT_S, severity, body, attributes=attributes, resource=RESOURCE)
    return Logged("host-1", "service.customer-1", entry, entry.line().encode())


def record(
    body: str,
    severity: Severity = Severity.INFO,
    attributes: Mapping[str, object] = {},
    of: Kind = Kind.PACKAGE,
) -> Record:
    return record_of(logged(body, severity, attributes), 7, of)


def text(shape: Shape, one: Record) -> list[str]:
    return ["".join(cell.text for cell in shape.line(one, part).cells) for part in range(shape.parts(one))]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, "02:40:00.500 INFO  3f2a91c0 host-1      charged 4.20"),
        (70, "02:40:00 INFO  3f2a91c0 host-1   charged 4.20"),
        (50, "02:40:00 INFO  charged 4.20"),
        (30, "INFO  charged 4.20"),
    ],
)
def test_what_matters_least_goes_when_it_gets_narrow(width: int, shown: str) -> None:
    (line,) = text(Shape(width, 20, day="02-02"), record("charged 4.20"))
    assert line.rstrip() == shown
    assert len(line) == width


@pytest.mark.parametrize(
    ("of", "who"),
    [(Kind.PACKAGE, "3f2a91c0 host-1"), (Kind.HOST, "service/customer 3f2a91c0"), (Kind.INSTANCE, "")],
)
def test_who_says_what_the_title_does_not(of: Kind, who: str) -> None:
    assert record("x", of=of).who == who


def test_another_day_is_said() -> None:
    assert text(Shape(100, day="02-03"), record("x"))[0].startswith("02-02 02:40  INFO")
    assert text(Shape(60, day="02-03"), record("x"))[0].startswith("02-02    INFO")


def test_severity_is_a_word_and_a_colour() -> None:
    cells = Shape(80).line(record("x", Severity.ERROR), 0).cells
    assert next(cell for cell in cells if cell.text.strip() == "ERROR").tone is Tone.BAD
    assert "-    " in text(Shape(80), record("x", Severity.UNSET))[0]


def test_a_traceback_stands_below_its_line() -> None:
    lines = text(Shape(80), record("it broke", Severity.ERROR, {"exception.stacktrace": TRACE}))
    assert [line[15:].rstrip() for line in lines] == [
        "it broke",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "    boom()",
        "ValueError: boom",
    ]


def test_very_many_lines_of_one_entry_are_counted() -> None:
    lines = text(Shape(80), record("\n".join(map(str, range(1000)))))
    assert len(lines) == 61
    assert lines[-1].strip() == "… 940 lines more: enter shows all"
    assert any("999" in line.cells[0].text for line in whole(record("\n".join(map(str, range(1000)))), 80))


def test_long_lines_are_cut_or_wrapped() -> None:
    one = record("abc " * 50)
    (cut,) = text(Shape(50), one)
    assert cut.endswith("…")
    wrapped = text(Shape(50, wrap=True), one)
    assert "".join(line[15:] for line in wrapped).rstrip() == ("abc " * 50).rstrip()


HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x07\r\n\t\u202e\u2066\u200b日[]@")), max_size=300
)


@given(HOSTILE, HOSTILE, st.integers(1, 200), st.booleans(), HOSTILE)
def test_whatever_comes_is_inert_and_fits(body: str, name: str, width: int, wrap: bool, typed: str) -> None:
    entry = Entry(AT_S, Severity.WARN, body, name, name, {name: body}, {"service.name": name, "host.name": body})
    one = record_of(Logged(name, name, entry, b""), 1, Kind.PACKAGE)
    shape = Shape(width, len(one.who), wrap=wrap, marked=typed)
    for line in text(shape, one):
        assert line.isprintable()
        assert width < 22 or cells_of(line) == width
    for line in whole(one, width):
        assert "".join(cell.text for cell in line.cells).isprintable()


def test_what_was_looked_for_stands_out() -> None:
    cells = Shape(80, marked="time").line(record("a TIMEOUT, and time again"), 0).cells
    assert [cell.text for cell in cells if cell.tone is Tone.KEY] == ["TIME", "time"]
    cells = Shape(80, marked="Time").line(record("a TIMEOUT, and Time again"), 0).cells
    assert [cell.text for cell in cells if cell.tone is Tone.KEY] == ["Time"]
    assert found_in(record("a TIMEOUT"), "time")
    assert not found_in(record("a TIMEOUT"), "Time")


def test_keys_lead_back_to_their_record() -> None:
    one = record("x")
    assert [number_of(key_of(one, part)) for part in (0, 3)] == [7, 7]
    assert number_of("") == number_of("nonsense") == -1


def test_pieces_never_break_a_wide_character() -> None:
    assert split("日本語", 3) == ["日", "本", "語"]
    assert split("abcd", 3) == ["abc", "d"]


def test_a_whole_entry_has_all_that_it_said() -> None:
    one = record("it broke", Severity.ERROR, {"exception.stacktrace": TRACE, "request_id": "77", "nested": {"a": 1}})
    shown = "\n".join("".join(cell.text for cell in line.cells) for line in whole(one, 60))
    for word in (
        "2026-02-02 02:40:00.500 UTC",
        "ERROR",
        "it broke",
        "boom()",
        "request_id",
        "77",
        "{'a': 1}",
        "3f2a91c0ffee",
    ):
        assert word in shown


# the buffer


def lines(*bodies: object) -> list[Logged]:
    return [logged(str(body)) for body in bodies]


def bodies(records: object) -> list[str]:
    return [one.texts[0] for one in records]  # type: ignore[attr-defined]


def test_what_waits_is_shown_when_it_is_taken() -> None:
    buffer = LogBuffer()
    buffer.add(lines(1, 2), (), AT_S)
    assert (bodies(buffer.records), buffer.waiting) == ([], 2)
    fresh, gone = buffer.take()
    assert (bodies(fresh), gone, buffer.waiting) == (["1", "2"], [], 0)
    assert bodies(buffer.records) == ["1", "2"]


def test_only_so_many_are_kept_and_found() -> None:
    buffer = LogBuffer(most=3)
    for body in range(1, 4):
        buffer.add(lines(body), (), AT_S)
        buffer.take()
    buffer.add(lines(4, 5), (), AT_S)
    _, gone = buffer.take()
    assert bodies(gone) == ["1", "2"]
    assert bodies(buffer.records) == ["3", "4", "5"]
    assert [buffer.record(number) is not None for number in range(1, 7)] == [False, False, True, True, True, False]


def test_what_nobody_could_see_is_counted_and_said() -> None:
    buffer = LogBuffer(most=3)
    buffer.add(lines(*range(10)), (), AT_S)
    assert buffer.waiting == 10
    fresh, _ = buffer.take()
    assert bodies(fresh) == ["8 lines came and went while the list stood still", "8", "9"]
    assert bodies(buffer.records) == bodies(fresh)
    assert [buffer.record(one.number) is one for one in buffer.records] == [True] * 3


def test_a_few_huge_lines_are_bounded_by_their_bytes() -> None:
    buffer = LogBuffer(most_bytes=50_000)
    buffer.add([logged("x" * 10_000) for _ in range(20)], (), AT_S)
    buffer.take()
    assert bodies(buffer.records)[0].startswith("18 lines came and went")
    assert len(buffer.records) == 3


def test_trouble_is_named_until_it_is_over() -> None:
    buffer = LogBuffer()
    buffer.add((), (Notice(Told.LOST, "host-2", why="refused"), Notice(Told.DROPPED, "host-1", "a", 12)), AT_S)
    assert buffer.lost == {"host-2": "refused"}
    buffer.add((), (Notice(Told.BACK, "host-2"), Notice(Told.GAP, "host-1"), Notice(Told.NOTHING, "host-3")), AT_S)
    assert buffer.lost == {}
    assert bodies(buffer.take()[0]) == [
        "host-2 does not answer: refused",
        "12 lines dropped before anybody could read them: host-1 a",
        "host-2 answers again, from where it was left",
        "lines are missing here, nobody knows how many: host-1",
    ]
