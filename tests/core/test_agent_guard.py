"""Who may read an agent: this machine, whoever has the token, and no page of another origin."""

from __future__ import annotations

from typing import Any

import pytest

from h2o_agent.http.guard import Guard
from h2o_core.access import parse_tokens, read_token

TOKEN = read_token(bytes(32), "prod")
OTHER = "another-token-that-is-long"
GUARD = Guard((TOKEN, OTHER), ("host-1", "h.example.org"))
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


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
def test_nothing_but_reading(method: str):
    assert status(None, method=method) == status(ELSEWHERE, "/livez", method=method) == 405
    assert status(None, method="HEAD") == 200


def test_the_token_follows_from_secret_and_fleet():
    assert len({TOKEN, read_token(bytes(32), "qa"), read_token(bytes(33), "prod")}) == 3
    assert TOKEN == "9268248b5a07edce9fb8d86b4b6afb4219c8a52cd5d8ae4d8534dea4790d78c5"  # what other machines hold


def test_a_token_file_holds_one_a_line():
    assert parse_tokens(f"\n{TOKEN}\n {OTHER} \n") == (TOKEN, OTHER)
    for text in ("", "\n", "short", f"{TOKEN} {OTHER}", "x" * 20 + "\x1b"):
        with pytest.raises(ValueError, match="openssl rand -hex 32"):
            parse_tokens(text)
