"""Names: what is one, what an operator may type for it, and what the tiers are."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core import names
from h2o_core.names import InvalidName, Tier


@pytest.mark.parametrize(
    "name", ["/service/customer/retrieve", "/api/v2/customer/address/change", "/orchestration/a/b-c_d"]
)
def test_features(name: str) -> None:
    assert names.parse_feature(name) == name
    assert names.package_of(name) == "/".join(name.split("/")[:3])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "service/customer/x",
        "/service/customer",
        "/storage/x/y",
        "/service//x",
        "/service/Customer/x",
        "/service/a/b\x1b",
        "/service/a/" + "x" * 300,
    ],
)
def test_what_is_no_feature_says_what_is_wrong(name: str) -> None:
    with pytest.raises(InvalidName, match=r"\w+ .*"):
        names.parse_feature(name)


def test_a_feature_is_no_package() -> None:
    with pytest.raises(InvalidName, match="is a feature, not a package"):
        names.parse_package("/service/customer/retrieve")


@pytest.mark.parametrize("typed", ["/service/customer", "service/customer", "service.customer"])
def test_operators_may_type_a_name_in_three_ways(typed: str) -> None:
    assert names.from_operator(typed) == "/service/customer"


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("customer", "/service/customer", True),
        ("cust*", "/service/customer", True),
        ("*/cust*", "/service/customer", True),
        ("service", "/service/customer", True),
        ("service/customer", "/service/customer/retrieve", True),
        ("service.customer", "/service/customer", True),
        ("custom", "/service/customer", False),
        ("api/customer", "/service/customer", False),
    ],
)
def test_patterns(pattern: str, name: str, found: bool) -> None:
    assert names.matches(pattern, name) is found


def test_tiers() -> None:
    assert names.tier_of("/api/customer/get") is Tier.API


TIERS = [tier.value for tier in Tier]
MAY = {
    ("operator", "api"),
    ("operator", "orchestration"),
    ("operator", "service"),
    ("gateway", "api"),
    ("/api/customer", "orchestration"),
    ("/api/customer", "service"),
    ("/orchestration/registration", "service"),
}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    "caller", ["operator", "gateway", "/api/customer", "/orchestration/registration", "/service/customer"]
)
def test_who_may_call_which_tier(caller: str, tier: str) -> None:
    breach = names.tier_breach(caller, f"/{tier}/geo/locate")
    assert bool(breach) is ((caller, tier) not in MAY)
    assert (Tier(tier) in names.callable_tiers(caller)) is not bool(breach)


def test_a_breach_names_both_and_the_rule_and_what_to_do() -> None:
    assert names.tier_breach("/service/customer", "/service/geo/locate") == (
        "service/customer may not call service/geo: a service calls nothing; "
        "let an orchestration call both, and hand over what this one needs"
    )
    assert names.tier_breach("gateway", "/service/geo").startswith("gateway may not call service/geo: the gateway ")


def test_a_package_may_not_call_its_own_tier_nor_itself() -> None:
    for tier in TIERS:
        assert names.tier_breach(f"/{tier}/customer", f"/{tier}/customer/retrieve")


@given(st.from_regex(r"/(api|service|orchestration)/[a-z][a-z0-9_-]{0,20}", fullmatch=True))
def test_dotted_names_go_back(package: str) -> None:
    assert names.from_dotted(names.dotted(package)) == package
    assert names.from_operator(names.shown(package)) == package


@pytest.mark.parametrize("version", ["", "1/2", "../x", "-1", "a" * 64, "1.0\n"])
def test_versions_that_can_not_stand_in_a_path(version: str) -> None:
    with pytest.raises(InvalidName, match="is not a version"):
        names.parse_version(version)
