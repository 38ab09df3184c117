"""HTTP responses, read as they come: every way of cutting them gives the same, and what is malformed is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from h2o_console.feed.response import MOST_HEAD_BYTES, BadResponse, Response, ResponseReader

MOST = 1 << 16


def read(*pieces: bytes, ended: bool = False) -> Response | None:
    reader = ResponseReader(MOST)
    response = None
    landing = bytearray(MOST)
    for piece in pieces:
        landing[: len(piece)] = piece  # over the one before: nothing of that may be needed any more
        response = reader.feed(memoryview(landing)[: len(piece)])
        if response is not None:
            return response
    return reader.end() if ended else response


def head(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode()


def chunks(*parts: bytes, extension: str = "", trailers: bytes = b"") -> bytes:
    body = b"".join(f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n" for part in parts)
    return body + b"0\r\n" + trailers + b"\r\n"


BODY = b"0123456789" * 20
WHOLE = {
    "length": (head("Content-Length: 200", 'ETag: W/"a"'), BODY),
    "chunked": (head("Transfer-Encoding: chunked", 'ETag: W/"a"'), chunks(BODY[:7], BODY[7:])),
    "extension": (
        head("transfer-encoding: Chunked", 'ETag: W/"a"'),
        chunks(BODY, extension=";x=y", trailers=b"A: b\r\n"),
    ),
    "interim": (head(status="103 Early Hints") + head("Content-Length:200", 'etag:W/"a" '), BODY),
}


@pytest.mark.parametrize("form", WHOLE)
@given(data=st.data())
def test_however_it_is_cut_it_is_the_same(form: str, data: st.DataObject) -> None:
    whole = b"".join(WHOLE[form])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    response = read(*pieces)
    assert response is not None
    assert (response.status, response.body, response.headers["etag"], response.reusable) == (200, BODY, 'W/"a"', True)


def test_without_a_length_it_ends_with_the_connection() -> None:
    response = read(head(), BODY[:5], BODY[5:], ended=True)
    assert response is not None
    assert (response.body, response.reusable) == (BODY, False)


@pytest.mark.parametrize("status", ["304 Not Modified", "204 No Content"])
def test_some_have_no_body_whatever_their_length_says(status: str) -> None:
    response = read(head("Content-Length: 200", status=status))
    assert response is not None
    assert (response.body, response.reusable) == (b"", True)


@pytest.mark.parametrize(
    ("fields", "version", "reusable"),
    [(["Connection: close"], "1.1", False), ([], "1.0", False), (["Connection: Keep-Alive"], "1.0", True)],
)
def test_whether_the_connection_can_be_asked_again(fields: list[str], version: str, *, reusable: bool) -> None:
    response = read(head("Content-Length: 0", *fields, version=version))
    assert response is not None
    assert response.reusable is reusable


def test_more_than_was_announced_makes_the_connection_useless() -> None:
    response = read(head("Content-Length: 2") + b"abc")
    assert response is not None
    assert (response.body, response.reusable) == (b"ab", False)


@pytest.mark.parametrize(
    "data",
    [
        b"<html>no</html>\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        head("Content-Length: 5", "Content-Length: 6"),
        head("Content-Length: -5"),
        head("Content-Length: 0x10"),
        head("Content-Length: 9999999999999999999"),
        head(f"Content-Length: {MOST + 1}"),
        head("Content-Length: 5", "Transfer-Encoding: chunked"),
        head("Transfer-Encoding: gzip"),
        head("no colon"),
        head("Space : x"),
        head(" folded: x"),
        head(status="101 Switching Protocols"),
        head("Transfer-Encoding: chunked") + b"zz\r\n",
        head("Transfer-Encoding: chunked") + b"-2\r\n",
        head("Transfer-Encoding: chunked") + b"2\r\nabX\r",
        head("Transfer-Encoding: chunked") + b"fffffffffffffff\r\n",
        head("Transfer-Encoding: chunked") + b"1" * 2000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * MOST_HEAD_BYTES,
        head() + b"x" * (MOST + 1),
    ],
)
def test_what_is_malformed_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(BadResponse):
        read(data)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 2", head("Content-Length: 5") + b"abc", WHOLE["chunked"][0] + b"5\r\nab"]
)
def test_an_end_in_the_middle_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadResponse, match="the connection ended"):
        read(data, ended=True)


@given(st.binary(max_size=400))
def test_noise_raises_nothing_else(data: bytes) -> None:
    with suppress(BadResponse):
        read(b"HTTP/1.1 200 OK\r\n" + data, ended=True)
