"""What every test may ask for: fixtures from tests.support, seeded hypothesis profiles."""

from __future__ import annotations

import os
from importlib.util import find_spec

from hypothesis import HealthCheck, settings

_SUPPORT = ("tests.support.zookeeper", "tests.support.fleet", "tests.support.hosts", "tests.support.receiver")

pytest_plugins = [name for name in _SUPPORT if find_spec(name) is not None]

# A deadline would measure our two cores' other work; the number of examples is what costs time.
settings.register_profile(
    "quick", max_examples=60, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=300)
settings.load_profile(os.environ.get("H2O_HYPOTHESIS", "quick"))
