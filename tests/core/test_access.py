"""Access lists: who may write what, and that nobody outside the fleet can."""

from __future__ import annotations

import pytest

from h2o_core.access import AccessEntry, Credential, Permission, Role, acl_for, credentials_of, world_can_write

SECRET = bytes(range(32))
CREDENTIALS = credentials_of(SECRET, "test")
READ, WRITE, CREATE, DELETE = Permission.READ, Permission.WRITE, Permission.CREATE, Permission.DELETE
WORK = WRITE | CREATE | DELETE
NODES = [
    "",
    "/live",
    "/live/a",
    "/agents",
    "/agents/a",
    "/packages/p/1",
    "/control/epoch",
    "/desired/a",
    "/audit/d/1",
    "/notes",
]


def may(role: Role, path: str) -> Permission:
    entries = acl_for(f"/h2o/test{path}", dev=False, credentials=CREDENTIALS)
    return next(one.permissions for one in entries if one.id == CREDENTIALS[role].digest) & ~Permission.ADMIN


@pytest.mark.parametrize(
    ("path", "writers"),
    [
        ("/live", {Role.BROKER: WORK}),
        ("/live/host-1", {Role.BROKER: WORK}),
        ("/agents/host-1", {Role.AGENT: WORK}),
        ("/packages/service.customer", {Role.BROKER: CREATE, Role.DEPLOYER: WORK}),
        ("/packages/service.customer/1.0", {Role.BROKER: CREATE, Role.DEPLOYER: WORK}),
        ("/control", {Role.BROKER: CREATE, Role.AGENT: WORK, Role.OPERATOR: WORK}),
        ("/control/epoch", {Role.AGENT: WORK, Role.OPERATOR: WORK}),
        ("/control/traffic/service.customer", {Role.AGENT: WORK, Role.OPERATOR: WORK}),
        ("/control/hosts/host-1", {Role.AGENT: WORK, Role.OPERATOR: WORK}),
        ("/desired/host-1", {Role.AGENT: WORK, Role.OPERATOR: WORK, Role.DEPLOYER: WORK}),
        ("/election/conductor", {Role.AGENT: WORK}),
        ("/notes", {Role.AGENT: WORK, Role.OPERATOR: WORK}),
        ("/audit/2026-01-31", {Role.AGENT: CREATE, Role.OPERATOR: CREATE, Role.DEPLOYER: CREATE}),
        ("/something-new", {Role.OPERATOR: WORK}),
        ("", dict.fromkeys(Role, CREATE)),
    ],
)
def test_who_writes_what(path: str, writers: dict[Role, Permission]):
    assert {role: may(role, path) for role in Role} == {role: READ | writers.get(role, Permission(0)) for role in Role}


@pytest.mark.parametrize("path", NODES)
def test_outside_development_the_world_reads_the_agents_and_nothing_else(path: str):
    entries = acl_for(f"/h2o/test{path}", dev=False, credentials=CREDENTIALS)
    world = [one.permissions for one in entries if one.scheme == "world"]
    assert world == ([READ] if path.startswith("/agents") else [])
    assert not world_can_write(entries)


@pytest.mark.parametrize("path", NODES)
def test_development_is_open(path: str):
    entries = acl_for(f"/h2o/test{path}", dev=True, credentials={})
    assert entries == (AccessEntry("world", "anyone", Permission.ALL),)
    assert world_can_write(entries)


def test_fleets_share_their_parent_and_cannot_remove_one_another():
    assert acl_for("/h2o", dev=False, credentials=CREDENTIALS) == (AccessEntry("world", "anyone", READ | CREATE),)


def test_each_role_of_each_fleet_has_its_own_password():
    everything = [
        *CREDENTIALS.values(),
        *credentials_of(SECRET, "other").values(),
        *credentials_of(b"x", "test").values(),
    ]
    assert len({one.password for one in everything}) == 3 * len(Role)
    assert credentials_of(SECRET, "test") == CREDENTIALS


def test_the_digest_is_zookeeper_s():
    # From ZooKeeper's programmer's guide: user:base64(sha1(user:password)).
    assert Credential("super", "test").digest == "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
