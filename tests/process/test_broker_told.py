"""An answer to ASK that is larger than a frame comes whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from h2o_core import envelope as wire
from h2o_core.io.client import Client
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.registration_pb2 import Register
from h2o_core.pb.stats_pb2 import Ask, Picture
from tests.support.broker import STRING, BrokerProcess, RawLink

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_picture_of_more_than_a_frame(tmp_path: Path) -> None:
    versions = [f"{number}.0.0" for number in range(20)]
    with BrokerProcess(tmp_path) as broker:
        links = [RawLink(broker.endpoint) for _ in versions]
        for link, version in zip(links, versions, strict=True):
            features = [
                Feature(name=f"/service/echo/{'x' * 50}{at}", request_type=STRING, reply_type=STRING)
                for at in range(500)
            ]
            manifest = Manifest(package="/service/echo", version=version, features=features)
            register = Register(manifest=manifest, slots=1, pid=os.getpid())
            link.send(wire.REGISTER, correlation=1, payload=register.SerializeToString())
            link.expect(wire.REGISTERED)
        async with Client(broker.endpoint) as client:
            body = await client.ask(Ask(what=Ask.PICTURE))
        for link in links:
            link.close()
    assert len(body) > wire.MAX_FRAME_BYTES
    assert {one.version for one in Picture.FromString(body).manifests} == set(versions)
