"""The host file: what it holds, and a sentence for everything that it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from h2o_core.hostfile import InstanceSpec, InvalidHostFile, parse_hostfile

BASE = """
host = "host-1"
fleet = "demo"
zookeeper = "127.0.0.1:2181"
run_dir = "/run/h2o"
state_dir = "/var/lib/h2o"
"""


def test_a_whole_file() -> None:
    parsed = parse_hostfile(
        BASE
        + """
zone = "b"
broker_port = 7101
labels = {disk = "ssd"}
[[instance]]
package = "service/customer"
command = ["python3", "-m", "customer"]
count = 2
env = {DB = "/tmp/x"}
"""
    )
    assert (parsed.zone, parsed.broker_port, parsed.labels) == ("b", 7101, {"disk": "ssd"})
    assert parsed.instances == (InstanceSpec("/service/customer", ("python3", "-m", "customer"), 2, {"DB": "/tmp/x"}),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("host = ", "not TOML"),
        ("", "host is missing"),
        (BASE + 'zoen = "a"', "no key 'zoen'; it knows"),
        (BASE + "http_port = 70000", "not a port"),
        (BASE + 'http_port = "x"', "not a port number"),
        (BASE.replace('"host-1"', '"a/b"'), "not a host name"),
        (BASE + '[[instance]]\npackage = "storage/x"\ncommand = ["x"]', r"\[\[instance\]\] 1: package"),
        (BASE + '[[instance]]\npackage = "service/x"\ncommand = "x y"', "command is a list of texts"),
        (BASE + '[[instance]]\npackage = "service/x"\ncommand = ["x"]\ncount = -1', "not a number from 0"),
        (BASE + "labels = 3", "labels is a table of texts"),
    ],
)
def test_what_is_wrong_is_said(text: str, sentence: str) -> None:
    with pytest.raises(InvalidHostFile, match=sentence):
        parse_hostfile(text)


def test_the_documented_file_is_one() -> None:
    document = (Path(__file__).parents[2] / "docs" / "hosts.md").read_text()
    parsed = parse_hostfile(document.split("```toml\n")[1].split("```")[0])
    assert (parsed.host, parsed.instances[0].count) == ("host-1", 2)
