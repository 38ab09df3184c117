"""`h2o-broker --host-file FILE`: the one data-plane process of a host."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_core.ejection import DEFAULT
from h2o_core.hostfile import HostFile, InvalidHostFile, parse_hostfile
from h2o_core.io.logs import Resource, configure
from h2o_core.io.version import own_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.ejection import Policy

log = logging.getLogger("h2o_broker")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit: 0 orderly, 1 crash, 2 bad configuration, 3 another broker has the place."""
    parser = argparse.ArgumentParser(prog="h2o-broker", description="The local router of one H2O host.")
    parser.add_argument("--host-file", required=True, help="TOML file that says what this host is (docs/hosts.md)")
    parser.add_argument("--verbose", action="store_true", help="log every instance that comes and goes")
    parser.add_argument(
        "--ejected-for",
        type=float,
        default=DEFAULT.first_s,
        metavar="SECONDS",
        help="how long an instance that fails gets no requests, the first time (default: %(default)g)",
    )
    options = parser.parse_args(argv)
    try:
        hostfile = parse_hostfile(Path(options.host_file).read_text())
    except (OSError, InvalidHostFile) as error:
        return _refuse(f"{options.host_file}: {error}", 2)
    of_host = Resource("broker", own_version(), f"{hostfile.host}/broker", hostfile.host)
    configure(of_host, logging.INFO if options.verbose else logging.WARNING)
    import uvloop  # noqa: PLC0415 - `--help` and a bad host file need no loop

    return uvloop.run(_serve(hostfile, replace(DEFAULT, first_s=options.ejected_for)))


def _refuse(sentence: str, exit_code: int) -> int:
    sys.stderr.write(f"h2o-broker: {sentence}\n")
    return exit_code


async def _serve(hostfile: HostFile, ejection: Policy) -> int:
    from h2o_broker.broker import Broker  # noqa: PLC0415 - as above
    from h2o_broker.register.live_node import ForeignHost  # noqa: PLC0415
    from h2o_core.io.place import CannotStart, allow_many_files, prepare_directories, take_lock  # noqa: PLC0415
    from h2o_core.io.registry import RegisterRefused  # noqa: PLC0415
    from h2o_core.io.stream import EndpointTaken  # noqa: PLC0415

    try:
        prepare_directories(hostfile)
        take_lock(hostfile, "broker")
        allow_many_files()
        broker = Broker(hostfile, ejection)
    except CannotStart as error:
        return _refuse(str(error), error.exit_code)
    except RegisterRefused as error:
        return _refuse(str(error), 2)
    serving = asyncio.ensure_future(broker.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except (ForeignHost, EndpointTaken) as error:
        return _refuse(str(error), 3)
    except CannotStart as error:
        return _refuse(str(error), error.exit_code)
    except RegisterRefused as error:
        return _refuse(str(error), 2)
    finally:
        await broker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
