"""The account finds each thing that must never be, and nothing else."""

from __future__ import annotations

import pytest

from tests.counting.account import Answer, Request, failing_until_s, served_again_s, settle
from tests.counting.executions import Execution
from tests.counting.wire import NO, OK, OUTCOME_UNKNOWN, TIMEOUT, UNAVAILABLE, UNKNOWN, YES

NO_ROUTE = 3


def asked(*answers: Answer, idempotent: bool = False, name: str = "a1", sent_s: float = 10.0) -> Request:
    return Request(name, "/service/counting/book", idempotent, sent_s, sent_s + 1, answers)


def told(code: int, executed: int, at_s: float = 10.5, made_up: bool = False) -> Answer:
    return Answer(at_s, code, executed, made_up, "3f9c2ab1", "host-1")


def ran(times: int = 1, name: str = "a1") -> list[Execution]:
    return [Execution(name, "/service/counting/book", "3f9c2ab1", 7 + at, 10.1) for at in range(times)]


GOOD = {
    "served": (asked(told(OK, YES)), 1),
    "refused": (asked(told(NO_ROUTE, NO)), 0),
    "unknown, not executed": (asked(told(OUTCOME_UNKNOWN, UNKNOWN)), 0),
    "unknown, executed": (asked(told(OUTCOME_UNKNOWN, UNKNOWN)), 1),
    "idempotent twice": (asked(told(OK, YES), idempotent=True), 2),
    "late": (asked(told(TIMEOUT, UNKNOWN, made_up=True), told(OK, YES, 11.2)), 1),
    "never sent": (asked(told(UNAVAILABLE, NO, made_up=True)), 0),
}
BAD = {
    "no answer": (asked(), 0),
    "no answer, executed": (asked(), 1),
    "2 answers": (asked(told(OK, YES), told(OK, YES)), 1),
    "3 answers": (asked(told(TIMEOUT, UNKNOWN, made_up=True), told(OK, YES), told(OK, YES)), 1),
    "2 answers, one made up after the real one": (asked(told(OK, YES), told(TIMEOUT, UNKNOWN, made_up=True)), 1),
    "told not executed, and executed 1 times": (asked(told(NO_ROUTE, NO)), 1),
    "told not executed, and executed 2 times": (asked(told(NO_ROUTE, NO), idempotent=True), 2),
    "told not executed, late": (asked(told(TIMEOUT, UNKNOWN, made_up=True), told(NO_ROUTE, NO)), 1),
    "told executed, and no handler was entered": (asked(told(OK, YES)), 0),
    "told both executed and not executed": (asked(told(UNAVAILABLE, NO, made_up=True), told(OK, YES)), 0),
    "OK with executed unknown": (asked(told(OK, UNKNOWN)), 1),
    "not idempotent, and executed 2 times": (asked(told(OK, YES)), 2),
    "not idempotent, told unknown, executed twice": (asked(told(OUTCOME_UNKNOWN, UNKNOWN)), 2),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_may_be(name: str) -> None:
    request, times = GOOD[name]
    account = settle([request], ran(times))
    assert account.breaches == ()
    assert account.executions == times
    assert account.late == (name == "late")


@pytest.mark.parametrize("name", BAD)
def test_what_must_never_be(name: str) -> None:
    request, times = BAD[name]
    (breach,) = settle([request], ran(times)).breaches
    head, *history = breach.splitlines()
    assert head.startswith("a1: ")
    assert len(history) == 1 + len(request.answers) + times
    if name in {"no answer", "2 answers", "3 answers"} or name.startswith(("told executed", "OK with")):
        assert head == f"a1: {name}"


def test_an_execution_that_nobody_asked_for_and_an_id_used_twice_are_told() -> None:
    account = settle([asked(told(OK, YES)), asked(told(OK, YES))], [*ran(), *ran(name="b2")])
    assert [breach.split("\n")[0].split("(")[0] for breach in account.breaches] == [
        "a1: the same id twice",
        "executed, and nobody asked: Execution",
    ]


def test_codes_failures_and_the_longest_gap() -> None:
    requests = [
        asked(told(OK, YES, at_s), name=f"r{at_s}", idempotent=True, sent_s=at_s - 0.1) for at_s in (10.1, 10.2, 13.0)
    ]
    requests += [asked(told(TIMEOUT, UNKNOWN, at_s), name=f"t{at_s}", sent_s=at_s - 1) for at_s in (11.5, 14.0)]
    executions = [one for request in requests for one in ran(name=request.id)]
    account = settle(requests, executions)
    assert account.codes == {"OK": 3, "TIMEOUT": 2}
    assert (account.requests, account.failed, account.breaches) == (5, 2, ())
    assert account.longest_gap_s == pytest.approx(2.8)
    assert settle(requests[3:], executions[3:]).longest_gap_s == pytest.approx(14.0 - 10.5)
    assert settle([], []).longest_gap_s == 0
    assert "5 requests: 3 OK, 2 TIMEOUT; 5 executions" in str(account)


def test_service_is_back_with_the_first_ok_of_a_request_sent_after_the_strike() -> None:
    before, after = asked(told(OK, YES, 11.0), sent_s=9.9), asked(told(OK, YES, 12.5), sent_s=10.2)
    assert served_again_s([before, after], 10.0) == pytest.approx(2.5)
    assert served_again_s([before], 10.0) is None
    assert served_again_s([asked(told(TIMEOUT, UNKNOWN), sent_s=10.2)], 10.0) is None


def test_a_fault_is_routed_round_when_the_last_request_was_sent_that_failed() -> None:
    failed = [asked(told(TIMEOUT, UNKNOWN), sent_s=sent_s) for sent_s in (9.0, 10.2, 10.4)]
    served = asked(told(OK, YES), sent_s=11.0)
    assert failing_until_s([*failed, served], 10.0) == pytest.approx(0.4)
    assert failing_until_s([served, asked(sent_s=10.5)], 10.0) == 0
    assert failing_until_s(failed[:1], 10.0) == 0
