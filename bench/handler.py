"""What every lane's worker does with a request, and what every client checks in a reply."""

from __future__ import annotations

from typing import Final

from bench.load import WrongReply
from bench.messages_pb2 import Customer, CustomerId

PACKAGE: Final = "/service/bench"
FEATURE: Final = "/service/bench/retrieve"
SLOTS: Final = 256
"""As many as the most that are in flight: no lane queues in its server."""


def customer(request: CustomerId) -> Customer:
    """A reply of about 200 bytes."""
    return Customer(
        id=request.id,
        name="Ada Byron, Countess of Lovelace",
        email="ada.lovelace@analytical-engine.example",
        phone="+44 20 7946 0958",
        street="12 St James's Square, Westminster",
        city="London SW1Y 4JH",
        country="United Kingdom",
        created_s=1_700_000_000,
        labels=["founder", "premium"],
    )


def check(request_id: int, reply: Customer) -> None:
    """Raise WrongReply unless *reply* answers *request_id*."""
    if reply.id != request_id:
        msg = f"asked for customer {request_id}, got {reply.id}"
        raise WrongReply(msg)
