"""A feature that no pool has: nobody's, a package's that has none of that name, or not known here yet."""

from __future__ import annotations

import pytest

from h2o_core.envelope import ANSWER
from h2o_core.errors import Code, Executed
from h2o_core.pb.answer_pb2 import Failure
from tests.support.switches import PACKAGE, Broker

NEW = f"{PACKAGE}/brand_new"


@pytest.mark.parametrize(
    ("feature", "version", "code", "says"),
    [
        ("/service/nobody/do", "", Code.NO_ROUTE, "no package of that name"),
        (NEW, "", Code.NOT_FOUND, "service/customer has no feature of that name"),
        (NEW, "2.0.0", Code.NOT_FOUND, "service/customer has no feature of that name"),
        (NEW, "3.0.0", Code.UNAVAILABLE, "does not know yet what service/customer 3.0.0 has"),
    ],
    ids=["nobody's", "no such feature", "nor of what runs elsewhere", "runs elsewhere, and is not read yet"],
)
def test_what_is_said_of_a_feature_that_is_not_known(feature: str, version: str, code: Code, says: str) -> None:
    broker = Broker()
    if version:
        broker.there("host-2", "x", version)
    back = broker.sends(name=feature)
    assert (back.type, back.code, back.flags & 3) == (ANSWER, code, Executed.NO)
    assert says in Failure.FromString(back.payload).message
