"""Flags beat the environment, which beats the file; another fleet never answers by mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from h2o_core.context import (
    Configuration,
    Context,
    NoContext,
    Overrides,
    parse_agent,
    parse_configuration,
    resolve,
    with_context,
)
from h2o_core.io.context import current_context, find_broker, read_configuration, runtime_dir, write_context

DEV = Context("dev", "dev-1", "127.0.0.1:2181", "unix:/run/h2o/host-1/agent.sock", "/run/h2o/host-1", dev=True)
PROD = Context("prod", "prod", "zk-1:2181", "http://host-07:8100")
FILE = Configuration("dev", {"dev": DEV, "prod": PROD})
NOTHING = Overrides()


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [
        (NOTHING, NOTHING, DEV),
        (NOTHING, Overrides(context="prod"), PROD),
        (Overrides(context="dev"), Overrides(context="prod"), DEV),
        (Overrides(context="dev"), Overrides(agent="http://elsewhere:1"), DEV),
        (NOTHING, Overrides(agent="h:1"), Context("dev", "dev-1", "127.0.0.1:2181", "http://h:1", dev=True)),
        (
            Overrides(agent="f:2"),
            Overrides(agent="h:1"),
            Context("dev", "dev-1", "127.0.0.1:2181", "http://f:2", dev=True),
        ),
        (Overrides(zookeeper="other:1"), NOTHING, Context("dev", "dev-1", "other:1")),
        (Overrides(zookeeper="other:1"), Overrides(agent="h:1"), Context("dev", "dev-1", "other:1")),
        (
            Overrides(zookeeper="other:1", agent="h:1"),
            NOTHING,
            Context("dev", "dev-1", "other:1", "http://h:1"),
        ),
        (NOTHING, Overrides(fleet="blue"), Context("dev", "blue", "127.0.0.1:2181")),
        (
            NOTHING,
            Overrides(run_dir="/run/x"),
            Context("dev", "dev-1", "127.0.0.1:2181", "unix:/run/x/agent.sock", "/run/x", dev=True),
        ),
        (
            Overrides(agent="unix:/run/y/agent.sock"),
            NOTHING,
            Context("dev", "dev-1", "127.0.0.1:2181", "unix:/run/y/agent.sock", "/run/y", dev=True),
        ),
    ],
)
def test_precedence(flags: Overrides, environment: Overrides, expected: Context) -> None:
    assert resolve(flags, environment, FILE) == expected


def test_an_unknown_context_names_the_known_ones() -> None:
    with pytest.raises(NoContext, match="known: dev, prod"):
        resolve(Overrides(context="qa"), NOTHING, FILE)


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("unix:/run/agent.sock", "unix:/run/agent.sock"),
        ("/run/agent.sock", "unix:/run/agent.sock"),
        ("http://host:8100", "http://host:8100"),
        ("http://host:8100/", "http://host:8100"),
        ("127.0.0.1:8100", "http://127.0.0.1:8100"),
    ],
)
def test_agent_addresses(typed: str, parsed: str) -> None:
    assert parse_agent(typed) == parsed


@pytest.mark.parametrize(
    "typed", ["host", "https://host:1", "host:port", "host:0", "host:70000", "http://a:1/x", "unix:run"]
)
def test_an_agent_address_that_is_none_says_what_to_write(typed: str) -> None:
    with pytest.raises(NoContext, match="write unix:"):
        parse_agent(typed)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("current = 3", "current = 3 is not a text"),
        ("contexts = 3", "table of contexts"),
        ("[contexts]\ndev = 3", "is not a table"),
        ("[contexts.dev]\nfleet = 3", "fleet = 3 is not a text"),
        ("[contexts.dev]\ndev = 3", "dev = 3 is not true or false"),
    ],
)
def test_a_wrong_file_names_the_place(text: str, sentence: str) -> None:
    with pytest.raises(NoContext, match=sentence):
        parse_configuration(tomllib.loads(text))


def test_a_broken_file_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("current = ")
    with pytest.raises(NoContext, match=str(path)):
        read_configuration({"H2O_CONFIG": str(path)})


@pytest.mark.parametrize(
    "before",
    [
        "",
        '# mine\ncurrent = "prod"\n\n[contexts.prod]\nfleet = "prod" # keep\n',
        'current = "dev"\n[contexts.dev]\nfleet = "old"\n[contexts.prod]\nzookeeper = "zk"\n',
        '[contexts.dev]\nfleet = "old"\n',
        "[theme]\nname = 'dark'\n",
    ],
)
def test_writing_keeps_the_rest(tmp_path: Path, before: str) -> None:
    path = tmp_path / "h2o" / "config.toml"
    environ = {"H2O_CONFIG": str(path)}
    if before:
        path.parent.mkdir()
        path.write_text(before)
    kept = {name: context for name, context in read_configuration(environ).contexts.items() if name != "dev"}
    write_context(DEV, environ)
    write_context(DEV, environ)
    after = read_configuration(environ)
    assert after == Configuration("dev", {**kept, "dev": DEV})
    for line in before.splitlines():
        if "#" in line or "theme" in line or "dark" in line:
            assert line in path.read_text().splitlines()
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_values_survive_quoting() -> None:
    odd = Context("dev", 'a"b\\c\n\x7f', "zk")
    parsed = parse_configuration(tomllib.loads(with_context("", odd)))
    assert parsed.contexts["dev"] == odd


def test_a_file_that_cannot_be_edited_safely_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    before = 'contexts = {dev = {fleet = "inline"}}\n'
    path.write_text(before)
    with pytest.raises(NoContext, match=r"by hand|not TOML"):
        write_context(DEV, {"H2O_CONFIG": str(path)})
    assert path.read_text() == before


def test_finding_the_broker(tmp_path: Path) -> None:
    environ = {"H2O_CONFIG": str(tmp_path / "config.toml"), "H2O_RUN": "/run/here"}
    assert find_broker(environ) == "unix:/run/here/broker.sock"
    write_context(DEV, environ)
    assert find_broker(environ) == "unix:/run/h2o/host-1/broker.sock"
    assert find_broker({**environ, "H2O_BROKER": "/run/b"}) == "unix:/run/b/broker.sock"
    with pytest.raises(NoContext, match="at most 107"):
        find_broker({"H2O_BROKER": "/" + "x" * 120})


def test_without_any_word_the_agent_is_looked_for_here(tmp_path: Path) -> None:
    environ = {"H2O_CONFIG": str(tmp_path / "none.toml"), "H2O_RUN": "/run/here"}
    assert current_context(environ=environ) == Context(agent="unix:/run/here/agent.sock", run_dir="/run/here")


def test_runtime_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert runtime_dir({"H2O_RUN": "/x", "XDG_RUNTIME_DIR": "/y"}) == Path("/x")
    first, second = (runtime_dir({"XDG_RUNTIME_DIR": "/y", "H2O_FLEET": fleet}) for fleet in ("a", "b"))
    assert first.parent == Path("/y/h2o")
    assert first != second
    assert len(first.name) == 8
    with pytest.raises(NoContext, match="h2o dev"):
        runtime_dir({})
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert runtime_dir({}) == Path("/run/h2o")
