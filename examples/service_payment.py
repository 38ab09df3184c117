"""service/payment, the one that sometimes fails: declared refusals, and now and then a bug."""

from __future__ import annotations

import random
from uuid import uuid4

from examples.messages.payment_pb2 import Charge, Charged
from h2o_service import ApplicationError, Package

package = Package("/service/payment", version="3.2.0")

_REFUSED = 0.06
_BUG = 0.03


@package.feature("charge", mean_ms=3, upper95_ms=15, errors=["card_refused"])
async def charge(request: Charge) -> Charged:
    """Charge a customer's card. A refusal is an outcome (APPLICATION), a bug is an error (INTERNAL)."""
    dice = random.random()
    if dice < _REFUSED:
        raise ApplicationError("card_refused", "the bank said no")
    if dice < _REFUSED + _BUG:
        msg = f"no currency for customer {request.customer_id}"
        raise KeyError(msg)
    return Charged(charge_id=uuid4().hex)


if __name__ == "__main__":
    package.run()
