"""Who may read an agent: this machine, whoever has the token, and no page of another origin. Who may write."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest

from h2o_agent.http.guard import Guard
from h2o_core.access import Token, journal_key, parse_named_tokens, parse_tokens, read_token, write_token

TOKEN = read_token(bytes(32), "prod")
OTHER = "another-token-that-is-long"
WRITER, ALICE = write_token(bytes(32), "prod"), "a-token-of-her-own-5f"
GUARD = Guard((TOKEN, OTHER), ("host-1", "h.example.org"), (Token(WRITER), Token(ALICE, "alice")), "host-1")
LOOPBACK, ELSEWHERE = "127.0.0.1", "192.0.2.7"


def status(peer: str | None, path: str = "/stats", method: str = "GET", **headers: str) -> int:
    refusal = GUARD.refusal(method, path, peer, {name.replace("_", "-"): value for name, value in headers.items()})
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize("peer", [None, LOOPBACK, "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_reads_without_a_token(peer: str | None):
    assert status(peer) == 200


@pytest.mark.parametrize("peer", [ELSEWHERE, "2001:db8::1", "::ffff:192.0.2.7", "", "localhost"])
def test_others_need_the_token_for_all_but_the_probes(peer: str):
    assert [status(peer, path) for path in ("/livez", "/readyz")] == [200, 200]
    assert [status(peer, path) for path in ("/", "/health", "/readyz/broker", "/livez/", "/healthz")] == [401] * 5
    for token in (TOKEN, OTHER):
        assert status(peer, authorization=f"Bearer {token}") == status(peer, authorization=f"bearer  {token} ") == 200


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}, Bearer {TOKEN}", TOKEN, "é"],
)
def test_what_is_not_the_token_opens_nothing_and_says_what_to_type(shown: str):
    refusal = GUARD.refusal("GET", "/stats", ELSEWHERE, {"authorization": shown} if shown else {})
    assert refusal is not None
    assert (refusal.status, refusal.headers["WWW-Authenticate"][:18]) == (401, 'Bearer realm="h2o"')
    assert "h2o token" in refusal.hint


def test_without_tokens_nobody_opens():
    for shown in ("Bearer ", "Bearer x"):
        refusal = Guard().refusal("GET", "/stats", ELSEWHERE, {"authorization": shown})
        assert refusal is not None


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8101", "localhost", "LOCALHOST.:80", "[::1]:8101", "agent", "host-1", "h.example.org:80", ""]
)
def test_a_name_of_this_host_is_answered(host: str):
    assert status(LOOPBACK, host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8101", "127.0.0.1.evil.example", "localhost, evil"])
def test_a_name_that_was_only_made_to_point_here_is_not(host: str):
    assert status(LOOPBACK, host=host) == 403
    assert status(LOOPBACK, host=host, authorization=f"Bearer {TOKEN}") == 200
    assert status(None, host=host) == 200


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "http://localhost:8101"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-origin", "origin": "http://localhost:8101"}, 200),
    ],
)
def test_a_page_of_another_origin_reads_nothing(headers: dict[str, Any], wanted: int):
    assert status(LOOPBACK, host="localhost:8101", **headers) == wanted


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "post"])
def test_nothing_but_reading(method: str):
    assert status(None, method=method) == status(ELSEWHERE, "/livez", method=method) == 405
    assert status(None, method="HEAD") == 200


def writing(peer: str | None, path: str = "/call", method: str = "POST", **headers: str) -> tuple[int, str]:
    given = {"content_type": "application/json", "content_length": "2", **headers}
    named = {name.replace("_", "-"): value for name, value in given.items() if value}
    refusal = GUARD.refusal(method, path, peer, named, {"/call"})
    return (200, "") if refusal is None else (refusal.status, refusal.headers.get("Allow", refusal.sentence))


@pytest.mark.parametrize("peer", [LOOPBACK, "::1", ELSEWHERE, "", "localhost"])
def test_writing_needs_a_write_token_from_everywhere_but_the_unix_socket(peer: str):
    assert writing(None) == (200, "")
    assert writing(peer)[0] == 401
    for token in (WRITER, ALICE):
        assert writing(peer, authorization=f"Bearer {token}") == (200, "")
        assert status(peer, authorization=f"Bearer {token}") == 200  # who may write may read
    for token in (TOKEN, OTHER):
        assert writing(peer, authorization=f"Bearer {token}")[0] == 403
        assert writing(None, authorization=f"Bearer {token}")[0] == 403
    for shown in (f"Bearer {WRITER}x", f"Basic {WRITER}", WRITER, f"Bearer {WRITER}, Bearer {WRITER}", "Bearer"):
        assert writing(peer, authorization=shown)[0] == writing(None, authorization=shown)[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8101"},
        {"origin": "null"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "none, none"},
    ],
)
@pytest.mark.parametrize("peer", [None, LOOPBACK, ELSEWHERE])
def test_no_page_writes_whatever_it_shows(peer: str | None, headers: dict[str, str]):
    found, sentence = writing(peer, authorization=f"Bearer {WRITER}", **headers)
    assert (found, sentence) == (403, "this agent does nothing for a page in a browser")


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({"content_type": 'Application/JSON;charset="UTF-8"'}, 200),
        ({"content_type": ""}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
        ({"content_type": "application/json, text/plain"}, 415),
        ({"content_type": "application/json; charset=utf-7"}, 415),
        ({"content_type": "application/jsonx"}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"content_length": str(1 << 20)}, 200),
        ({"content_length": str((1 << 20) + 1)}, 413),
        ({"content_length": "9" * 5000}, 413),
        ({"content_length": "-1"}, 413),
        ({"content_length": ""}, 200),
    ],
)
def test_a_body_is_json_and_bounded(headers: dict[str, str], wanted: int):
    assert writing(None, **headers)[0] == wanted
    assert writing(LOOPBACK, **headers)[0] == 401, "who may not write is told nothing else"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"])
def test_a_path_that_is_written_says_how(method: str):
    assert writing(None, method=method) == (405, "GET, HEAD, POST")
    assert writing(None, "/call/", method="POST") == writing(None, "/stats") == (405, "GET, HEAD")
    assert GUARD.refusal("GET", "/call", None, {}, {"/call"}) is None


@pytest.mark.parametrize("path", ["/register", "/changes", "/notes"])
def test_what_is_for_writers_alone_is_not_read(path: str):
    for peer in (None, LOOPBACK, ELSEWHERE):
        for method in ("GET", "HEAD", "PUT"):
            refusal = GUARD.refusal(method, path, peer, {"authorization": f"Bearer {WRITER}"}, {path})
            assert refusal is not None
            assert (refusal.status, refusal.headers["Allow"]) == (405, "POST")


def test_who_writes_is_known_by_token_or_by_socket():
    me = f"{pwd.getpwuid(os.getuid()).pw_name}@host-1"
    shown = {"authorization": f"Bearer {ALICE}"}
    assert GUARD.known_as(shown, None) == GUARD.known_as(shown, os.getuid()) == "alice"
    assert GUARD.known_as({"authorization": f"Bearer {WRITER}"}, None) == GUARD.known_as({}, None) == ""
    assert GUARD.known_as({}, os.getuid()) == me
    assert GUARD.known_as({}, 4_000_000_000) == "uid 4000000000@host-1"


def test_every_purpose_has_its_own_token():
    secret = bytes(32)
    assert len({TOKEN, WRITER, journal_key(secret, "prod").hex(), write_token(secret, "qa")}) == 4


def test_a_file_of_write_tokens_may_name_who_has_them():
    text = f"\n alice  {ALICE}\n{WRITER}\nalice a-newer-token-of-hers\n"
    assert parse_named_tokens(text) == (
        Token(ALICE, "alice"),
        Token(WRITER),
        Token("a-newer-token-of-hers", "alice"),
    )
    for wrong in ("", f"alice\t{ALICE} x", "alice short", f"{TOKEN} {OTHER}", f"al\x1bice {ALICE}", f"-x {ALICE}"):
        with pytest.raises(ValueError, match=r"token|no name") as refused:
            parse_named_tokens(wrong)
        assert not any(token in str(refused.value) for token in (TOKEN, OTHER, ALICE))
    assert ALICE not in repr(parse_named_tokens(text))


def test_the_token_follows_from_secret_and_fleet():
    assert len({TOKEN, read_token(bytes(32), "qa"), read_token(bytes(33), "prod")}) == 3
    assert TOKEN == "9268248b5a07edce9fb8d86b4b6afb4219c8a52cd5d8ae4d8534dea4790d78c5"  # what other machines hold


def test_a_token_file_holds_one_a_line():
    assert parse_tokens(f"\n{TOKEN}\n {OTHER} \n") == (TOKEN, OTHER)
    for text in ("", "\n", "short", f"{TOKEN} {OTHER}", "x" * 20 + "\x1b"):
        with pytest.raises(ValueError, match="openssl rand -hex 32"):
            parse_tokens(text)
