"""`h2o-agent --host-file FILE`: the one HTTP service of a host, and the keeper of its processes."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_core.hostfile import InvalidHostFile, parse_hostfile
from h2o_core.names import InvalidName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.hostfile import HostFile


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the host file again.

    Exit: 0 orderly, 1 crash, 2 bad configuration, 3 another agent has the place.
    """
    parser = argparse.ArgumentParser(
        prog="h2o-agent", description="Starts a host's broker and instances, keeps them running, answers for them."
    )
    parser.add_argument("--host-file", required=True, metavar="FILE", help="TOML file that says what this host is")
    parser.add_argument(
        "--grace", type=float, default=10.0, metavar="SECONDS", help="for instances to finish when the host leaves (10)"
    )
    parser.add_argument("--quiet", action="store_true", help="log what goes wrong, and nothing else")
    options = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # a stranger's bad request is no news
    path = Path(options.host_file).absolute()
    try:
        hostfile = parse_hostfile(path.read_text())
    except (OSError, UnicodeDecodeError, InvalidHostFile) as error:
        return _refuse(f"{options.host_file}: {error}", 2)
    return asyncio.run(_serve(hostfile, str(path), options.grace))


def _refuse(sentence: str, exit_code: int) -> int:
    sys.stderr.write(f"h2o-agent: {sentence}\n")
    return exit_code


def _log_to_file(hostfile: HostFile) -> None:
    """Beside the children's logs, so that `h2o logs` shows the agent's lines too."""
    from h2o_core.io.logs import Resource, also_to  # noqa: PLC0415 - as below
    from h2o_core.io.version import own_version  # noqa: PLC0415

    try:
        resource = Resource("agent", own_version(), f"{hostfile.host}/agent", hostfile.host)
        also_to(str(Path(hostfile.state_dir) / "logs" / "agent.log"), resource)
    except OSError as error:
        logging.getLogger(__name__).error("no agent.log: %s", error)  # noqa: TRY400 - the sentence says it all


async def _serve(hostfile: HostFile, path: str, grace_s: float) -> int:
    try:
        from h2o_agent.agent import Agent  # noqa: PLC0415 - `--help` and a bad host file need none of it
    except ModuleNotFoundError as error:
        return _refuse(f"{error.name} is not installed; an agent needs it: pip install 'h2o-console[host]'", 2)
    from h2o_agent.lifecycle import Policy  # noqa: PLC0415
    from h2o_core.io.place import CannotStart, prepare_directories, take_lock  # noqa: PLC0415
    from h2o_core.register import RegisterError  # noqa: PLC0415

    try:
        prepare_directories(hostfile)
        take_lock(hostfile, "agent")
        _log_to_file(hostfile)
        agent = Agent(hostfile, path, Policy(grace_s=grace_s))
    except CannotStart as error:
        return _refuse(str(error), error.exit_code)
    except (RegisterError, InvalidName) as error:
        return _refuse(f"{path}: {error}", 2)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.leave)
    loop.add_signal_handler(signal.SIGHUP, agent.reload)
    await agent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
