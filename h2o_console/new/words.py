"""The words that a new package is written in, from its name: modules, messages, prose. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from h2o_core.names import parse_package, tier_of

_TAKEN: Final = frozenset({"None", "True", "False", "Package", "ApplicationError"})
"""What a message can't be called in a module that imports it beside the SDK's names."""
_PLACEHOLDER: Final = re.compile(r"caller|wid-get|widget|Widget|WIDGET")


@dataclass(frozen=True, slots=True)
class Words:
    """A package's name in the forms that its files need. Made by `words`."""

    tier: str
    service: str
    """As it was typed: ``invoice-line``."""
    snake: str
    """In modules and in protobuf's names: ``invoice_line``."""
    camel: str
    """In messages: ``InvoiceLine``."""

    @property
    def name(self) -> str:
        """``service/invoice-line``."""
        return f"{self.tier}/{self.service}"

    @property
    def directory(self) -> str:
        """``service-invoice-line``: two tiers of one service can lie side by side."""
        return f"{self.tier}-{self.service}"

    @property
    def module(self) -> str:
        """``service_invoice_line``."""
        return f"{self.tier}_{self.snake}"

    def fill(self, template: str) -> str:
        """A template's text with this package's words: ``caller``, ``wid-get``, ``widget`` and so on replaced."""
        means = {
            "caller": self.tier,
            "wid-get": self.service,
            "widget": self.snake,
            "Widget": self.camel,
            "WIDGET": self.camel.upper(),
        }
        return _PLACEHOLDER.sub(lambda found: means[found[0]], template)


def words(package: str) -> Words:
    """``/service/invoice-line`` → its words; raises InvalidName."""
    service = parse_package(package).rpartition("/")[2]
    snake = service.replace("-", "_")
    camel = "".join(part.capitalize() for part in snake.split("_"))
    return Words(tier_of(package).value, service, snake, f"{camel}Record" if camel in _TAKEN else camel)
