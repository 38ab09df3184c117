"""`h2o dev`: what was typed → hosts, instances, host files, paths; and whether a fleet is as planned."""

from __future__ import annotations

import re
from typing import Any

import pytest

from h2o_console.dev.plan import (
    HostPlan,
    InvalidPlan,
    Wanted,
    host_file,
    layout,
    parse_packages,
    parse_run,
    place,
    plan_hosts,
    reloading,
)
from h2o_console.dev.readiness import expected_counts, missing_at
from h2o_core.hostfile import InstanceSpec, parse_hostfile

CUSTOMER = InstanceSpec("/service/customer", ("python", "-m", "customer"), cwd="/here")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("service/customer=python -m customer", Wanted(CUSTOMER)),
        ("/service/customer = python -m customer", Wanted(CUSTOMER)),
        ("service.customer@host-1=python -m customer", Wanted(CUSTOMER, ("host-1",))),
        ("service/customer@host-1, host-*=python -m customer", Wanted(CUSTOMER, ("host-1", "host-*"))),
        (
            "service/customer*2@host-3=python -c 'a = b'",
            Wanted(InstanceSpec("/service/customer", ("python", "-c", "a = b"), 2, cwd="/here"), ("host-3",)),
        ),
    ],
)
def test_run(text: str, wanted: Wanted) -> None:
    assert parse_run(text, "/here") == wanted


@pytest.mark.parametrize(
    "text", ["", "service/customer", "=python", "service/customer=", "service=python", "service/a/b=x", "service/a='x"]
)
def test_a_wrong_run_shows_the_form(text: str) -> None:
    with pytest.raises(InvalidPlan, match=r"PACKAGE\[\*COUNT\]"):
        parse_run(text, "/here")


def test_packages_from_a_file() -> None:
    text = """
        [[instance]]
        package = "service/customer"
        command = ["python", "-m", "customer"]

        [[instance]]
        package = "service/email"
        command = ["email"]
        count = 2
        cwd = "/there"
        hosts = ["host-2"]
        env = {A = "b"}
    """
    assert parse_packages(text, "/here") == (
        Wanted(CUSTOMER),
        Wanted(InstanceSpec("/service/email", ("email",), 2, {"A": "b"}, "/there"), ("host-2",)),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "no key 'x'"),
        ("instance = 1", r"write \[\[instance\]\]"),
        ("instance = [1]", "is not a table"),
        ("[[instance]]\nhosts = 1", "hosts is a list"),
        ("[[instance]]\npackage = 'service/a'\ncommand = 'x'", "command is a list"),
        ("[[instance", "not TOML"),
    ],
)
def test_a_wrong_package_file(text: str, sentence: str) -> None:
    with pytest.raises(InvalidPlan, match=sentence):
        parse_packages(text, "/here")


def test_hosts_take_zones_in_turns() -> None:
    assert [(host.name, host.zone) for host in plan_hosts(3, 2)] == [("host-1", "a"), ("host-2", "b"), ("host-3", "a")]


@pytest.mark.parametrize(("hosts", "zones"), [(0, 1), (201, 2), (3, 0), (3, 4)])
def test_fleets_that_are_none(hosts: int, zones: int) -> None:
    with pytest.raises(InvalidPlan, match="use 1 to"):
        plan_hosts(hosts, zones)


def test_placing() -> None:
    placed = place(plan_hosts(3, 1), [Wanted(CUSTOMER), Wanted(CUSTOMER, ("host-[12]",))])
    assert [len(host.instances) for host in placed] == [2, 2, 1]
    with pytest.raises(InvalidPlan, match="no host 'host-9'"):
        place(plan_hosts(3, 1), [Wanted(CUSTOMER, ("host-9",))])


def test_host_files_are_what_the_parser_takes() -> None:
    where = layout("/d", ["host-1"], "/tmp/h2o")
    spec = InstanceSpec("/service/a", ("x", 'say "hi"\\\n\x1b'), 2, {"K": "v"}, "/here")
    host = HostPlan("host-1", "b", (spec,), {"disk": "ssd"}, 8101)
    parsed = parse_hostfile(host_file(host, where, "dev", "127.0.0.1:2181", ["session_timeout_s = 3", "zone = 'c'"]))
    assert parsed.instances == (spec,)
    assert (parsed.zone, parsed.labels, parsed.http_port, parsed.dev) == ("c", {"disk": "ssd"}, 8101, True)
    assert (parsed.run_dir, parsed.session_timeout_s) == ("/d/run/host-1", 3.0)


@pytest.mark.parametrize("extra", ["nonsense", "unknown = 1", "zone = 1", "zone = 1979-05-27"])
def test_a_wrong_extra_line_is_said(extra: str) -> None:
    with pytest.raises(InvalidPlan, match="the host file of host-1"):
        host_file(HostPlan("host-1"), layout("/d", ["host-1"], "/tmp/h2o"), "dev", "zk:1", [extra])


@pytest.mark.parametrize("length", [10, 90, 200])
def test_socket_paths_always_fit(length: int) -> None:
    where = layout("/" + "d" * length, ["host-1", "host-10"], "/tmp/h2o-1000")
    path = f"{where.run_dir('host-10')}/broker.sock"
    assert len(path.encode()) <= 107
    assert where.run == ("/" + "d" * length + "/run" if length < 80 else where.run)
    assert re.match(r"/d+/run$|/tmp/h2o-1000-[0-9a-f]{8}$", where.run)


def test_two_long_directories_have_two_run_directories() -> None:
    first, second = (layout("/" + "d" * 150 + str(at), ["host-1"], "/tmp/h2o") for at in range(2))
    assert first.run != second.run


HOSTS = [
    {"host": "host-1", "link": "self", "agent": "127.0.0.1:1"},
    {"host": "host-2", "link": "up", "agent": "127.0.0.1:2"},
]
READY = {"host": "host-2", "package": "service/customer", "state": "ready", "routable": True}


@pytest.mark.parametrize(
    ("hosts", "instances", "sentences"),
    [
        (HOSTS, [READY], []),
        (HOSTS[:1], [READY], ["host-1 is not linked to host-2"]),
        ([HOSTS[0], {**HOSTS[1], "link": "connecting"}], [READY], ["host-1 is not linked to host-2"]),
        ([HOSTS[0], {**HOSTS[1], "agent": None}], [READY], ["host-1 is not linked to host-2"]),
        (HOSTS, [], ["host-1 sees 0 of 1 service/customer on host-2"]),
        (HOSTS, [{**READY, "routable": False}], ["host-1 sees 0 of 1 service/customer on host-2"]),
        (HOSTS, [{**READY, "state": "backoff"}], ["host-1 sees 0 of 1 service/customer on host-2"]),
        (HOSTS, [{**READY, "host": "host-1"}], ["host-1 sees 0 of 1 service/customer on host-2"]),
    ],
)
def test_what_is_missing(hosts: list[dict[str, Any]], instances: list[dict[str, Any]], sentences: list[str]) -> None:
    planned = [HostPlan("host-1"), HostPlan("host-2", instances=(CUSTOMER,))]
    assert missing_at("host-1", hosts, instances, ["host-1", "host-2"], expected_counts(planned)) == sentences


def test_every_key_of_an_instance_reaches_its_host_file() -> None:
    spec = InstanceSpec("/service/x", ("python", "-m", "x"), 0, {"A": "", "B": 'quoted "b"'}, "/srv/x")
    plain = InstanceSpec("/service/y", ("y",))
    text = host_file(HostPlan("host-1", instances=(spec, plain)), layout("/d", ["host-1"], "/tmp/h2o-0"), "dev", "z:1")
    assert parse_hostfile(text).instances == (spec, plain)


def test_reloading_puts_a_reloader_before_every_command() -> None:
    spec = InstanceSpec("/service/x", ("python", "-m", "x"), 2, cwd="/srv/x")
    (host,) = reloading((HostPlan("host-1", instances=(spec,)),), ("reloader", "notes"))
    (changed,) = host.instances
    assert changed.command == ("reloader", "notes", "host-1 service/x", "python", "-m", "x")
    assert (changed.count, changed.cwd) == (2, "/srv/x")
