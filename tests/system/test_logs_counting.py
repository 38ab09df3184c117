"""A short round of `script/bench logs`: real agents, killed and cut, and every line of every writer comes once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.logs.account import Account
from bench.logs.group import Plan, measure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(150)
def test_no_line_is_lost_or_doubled_over_a_kill_of_the_agent_and_while_heads_are_cut(tmp_path: Path):
    plan = Plan(hosts=2, writers=2, rate=800, calm_s=6.0, dead_s=1.0, after_s=3.0, log_bytes=1 << 20, slow_after=True)
    seen = measure(tmp_path, plan, lambda _: None)
    assert (seen.account.lost, seen.account.doubled) == (0, 0), seen.notices
    assert seen.account.finished == 4
    assert seen.account.lines > 4000
    assert seen.log_size > plan.log_bytes, "nothing had to be cut"
    assert seen.log_bytes < 2 * plan.log_bytes


def test_the_account_knows_what_is_missing_and_what_came_twice():
    account = Account()
    for number in (0, 1, 3, 3):
        account.came({"w": "a", "n": number, "t": 1.0}, 2.0, last=False)
    account.came({"w": "a", "n": 4, "t": 1.0}, 2.0, last=True)
    account.came({"other": 1}, 2.0, last=False)
    assert (account.lines, account.lost, account.doubled, account.finished) == (4, 1, 1, 1)
