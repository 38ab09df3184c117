"""Which packages there are, on which hosts they run, who calls whom and how fast: a fleet on paper. Pure.

Everything follows from the numbers of hosts, instances and packages and the seed, so that each process of a
simulated fleet can draw the same plan for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

FLEET: Final = "simulated"
ZONES: Final = ("a", "b", "c")
_NOUNS: Final = (
    "address", "allocation", "balance", "booking", "calendar", "card", "config", "customer", "discount", "driver",
    "email", "eta", "fare", "geo", "history", "hold", "invoice", "job", "ledger", "loyalty", "map", "message",
    "notify", "offer", "payment", "place", "point", "pricing", "profile", "push", "quote", "rating", "receipt",
    "region", "review", "route", "schedule", "search", "session", "shift", "sms", "surge", "tariff", "ticket",
    "token", "track", "trip", "vehicle", "voucher", "wallet", "zone",
)  # fmt: skip
_VERBS: Final = ("retrieve", "create", "update", "search", "list", "cancel")
_TIERS: Final = ("api", "orchestration", "service", "service", "service")
# Requests a second and instance, and how many packages in ten have that.
_HEATS: Final = (40.0, 12.0, 5.0, 5.0, 2.0, 0.5, 0.5, 0.1, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as its package promises and keeps it: times in ms, shares of 1."""

    name: str
    share: float
    takes_ms: float
    promised_ms: float
    fails: float = 0.0
    declines: float = 0.0


@dataclass(frozen=True, slots=True)
class Package:
    """A package: its versions (the last is the newest), its heat (requests a second and instance), whom it calls."""

    name: str
    versions: tuple[str, ...]
    features: tuple[Feature, ...]
    per_s: float
    calls: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance; `launch` is its agent's name for that start."""

    id: str
    package: Package
    version: str
    number: int

    @property
    def key(self) -> str:
        """The child's key, as agents make it."""
        return f"{self.package.name[1:].replace('/', '.')}-{self.id[:6]}-{self.number}"

    @property
    def launch(self) -> str:
        """The agent's token for this start."""
        return f"{self.key}.1"


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `slowness` multiplies the times of what runs there."""

    name: str
    number: int
    zone: str
    slowness: float
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole fleet."""

    packages: tuple[Package, ...]
    hosts: tuple[Host, ...]


def plan(hosts: int = 250, instances: int = 20, packages: int = 80, seed: int = 4, *, busy: bool = True) -> Plan:
    """Hosts with *instances* each; a few packages fail, a few are slow, and so is one host in a hundred.

    Not *busy*: nobody calls anything.
    """
    dice = Random(seed)
    drawn = [_package(number, dice) for number in range(packages)]
    made = _with_calls(drawn if busy else [replace(package, per_s=0.0) for package in drawn], dice)
    seats = [number % packages for number in range(hosts * instances)]
    dice.shuffle(seats)
    return Plan(
        tuple(made),
        tuple(
            Host(
                name=f"host-{number + 1:03}",
                number=number,
                zone=ZONES[number % len(ZONES)],
                slowness=2.5 if number % 100 == 37 else 1.0,
                instances=tuple(
                    _instance(made[seat], number * instances + at, dice)
                    for at, seat in enumerate(sorted(seats[number * instances : (number + 1) * instances]))
                ),
            )
            for number in range(hosts)
        ),
    )


def _package(number: int, dice: Random) -> Package:
    tier = _TIERS[number % len(_TIERS)]
    noun = _NOUNS[number * 7 % len(_NOUNS)]
    again = number // len(_NOUNS)
    name = f"/{tier}/{noun}{f'-{again + 1}' if again else ''}"
    takes_ms = dice.choice((1.5, 4.0, 9.0, 22.0, 60.0))
    fails = 0.06 if number % 40 == 3 else 0.004 if number % 20 == 8 else 0.0
    slow = number % 30 == 11
    features = tuple(
        Feature(
            name=f"{name}/{verb}",
            share=1.0 / (at + 1) ** 1.5,
            takes_ms=takes_ms * (at + 1) * (3.0 if slow and at == 0 else 1.0),
            promised_ms=takes_ms * (at + 1) * 5,
            fails=fails if at < 2 else 0.0,
            declines=0.02 if number % 6 == 2 and at == 1 else 0.0,
        )
        for at, verb in enumerate(_VERBS[: dice.randint(3, 5)])
    )
    major, minor = dice.randint(0, 4), dice.randint(0, 9)
    return Package(name, (f"{major}.{minor}.0", f"{major}.{minor + 1}.0"), features, _HEATS[number * 3 % len(_HEATS)])


def _with_calls(packages: list[Package], dice: Random) -> list[Package]:
    """Who calls whom: api → orchestration and service, orchestration → service."""
    found: list[Package] = []
    for package in packages:
        tier = package.name.split("/")[1]
        below = {"api": ("orchestration", "service"), "orchestration": ("service",), "service": ()}[tier]
        callees = [other for other in packages if other.name.split("/")[1] in below]
        chosen = dice.sample(callees, min(4, len(callees)))
        calls = tuple(dice.choice(other.features) for other in chosen)
        found.append(Package(package.name, package.versions, package.features, package.per_s, calls))
    return found


def _instance(package: Package, number: int, dice: Random) -> Instance:
    """One in five runs the older version."""
    version = package.versions[0] if dice.random() < 0.2 else package.versions[1]
    return Instance(f"{number * 2654435761 % (1 << 32):08x}", package, version, number)
