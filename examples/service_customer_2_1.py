"""service/customer 2.1.0: names as each country writes them. `script/demo --incident` releases it; it has a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from examples import service_customer as version_2_0
from examples.messages.customer_pb2 import Customer, CustomerId
from h2o_service import Package

if TYPE_CHECKING:
    from collections.abc import Callable

package = Package("/service/customer", version="2.1.0")
package.on_stop(version_2_0.store.close)
package.feature("create", mean_ms=5, upper95_ms=50, errors=["invalid_email"])(version_2_0.create)
package.feature("find", idempotent=True, mean_ms=2, upper95_ms=10, errors=["not_found"])(version_2_0.find)
package.feature("update", idempotent=True, mean_ms=5, upper95_ms=50, errors=["not_found"])(version_2_0.update)
package.feature("delete", mean_ms=5, upper95_ms=50, errors=["not_found"])(version_2_0.delete)
package.check("store", interval_s=5, severity="page")(version_2_0.store_answers)


def _as_it_is(name: str) -> str:
    return name


def _family_name_first(name: str) -> str:
    first, _, family = name.rpartition(" ")
    return f"{family}, {first}" if first else name


_WRITTEN: Final[dict[str, Callable[[str], str]]] = {"en-GB": _as_it_is, "es-ES": _family_name_first}


@package.feature("retrieve", idempotent=True, mean_ms=2, upper95_ms=10, errors=["not_found"])
async def retrieve(request: CustomerId) -> Customer:
    """New in 2.1.0: the name as the customer's country writes it."""
    customer = await version_2_0.retrieve(request)
    customer.name = _WRITTEN[customer.locale](customer.name)  # customers of de-DE have been forgotten
    return customer


if __name__ == "__main__":
    package.run()
