"""Which version of this distribution runs."""

from __future__ import annotations

from typing import Final

DISTRIBUTION: Final = "h2o-console"


def own_version() -> str:
    """Of this distribution; "0" in a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms that not everybody needs

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0"
