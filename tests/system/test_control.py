"""What operators decide, on real brokers whose ZooKeeper can be cut off: who was away catches up, and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from tests.support.broker import eventually
from tests.support.control import decide
from tests.support.hosts import Hosts, in_file, proxied, register, registered

if TYPE_CHECKING:
    from h2o_core.io.registry import Registry
    from tests.support.broker import RawLink

FAR = 70
"""More changes than the epoch's node lists."""


def weights(parts: int) -> dict[str, bytes | None]:
    traffic = Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000 - parts), ("2.0.0", parts)))
    return {"control/traffic/service.echo": encode_traffic(traffic)}


def avoided(host: str) -> dict[str, bytes | None]:
    return {f"control/hosts/{host}": encode_host_control(HostControl(host, HostState.AVOID, "ada"))}


def standing(client: RawLink) -> tuple[int, int, list[str], str]:
    report = client.report()
    return report.epoch, report.epoch_seen, list(report.unapplied), report.register.state


def test_who_was_away_catches_up_and_remembers_it_without_zookeeper(hosts: Hosts, zookeeper: str) -> None:
    with proxied(zookeeper) as proxy:
        broker = hosts.start("host-1", proxy.address)
        client = hosts.link()
        eventually(lambda: register(client).picture_age_s == 0, "the register is made and read")
        assert registered(zookeeper, hosts.fleet, lambda registry: decide(registry, weights(1111))) == 1
        eventually(lambda: standing(client) == (1, 1, [], "connected"), "the first change is applied")

        for expected, changes in (
            (3, [weights(2222), avoided("host-9")]),
            (3 + FAR, [weights(at) for at in range(FAR)]),
        ):
            proxy.cut()
            eventually(lambda: register(client).state != "connected", "it is cut off")

            async def write(registry: Registry, these: list[dict[str, bytes | None]] = changes) -> int:
                return [await decide(registry, one) for one in these][-1]

            assert registered(zookeeper, hosts.fleet, write) == expected
            assert client.report().epoch < expected
            proxy.resume()
            eventually(lambda at=expected: standing(client) == (at, at, [], "connected"), f"{expected} is applied")
        eventually(lambda: in_file(broker, f'"parts":{FAR - 1},"version":"2.0.0"'), "the last weights are in the file")
        assert in_file(broker, '"host":"host-9"'), "and what was not written anew"

        client.close()
        proxy.cut()
        broker.kill()
        broker.start()
        client = hosts.link()
        eventually(lambda: register(client).from_file, "it serves from the file")
        assert standing(client)[:3] == (3 + FAR, 0, [])
        proxy.resume()
        registered(zookeeper, hosts.fleet, lambda registry: decide(registry, {"control/hosts/host-9": None}))
        eventually(lambda: standing(client) == (4 + FAR, 4 + FAR, [], "connected"), "the register is read")
        eventually(lambda: not in_file(broker, '"host":"host-9"'), "what has ended is out of the file")


def test_who_joins_has_control_before_it_registers(hosts: Hosts, zookeeper: str) -> None:
    hosts.start("host-1", zookeeper)
    client = hosts.link()
    eventually(lambda: register(client).picture_age_s == 0, "the register is made and read")
    assert registered(zookeeper, hosts.fleet, lambda registry: decide(registry, weights(5))) == 1

    async def joins(registry: Registry) -> int:
        """What it applies at the moment that its node appears."""
        seen: list[str] = []
        registry.mirror(registry.paths.lives, lambda event: seen.append(getattr(event, "name", "")))
        hosts.start("host-2", zookeeper)
        link = hosts.link("host-2")
        while "host-2" not in seen:
            assert link.report().epoch in {0, 1}
            await registry.sync()
        return link.report().epoch

    assert registered(zookeeper, hosts.fleet, joins) == 1
