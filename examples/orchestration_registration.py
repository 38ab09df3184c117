"""orchestration/registration: creates a customer through one service, then confirms it through another."""

from __future__ import annotations

from examples.messages.customer_pb2 import Customer, NewCustomer
from examples.messages.email_pb2 import Message, Receipt
from examples.messages.registration_pb2 import Registered, Registration
from h2o_service import Package

package = Package("/orchestration/registration", version="1.0.3")


@package.feature("register", mean_ms=15, upper95_ms=80, errors=["invalid_email"])
async def register(request: Registration) -> Registered:
    """One after the other: nobody gets an e-mail about a record that does not exist."""
    new = NewCustomer(name=request.name, email=request.email, locale=request.locale)
    customer = await package.client.call("/service/customer/create", new, Customer)
    message = Message(to=customer.email, subject="Welcome", body=f"You are customer {customer.id}.")
    receipt = await package.client.call("/service/email/send", message, Receipt)
    return Registered(customer=customer, confirmation=receipt.message_id)


if __name__ == "__main__":
    package.run()
