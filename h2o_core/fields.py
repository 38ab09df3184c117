"""Fields that several documents have: names, ids, and the bounds of what they may say. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from h2o_core.names import from_dotted, parse_host, parse_package, parse_version

if TYPE_CHECKING:
    from h2o_core.documents import Reader

MOST_INSTANCES: Final = 4096
HIGHEST_PORT: Final = 65_535
LATEST_S: Final = 1e12
"""A Unix time above that is none."""
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""An id, a machine, an experiment's name, or a salt."""
DIGEST: Final = re.compile(r"[0-9a-f]{16,128}")
_NAMES_REMEMBERED: Final = 4096
"""A fleet's hosts name the same few hundred packages and versions again and again."""


def parse_own_host(reader: Reader) -> str:
    """`host`, which must be the one that the document's path ends in; raises InvalidDocument."""
    host = reader.name("host", parse_host)
    if host != reader.path.rsplit("/", 1)[-1]:
        reader.fail(f"it says that it is of host {host!r}")
    return host


def parse_package_name(reader: Reader) -> str:
    """`package`, ``service.customer`` → ``/service/customer``; raises InvalidDocument."""
    return reader.name("package", remembered_package)


@lru_cache(_NAMES_REMEMBERED)
def remembered_package(name: str) -> str:
    """``service.customer`` → ``/service/customer``; raises InvalidName."""
    return parse_package(from_dotted(name))


remembered_version = lru_cache(_NAMES_REMEMBERED)(parse_version)


def parse_moment(reader: Reader, key: str) -> float:
    """A Unix time in seconds, or 0; raises InvalidDocument."""
    moment_s = reader.number(key)
    if moment_s > LATEST_S:
        reader.fail(f"{key} is {moment_s:.0e}; a Unix time in seconds is needed, or 0")
    return moment_s
