"""C ``zmq.proxy`` between a ROUTER for clients and a DEALER for workers: what a broker costs that decides nothing.

``python -m bench.proxy CLIENTS WORKERS`` binds both addresses and runs until killed.
"""

from __future__ import annotations

import sys
from typing import Final

import zmq

_HIGH_WATER: Final = 65_536
"""As the broker's sockets (h2o_core.io.wire)."""


def main(clients: str, workers: str) -> None:
    """Run the proxy; it never returns."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    ends = ((context.socket(zmq.ROUTER), clients), (context.socket(zmq.DEALER), workers))
    for socket, endpoint in ends:
        socket.set_hwm(_HIGH_WATER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(endpoint)
    zmq.proxy(ends[0][0], ends[1][0])


if __name__ == "__main__":
    main(*sys.argv[1:])
