"""Which of the forms that a path has does a reader want? RFC 9110, section 12.5.1. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_RANGES: Final = 50
"""A header of more is no honest wish; what comes after is not looked at."""


def preferred(accept: str, offers: Sequence[str]) -> str:
    """The media type of *offers* (without parameters) that *accept* likes best; the first one when it likes none.

    Answering something is kinder than 406: a person with curl sees what there is.
    """
    ranges = [_parsed(each) for each in accept.split(",")[:_MOST_RANGES] if each.strip()]
    best, best_quality = offers[0], 0.0
    for offer in offers:
        quality = _quality(ranges, offer) if ranges else 0.0
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def _parsed(media_range: str) -> tuple[str, float]:
    """(the range in lower case, its q); what is no number counts as not wanted."""
    name, *parameters = media_range.split(";")
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return name.strip().lower(), quality if 0 <= quality <= 1 else 0.0


def _quality(ranges: list[tuple[str, float]], offer: str) -> float:
    """Of the most specific range that covers *offer*; 0 when none does."""
    family = offer.partition("/")[0]
    for covering in (offer, f"{family}/*", "*/*"):
        qualities = [quality for name, quality in ranges if name == covering]
        if qualities:
            return max(qualities)
    return 0.0
