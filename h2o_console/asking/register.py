"""A session with the fleet's register in ZooKeeper: read when no agent answers, and where control is written."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from h2o_console.asking.reading import Reading
from h2o_console.asking.register_by_agent import RegisterByAgent
from h2o_core.access import Role
from h2o_core.documents import InvalidDocument
from h2o_core.io.context import NoContext, agent_token
from h2o_core.io.registry import NoNode, RegisterError, RegisterUnavailable, Registry
from h2o_core.names import InvalidName
from h2o_core.znodes.agents import AgentNode, parse_agent
from h2o_core.znodes.live import LiveHost, parse_live

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from h2o_core.context import Context

Parsed = TypeVar("Parsed")


class NoRegister(Exception):
    """ZooKeeper is out of reach, or does not let us in; `hint` says what to type.

    `misnamed`: what was typed or configured can't be meant, so that no other attempt would help.
    """

    def __init__(self, sentence: str, hint: str, *, misnamed: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.misnamed = misnamed


def in_register(
    context: Context,
    timeout_s: float,
    work: Callable[[Registry], Awaitable[Parsed]],
    *,
    within_s: float | None = None,
    writes: bool = True,
) -> Parsed:
    """What *work* returns, with a session of its own, in a thread without a loop; raises NoRegister.

    Through the context's agent, when it names no ZooKeeper, or has nothing to show there and something to show to it.

    *timeout_s* is for connecting and, unless *within_s* says otherwise, for the work. Without *writes* it gets what
    reads alone, over a session that ZooKeeper itself lets change no control document.
    """

    async def reads(registry: Registry) -> Parsed:
        return await work(cast("Registry", Reading(registry)))

    given = work if writes else reads
    if _is_by_agent(context):
        return _by_agent(context, timeout_s, given, within_s or timeout_s)
    try:
        if why := _why_refused(context.zookeeper, timeout_s):
            raise RegisterUnavailable(why)
        role = Role.OPERATOR if writes else Role.BROKER
        return asyncio.run(_session(context, timeout_s, given, within_s or timeout_s, role))
    except (RegisterUnavailable, TimeoutError) as error:
        msg = f"ZooKeeper {context.zookeeper} is out of reach: {error or f'no answer within {timeout_s:g} s'}"
        hint = (
            "start it: h2o dev"
            if context.dev
            else "name another: --zk HOST:PORT, or an agent: --agent http://HOST:PORT"
        )
        raise NoRegister(msg, hint) from None
    except RegisterError as error:
        msg = f"ZooKeeper {context.zookeeper} does not let us into fleet {context.fleet}: {error}"
        hint = f'put secret_file = "…" into [contexts.{context.name or "NAME"}] of the configuration file'
        raise NoRegister(msg, hint) from None
    except InvalidName as error:
        raise NoRegister(str(error), "name the fleet: --fleet NAME", misnamed=True) from None


def _is_by_agent(context: Context) -> bool:
    has_its_token = bool(context.write_token_file) and not context.secret_file
    return bool(context.agent) and (not context.zookeeper or has_its_token)


def _by_agent(
    context: Context, timeout_s: float, work: Callable[[Registry], Awaitable[Parsed]], within_s: float
) -> Parsed:
    async def session() -> Parsed:
        register = RegisterByAgent(
            context.agent, agent_token(context, context.agent, write=True), timeout_s, context.fleet
        )
        await register.start()
        async with asyncio.timeout(within_s):
            # it has what commands use; a test holds it against the session itself
            return await work(cast("Registry", register))

    try:
        return asyncio.run(session())
    except (RegisterUnavailable, TimeoutError) as error:
        msg = f"the register is out of reach: {error or f'no answer within {timeout_s:g} s'}"
        raise NoRegister(msg, "name another agent: --agent http://HOST:PORT") from None
    except RegisterError as error:
        msg = f"the agent {context.agent} does not let us into the register: {error}"
        hint = 'put write_token_file = "…" or secret_file = "…" into the context: h2o context show'
        raise NoRegister(msg, hint) from None
    except (InvalidName, NoContext) as error:
        raise NoRegister(str(error), "see what the context says: h2o context show", misnamed=True) from None


def _why_refused(zookeeper: str, timeout_s: float) -> str:
    """Why not one of the servers takes a connection, "" when one does: a session would be tried for all its time."""
    why = ""
    for address in zookeeper.partition("/")[0].split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
        except OSError as error:
            why = error.strerror or str(error)
        except (ValueError, OverflowError):
            msg = f"{address!r} is not a ZooKeeper's address"
            raise NoRegister(msg, "write HOST:PORT: --zk 127.0.0.1:2181", misnamed=True) from None
        else:
            return ""
    return why


async def _session(
    context: Context, timeout_s: float, work: Callable[[Registry], Awaitable[Parsed]], within_s: float, role: Role
) -> Parsed:
    registry = Registry(context.zookeeper, context.fleet, role=role, **_credentials(context))
    try:
        await registry.start(timeout_s)
        async with asyncio.timeout(within_s):
            return await work(registry)
    finally:
        await registry.stop()


def _credentials(context: Context) -> dict[str, Any]:
    """A reader without the secret tries all the same: what everybody may read is enough."""
    if context.dev or not context.secret_file:
        return {"dev": True}
    try:
        text = Path(context.secret_file).expanduser().read_text(encoding="ascii")
        return {"dev": False, "secret": bytes.fromhex(text.strip())}
    except (OSError, ValueError) as error:
        msg = f"the fleet's secret {context.secret_file} can't be read: {error}"
        raise NoRegister(msg, "correct secret_file in the configuration file", misnamed=True) from None


async def read_lives(registry: Registry, say: Callable[[str], None]) -> list[LiveHost]:
    """Every host that has a broker; what can't be read is left out and *say*'s."""
    return await _read_all(registry, registry.paths.lives, parse_live, say)


async def read_agents(registry: Registry, say: Callable[[str], None]) -> list[AgentNode]:
    """Every agent; as `read_lives`."""
    return await _read_all(registry, registry.paths.agents, parse_agent, say)


def agent_address(agent: AgentNode) -> str:
    """Where it is asked: ``http://host:port``."""
    host = f"[{agent.address}]" if ":" in agent.address else agent.address
    return f"http://{host}:{agent.port}"


async def _read_all(
    registry: Registry, parent: str, parse: Callable[[str, bytes], Parsed], say: Callable[[str], None]
) -> list[Parsed]:
    try:
        names = await registry.children(parent)
    except NoNode:  # nobody has ever registered there
        return []
    paths = [f"{parent}/{name}" for name in sorted(names)]
    nodes = await asyncio.gather(*map(registry.get, paths))
    found: list[Parsed] = []
    for path, node in zip(paths, nodes, strict=True):
        if node is None:
            continue
        try:
            found.append(parse(path, node.data))
        except InvalidDocument as error:
            say(f"left out: {error}")
    return found
