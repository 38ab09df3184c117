"""What a host file means in processes: for each child its argv, environment and log file. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from h2o_agent.order import BROKER
from h2o_core.limits import NO_LIMITS
from h2o_core.names import dotted, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.hostfile import HostFile, InstanceSpec
    from h2o_core.limits import Limits

LAUNCH_VARIABLE: Final = "H2O_LAUNCH"
CHILD_VARIABLE: Final = "H2O_CHILD"
"""``<run directory>#<key>``: whose child it is, for an agent that has lost its ledger."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How one child is started. `package` is as shown (``service/customer``), empty for the broker."""

    key: str
    package: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    log: str
    limits: Limits = NO_LIMITS


def launches(hostfile: HostFile, hostfile_path: str, python: str) -> tuple[Launch, ...]:
    """The broker and then every instance that the host file wants."""
    logs = PurePath(hostfile.state_dir) / "logs"
    plan = [
        Launch(
            key=BROKER,
            package="",
            argv=(python, "-m", "h2o_broker", "--host-file", hostfile_path),
            env={},
            cwd="",
            log=str(logs / f"{BROKER}.log"),
        )
    ]
    ours = {"H2O_BROKER": hostfile.run_dir, "H2O_HOST": hostfile.host, "H2O_FLEET": hostfile.fleet}
    ours["H2O_DEV"] = "1" if hostfile.dev else ""  # said in any case: never inherited from the agent's own environment
    seen: Counter[str] = Counter()
    for spec in hostfile.instances:
        stem = _stem(spec)
        for _ in range(spec.count):
            seen[stem] += 1
            key = f"{stem}-{seen[stem]}"
            # so that a log line is in the file when it is written, not 8 KiB later; an author may say otherwise
            env = {"PYTHONUNBUFFERED": "1", **spec.env, **ours}
            log = str(logs / f"{key}.log")
            plan.append(Launch(key, shown(spec.package), spec.command, env, spec.cwd, log, spec.limits))
    return tuple(plan)


def _stem(spec: InstanceSpec) -> str:
    """Package and a digest of how it is started: a changed command is another child, never the old one's heir."""
    parts: list[object] = [spec.command, sorted(spec.env.items()), spec.cwd]
    if spec.limits != NO_LIMITS:  # only then: a child of before there were limits is adopted as it is
        parts.append(spec.limits.document())
    recipe = json.dumps(parts).encode()
    return f"{dotted(spec.package)}-{blake2b(recipe, digest_size=3).hexdigest()}"
