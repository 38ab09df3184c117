"""Errors say whose fault, whether it ran, whether a retry is safe, and what to type next."""

from __future__ import annotations

import pytest
from google.protobuf.empty_pb2 import Empty

from h2o_core.errors import MEANINGS, ApplicationError, Code, Executed, H2OError, hint_for
from h2o_core.pb.answer_pb2 import Failure
from h2o_service.failures import failure_of
from h2o_service.feature import Promise, declare


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Code)


@pytest.mark.parametrize("code", list(Code))
def test_hints_name_the_feature_or_say_nothing(code: Code) -> None:
    hint = hint_for(code, "/service/customer/retrieve")
    assert "{" not in hint
    assert "{" not in hint_for(code, "")


def test_the_text_says_where_and_what_next() -> None:
    error = H2OError(
        "no answer before the deadline",
        code=Code.TIMEOUT,
        feature="/service/customer/retrieve",
        host="host-1",
        instance="0123456789abcdef",
        version="1.4.2",
        request_id="ab" * 16,
    )
    assert str(error).splitlines() == [
        "service/customer/retrieve: TIMEOUT: no answer before the deadline "
        "(host host-1 instance 01234567 version 1.4.2 request " + "ab" * 16 + ")",
        "  see its times: h2o stats service/customer",
    ]


@pytest.mark.parametrize(
    ("code", "executed", "idempotent", "safe"),
    [
        (Code.NO_ROUTE, None, False, True),
        (Code.OVERLOADED, None, False, True),
        (Code.TIMEOUT, None, False, False),
        (Code.TIMEOUT, None, True, True),
        (Code.TIMEOUT, Executed.NO, False, True),
        (Code.OUTCOME_UNKNOWN, None, False, False),
        (Code.OUTCOME_UNKNOWN, None, True, True),
        (Code.BAD_REQUEST, None, True, False),
        (Code.FORBIDDEN, None, True, False),
    ],
)
def test_when_a_retry_is_safe(code: Code, executed: Executed | None, idempotent: bool, safe: bool) -> None:
    assert H2OError("x", code=code, executed=executed).retry_is_safe(idempotent=idempotent) is safe


def test_an_application_error_carries_its_own_code() -> None:
    error = ApplicationError("not_found", "no customer 7")
    assert (error.code, error.application_code, error.executed) == (Code.APPLICATION, "not_found", Executed.YES)


@pytest.mark.parametrize(("dev", "told"), [("1", True), ("", False), ("0", False), (None, False)])
def test_a_traceback_is_told_in_a_fleet_for_development_alone(
    monkeypatch: pytest.MonkeyPatch, dev: str | None, *, told: bool
):
    monkeypatch.delenv("H2O_DEV", raising=False)
    if dev is not None:
        monkeypatch.setenv("H2O_DEV", dev)

    def handler(request: Empty) -> Empty:
        return request

    feature = declare("/service/x", "y", handler, idempotent=False, promise=Promise(), errors=())
    try:
        raise KeyError("secret")
    except KeyError as error:
        _, _, payload = failure_of(error, feature, "instance 1")
    traceback = Failure.FromString(payload).traceback
    assert ("Traceback (most recent call last):" in traceback) is told
    assert bool(traceback) is told
