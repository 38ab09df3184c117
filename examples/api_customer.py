"""api/customer: what the outside world calls. It decides nothing; it asks, and puts answers together."""

from __future__ import annotations

import asyncio

from examples.messages.customer_pb2 import Customer, CustomerId
from examples.messages.geo_pb2 import Place, Position
from examples.messages.payment_pb2 import Charge, Charged
from examples.messages.profile_pb2 import Profile
from examples.messages.registration_pb2 import Registered, Registration
from h2o_service import H2OError, Package

package = Package("/api/customer", version="5.1.0")


@package.feature("register", mean_ms=20, upper95_ms=100, errors=["invalid_email"])
async def register(request: Registration) -> Registered:
    """Through the orchestration: it knows the order of things."""
    return await package.client.call("/orchestration/registration/register", request, Registered)


@package.feature("profile", idempotent=True, mean_ms=160, upper95_ms=300, errors=["not_found"])
async def profile(request: CustomerId) -> Profile:
    """The record, and a position when the slow service has one: two answers are better than none."""
    customer = await package.client.call("/service/customer/retrieve", request, Customer)
    try:
        place = Place(locale=customer.locale)
        position = await package.client.call("/service/geo/locate", place, Position, timeout_s=0.4)
    except H2OError:
        return Profile(customer=customer)
    return Profile(customer=customer, position=position)


@package.feature("pay", mean_ms=8, upper95_ms=40, errors=["not_found", "card_refused"])
async def pay(request: Charge) -> Charged:
    """Charge somebody who exists: two calls at once, and both have to succeed."""
    _, charged = await asyncio.gather(
        package.client.call("/service/customer/retrieve", CustomerId(id=request.customer_id), Customer),
        package.client.call("/service/payment/charge", request, Charged),
    )
    return charged


if __name__ == "__main__":
    package.run()
