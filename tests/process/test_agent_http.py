"""The agent's HTTP on real sockets: both listeners, status codes, HEAD, ETag, errors, hostile clients."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import httpx
import pytest

from h2o_agent.history.past import Past
from h2o_agent.http.app import build
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from h2o_agent.snapshot import Told
from h2o_core.io.place import CannotStart
from h2o_core.pb.host_pb2 import History, HostStats
from tests.core.test_agent_views import BROKER, DEAD, NOW_S, child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot


class Served:
    """A real server of a host that stands as `now` says."""

    def __init__(self, directory: Path) -> None:
        self.now = snapshot(reported(), children=(child(),), register_problem="")
        self.refreshed = 0
        self.past = Past("host-1", directory / "history")
        self.socket = directory / "agent.sock"
        self.server = HttpServer("127.0.0.1", 0, str(self.socket))
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", timeout=10)

    def snapshot(self) -> Snapshot:
        return self.now

    async def refresh(self) -> None:
        self.refreshed += 1

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path)
    made.server.start(build(made, "0.1.0", Shelf(tmp_path / "logs", "host-1", "0.1.0"), past=made.past))
    yield made
    await made.client.aclose()
    await made.server.stop()
    await made.past.close()
    assert not made.socket.exists()


async def test_both_listeners_serve_the_same(served: Served):
    transport = httpx.AsyncHTTPTransport(uds=str(served.socket))
    async with httpx.AsyncClient(base_url="http://agent", transport=transport, timeout=10) as local:
        over_socket = await local.get("/instances")
    assert over_socket.content == (await served.get("/instances")).content
    assert stat.S_IMODE(served.socket.stat().st_mode) == 0o600
    assert served.refreshed == 2


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/health", "/stats", "/instances", "/features"])
async def test_head_has_the_status_and_length_of_get_and_no_body(served: Served, path: str):
    got, head = await served.get(path), await served.client.head(path)
    assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert got.content


async def test_the_past_is_read_as_json_and_as_protobuf(served: Served):
    said = await served.get("/history?resolution=60s&package=service/customer")
    assert (said.status_code, said.json()["resolution_s"], said.json()["series"]) == (200, 60.0, [])
    packed = await served.get("/history", Accept="application/x-protobuf")
    assert (said.headers["vary"], packed.headers["vary"]) == ("Accept", "Accept")
    assert History.FromString(packed.content).host == "host-1"
    wrong = await served.get("/history?resolution=5s")
    assert (wrong.status_code, wrong.json()["error"]) == (
        400,
        "resolution=5s is none; there are 1s, 10s, 60s, and whole minutes up to 3600s",
    )


async def test_a_child_is_shown_by_key_and_id(served: Served):
    served.now = snapshot(
        reported("i1"), reported("i2", launch="token-2"), children=(child(), child("b", token="token-2"))
    )
    assert (await served.get("/children/i1")).json()["key"] == "service.customer-abc123-1"
    assert (await served.get("/children/b")).json()["instance"]["id"] == "i2"
    unknown = await served.get("/children/nobody")
    assert (unknown.status_code, unknown.json()["hint"]) == (
        404,
        "its children: broker, service.customer-abc123-1, b",
    )
    assert (await served.get("/children/i")).status_code == 400


async def test_the_status_code_decides(served: Served):
    assert (await served.get("/health")).headers["content-type"] == "application/health+json"
    assert (await served.get("/health/service/customer")).status_code == 200
    served.now = snapshot(children=(DEAD,), register_problem="ZooKeeper does not answer")
    for path in ("/health", "/health/service/customer", "/readyz", "/healthz", "/readyz/register"):
        assert (await served.get(path)).status_code == 503, path
    for path in ("/livez", "/readyz/broker", "/readyz?exclude=register", "/readyz?verbose&exclude=a,register"):
        assert (await served.get(path)).status_code == 200, path
    assert (
        "[+]register excluded: ZooKeeper does not answer" in (await served.get("/readyz?exclude=register&verbose")).text
    )


@pytest.mark.parametrize("accept", ["application/json", "application/x-protobuf"])
async def test_stats_answers_304_while_nothing_happens(served: Served, accept: str):
    first = await served.get("/stats", accept=accept)
    etag = first.headers["etag"]
    assert (first.headers["content-type"], first.headers["vary"], etag[:3]) == (accept, "Accept", 'W/"')
    told = served.now.told
    assert told is not None
    told.report.now_s = NOW_S + 1  # a second later
    for tag in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        again = await served.get("/stats", **{"if-none-match": tag, "accept": accept})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    told.report.instances[0].in_flight += 1
    changed = await served.get("/stats", **{"if-none-match": etag, "accept": accept})
    assert (changed.status_code, changed.headers["etag"] != etag) == (200, True)
    assert served.refreshed == 0


async def test_stats_in_one_form_are_no_304_for_who_asks_for_the_other(served: Served):
    json_etag = (await served.get("/stats", accept="application/json")).headers["etag"]
    answer = await served.get("/stats", **{"if-none-match": json_etag, "accept": "application/x-protobuf"})
    assert answer.status_code == 200
    assert HostStats.FromString(answer.content).report.instances[0].instance == "i1"


async def test_stats_as_protobuf_without_a_broker_say_so_and_tell_the_rest(served: Served):
    served.now = snapshot(children=(DEAD,), broker=BROKER, told=None)
    answer = await served.get("/stats", accept="application/x-protobuf")
    stats = HostStats.FromString(answer.content)
    assert (answer.status_code, stats.HasField("report")) == (200, False)
    assert "does not answer yet" in stats.broker_problem
    assert [child.state for child in stats.children] == ["running", "backoff"]


@pytest.mark.parametrize("path", ["/stats", "/instances", "/features", "/hosts", "/instances?fleet=1"])
async def test_without_a_broker_there_is_a_sentence_and_liveness(served: Served, path: str):
    served.now = snapshot(broker=BROKER, told=None)
    answer = await served.get(path)
    assert answer.status_code == 503
    assert "does not answer yet" in answer.json()["error"]
    assert answer.json()["hint"]
    assert (await served.get("/livez")).status_code == 200


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", "\n"),
        # what Prometheus 2 sends
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "# EOF\n",
        ),
    ],
)
async def test_metrics_in_the_form_that_is_asked_for(served: Served, accept: str, content_type: str, end: str):
    answer = await served.get("/metrics", accept=accept)
    assert (answer.status_code, answer.headers["content-type"], answer.headers["vary"]) == (200, content_type, "Accept")
    assert "h2o_broker_up 1.0\n" in answer.text
    assert answer.text.endswith(end)
    served.now = snapshot(broker=BROKER, told=None)
    assert "h2o_broker_up 0.0\n" in (await served.get("/metrics")).text


async def test_discovery_is_a_list_for_prometheus(served: Served):
    served.now = snapshot(agents={"host-1": "127.0.0.1:8101"})
    answer = await served.get("/sd/prometheus")
    assert answer.headers["content-type"] == "application/json"
    assert [each["targets"] for each in answer.json()] == [["127.0.0.1:8101"]]


@pytest.mark.parametrize(
    ("path", "says"),
    [("/nope", "/instances"), ("/health/service/nobody", "h2o list"), ("/readyz/nope", "broker, register, staying")],
)
async def test_what_is_not_there_is_404_with_a_hint(served: Served, path: str, says: str):
    answer = await served.get(path)
    assert answer.status_code == 404
    assert says in answer.json()["hint"]


async def test_only_reading_is_possible(served: Served):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await served.client.request(method, "/instances")
        assert (answer.status_code, "GET and HEAD" in answer.json()["error"]) == (405, True)


async def test_a_defect_in_a_view_is_500_without_its_insides(served: Served, caplog: pytest.LogCaptureFixture):
    told = served.now.told
    assert told is not None
    served.now = snapshot(told=Told(told.report, told.picture, age_s=float("nan")))
    told.report.instances[0].pong_age_ms = float("nan")
    answer = await served.get("/health")
    assert (answer.status_code, "put this answer together" in answer.json()["error"]) == (500, True)
    assert "Traceback" in caplog.text
    assert (await served.get("/livez")).status_code == 200


async def test_an_http_1_0_client_gets_its_answer_and_the_end(served: Served):
    reader, writer = await asyncio.open_unix_connection(str(served.socket))
    writer.write(b"GET /instances HTTP/1.0\r\nHost: agent\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert b"\r\ncontent-length:" in answer
    assert answer.endswith(b"]}")
    writer.close()


async def test_a_taken_port_is_said(served: Served, tmp_path: Path):
    with pytest.raises(CannotStart, match=f"http_port {served.server.port}: Address already in use") as refused:
        HttpServer("127.0.0.1", served.server.port, str(tmp_path / "other.sock"))
    assert refused.value.exit_code == 2
