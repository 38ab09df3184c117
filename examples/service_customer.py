"""service/customer 2.0.0: create, retrieve, find, update and delete customers. Leaf: it calls nobody."""

from __future__ import annotations

import os
from pathlib import Path

from examples.customer_store import CustomerStore
from examples.messages.customer_pb2 import Customer, CustomerId, Deleted, EmailAddress, NewCustomer
from h2o_service import ApplicationError, Package

package = Package("/service/customer", version="2.0.0")
store = CustomerStore(Path(os.environ.get("CUSTOMER_DB", "customer.db")))
package.on_stop(store.close)


@package.feature("create", mean_ms=5, upper95_ms=50, errors=["invalid_email"])
def create(request: NewCustomer) -> Customer:
    """Plain `def`: it may wait for the file's lock, so it runs in a thread."""
    if "@" not in request.email:
        raise ApplicationError("invalid_email", f"{request.email!r} is not an e-mail address")
    return store.create(request)


@package.feature("retrieve", idempotent=True, mean_ms=2, upper95_ms=10, errors=["not_found"])
async def retrieve(request: CustomerId) -> Customer:
    """A read of some 20 µs: no thread needed."""
    return _found(store.retrieve(request.id), f"customer {request.id}")


@package.feature("find", idempotent=True, mean_ms=2, upper95_ms=10, errors=["not_found"])
async def find(request: EmailAddress) -> Customer:
    """New in 2.0.0: by e-mail address."""
    return _found(store.find(request.email), request.email)


@package.feature("update", idempotent=True, mean_ms=5, upper95_ms=50, errors=["not_found"])
def update(request: Customer) -> Customer:
    """Replace the whole record."""
    return _found(request if store.update(request) else None, f"customer {request.id}")


@package.feature("delete", mean_ms=5, upper95_ms=50, errors=["not_found"])
def delete(request: CustomerId) -> Deleted:
    """Deleting twice is an error: the second caller may have meant another one."""
    if not store.delete(request.id):
        raise ApplicationError("not_found", f"no customer {request.id}")
    return Deleted(id=request.id)


@package.check("store", interval_s=5, severity="page")
def store_answers() -> None:
    """A read of the file; it raises when the file is gone or locked for good."""
    store.retrieve(0)


def _found(record: Customer | None, what: str) -> Customer:
    if record is None:
        raise ApplicationError("not_found", f"no {what}")
    return record


if __name__ == "__main__":
    package.run()
