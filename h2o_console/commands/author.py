"""Who types, by their own account: what a program claims of its user where nobody checks it."""

from __future__ import annotations

import getpass
import os
import socket

from h2o_core.audit import Author


def author_of(program: str, reason: str) -> Author:
    """*program*: the command or screen that decides, ``h2o drain``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    host = socket.gethostname() or "unknown"
    return Author(f"{user}@{host}", f"{program} on {host}", reason)
