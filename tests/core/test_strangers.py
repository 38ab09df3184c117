"""Who came with another key is said for a minute and counted for ever."""

from __future__ import annotations

from h2o_broker.strangers import SAID_FOR_NS, Strangers

NOW = 5_000_000_000


def test_nobody_came():
    assert Strangers().sentence(NOW) == ""


def test_it_is_said_for_a_minute_with_the_address_when_it_is_known():
    strangers = Strangers()
    strangers.turned_away("10.0.0.7", NOW)
    assert "1 since it started, the last from 10.0.0.7" in strangers.sentence(NOW + SAID_FOR_NS)
    assert strangers.sentence(NOW + SAID_FOR_NS + 1) == ""
    strangers.misled(NOW + 2 * SAID_FOR_NS)
    said = strangers.sentence(NOW + 2 * SAID_FOR_NS)
    assert "2 since it started)" in said
    assert "10.0.0.7" not in said, "nobody says where that one came from"
    assert (strangers.refused, strangers.foreign) == (1, 1)
