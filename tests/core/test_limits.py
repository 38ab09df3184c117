"""Limits of an instance: what the host file may say, and who has been over its memory for too long."""

from __future__ import annotations

from typing import Any

import pytest

from h2o_agent.launch import launches
from h2o_agent.memory import PATIENCE_S, MemoryWatch
from h2o_core.hostfile import InvalidHostFile, parse_hostfile, parse_instance
from h2o_core.limits import NO_LIMITS, Limits

INSTANCE: dict[str, Any] = {"package": "service/a", "command": ["a"]}
FILE = 'host = "h"\nfleet = "f"\nzookeeper = "z:1"\nrun_dir = "/r"\nstate_dir = "/s"\n'


def test_limits_are_parsed():
    limits = parse_instance({**INSTANCE, "limits": {"nofile": 4096, "memory_mib": 512, "nice": -5}}, 1).limits
    assert limits == Limits(4096, 512, -5)
    assert limits.document() == {"nofile": 4096, "memory_mib": 512, "nice": -5}
    assert parse_instance(INSTANCE, 1).limits == NO_LIMITS


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"cpu": 1.5}, r"limits can't keep cpu: only a control group can, .* CPUQuota= in its systemd unit"),
        ({"processes": 9}, "limits can't keep processes"),
        ({"colour": 1}, r"\[\[instance\]\] 1: limits has no key 'colour'; it knows memory_mib, nice, nofile"),
        ({"nofile": 3}, "nofile = 3 is not a whole number from 16 to"),
        ({"memory_mib": 1.5}, "memory_mib = 1.5 is not"),
        ({"nice": True}, "nice = True is not"),
        ("none", "limits is a table"),
    ],
)
def test_what_can_not_be_kept_is_refused_with_what_to_do(limits: Any, sentence: str):
    with pytest.raises(InvalidHostFile, match=sentence):
        parse_instance({**INSTANCE, "limits": limits}, 1)


def test_other_limits_make_another_child():
    text = FILE + '[[instance]]\npackage = "service/a"\ncommand = ["a"]\n'
    plain = launches(parse_hostfile(text), "f", "python")[1]
    limited = launches(parse_hostfile(text + "limits = { nice = 1 }\n"), "f", "python")[1]
    assert plain.key != limited.key
    assert (plain.limits, limited.limits) == (NO_LIMITS, Limits(nice=1))


def test_a_peak_is_no_leak():
    watch = MemoryWatch()
    assert watch.look({1: (200, 100), 2: (100, 100)}, 0.0) == []
    assert watch.look({1: (50, 100)}, PATIENCE_S) == []
    assert watch.look({1: (200, 100)}, PATIENCE_S + 1) == []
    assert watch.look({1: (200, 100)}, 2 * PATIENCE_S + 1) == [1]
    assert watch.look({1: (200, 100)}, 2 * PATIENCE_S + 2) == [], "once is enough for a while"
