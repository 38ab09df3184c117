"""service/customer 1.4.2, the version before: four features, and no look at what an e-mail address looks like."""

from __future__ import annotations

import os
from pathlib import Path

from examples.customer_store import CustomerStore
from examples.messages.customer_pb2 import Customer, CustomerId, Deleted, NewCustomer
from h2o_service import ApplicationError, Package

package = Package("/service/customer", version="1.4.2")
store = CustomerStore(Path(os.environ.get("CUSTOMER_DB", "customer.db")))
package.on_stop(store.close)


@package.feature("create", mean_ms=5, upper95_ms=50)
def create(request: NewCustomer) -> Customer:
    """Plain `def`: it may wait for the file's lock, so it runs in a thread."""
    return store.create(request)


@package.feature("retrieve", idempotent=True, mean_ms=5, upper95_ms=20, errors=["not_found"])
async def retrieve(request: CustomerId) -> Customer:
    """A read of some 20 µs: no thread needed."""
    customer = store.retrieve(request.id)
    if customer is None:
        raise ApplicationError("not_found", f"no customer {request.id}")
    return customer


@package.feature("update", idempotent=True, mean_ms=5, upper95_ms=50, errors=["not_found"])
def update(request: Customer) -> Customer:
    """Replace the whole record."""
    if not store.update(request):
        raise ApplicationError("not_found", f"no customer {request.id}")
    return request


@package.feature("delete", mean_ms=5, upper95_ms=50, errors=["not_found"])
def delete(request: CustomerId) -> Deleted:
    """Deleting twice is an error: the second caller may have meant another one."""
    if not store.delete(request.id):
        raise ApplicationError("not_found", f"no customer {request.id}")
    return Deleted(id=request.id)


if __name__ == "__main__":
    package.run()
