"""`h2o context`: lists, switches, says where each value comes from; a typo in the file is named and stops nothing."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.main import main
from h2o_console.cli.origins import Said, values
from h2o_console.cli.typos import typos
from h2o_core.context import Overrides, parse_configuration, resolve

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
# mine
current = "dev"

[contexts.dev]          # at home
fleet = "dev"
agent = "unix:/run/h2o/host-1/agent.sock"
dev = true

[contexts.prod]
fleet = "prod"
zookeeper = "zk-1:2181"
agent = "host-07:8100"

[console]
theme = "dark"
"""


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_AGENT", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    monkeypatch.setenv("H2O_CONFIG", str(path))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("arguments", [("context",), ("context", "list")])
def test_the_list_marks_the_current_one(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [["*", "dev", "dev"], ["-", "prod", "prod"]]


def test_switching_keeps_every_other_line(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    assert run(capsys, "context", "use", "prod")[0] == 0
    after = path.read_text().splitlines()
    assert 'current = "prod"' in after
    assert [line for line in FILE.splitlines() if line and line not in after] == ['current = "dev"']
    assert run(capsys, "context", "-o", "name")[1] == "dev\nprod\n"
    assert json.loads(run(capsys, "context", "--json")[1])["contexts"][1]["current"] is True


def test_switching_says_what_beats_it(
    capsys: pytest.CaptureFixture[str], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("H2O_CONTEXT", "dev")
    assert "unset H2O_CONTEXT" in run(capsys, "context", "use", "prod")[2]


@pytest.mark.parametrize("arguments", [("use", "prdo"), ("show", "prdo")])
def test_an_unknown_context(capsys: pytest.CaptureFixture[str], path: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run(capsys, "context", *arguments)
    assert (code, out) == (3, "")
    assert "did you mean prod?" in err
    assert path.read_text() == FILE


def test_a_file_that_cannot_be_edited_is_left_alone(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    before = 'contexts = {prod = {fleet = "inline"}}\n"current" = "prod"\n'
    path.write_text(before)
    code, _, err = run(capsys, "context", "use", "prod")
    assert code == 2
    assert path.name in err
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [
        (
            Overrides(),
            Overrides(),
            {
                "context": "FILE: current, line 2",
                "fleet": "FILE: [contexts.dev], line 5",
                "agent": "FILE: [contexts.dev], line 6",
                "run_dir": "beside the agent",
                "dev": "FILE: [contexts.dev], line 7",
            },
        ),
        (
            Overrides(),
            Overrides(run_dir="/run/x"),
            {
                "context": "FILE: current, line 2",
                "fleet": "FILE: [contexts.dev], line 5",
                "agent": "beside the broker",
                "run_dir": "H2O_BROKER",
                "dev": "FILE: [contexts.dev], line 7",
            },
        ),
        (
            Overrides(context="prod", fleet="blue"),
            Overrides(context="dev", agent="h:1"),
            {"context": "--context", "fleet": "--fleet", "zookeeper": "FILE: [contexts.prod], line 11"},
        ),
        (
            Overrides(),
            Overrides(context="prod"),
            {
                "context": "H2O_CONTEXT",
                "fleet": "FILE: [contexts.prod], line 10",
                "zookeeper": "FILE: [contexts.prod], line 11",
                "agent": "FILE: [contexts.prod], line 12",
            },
        ),
    ],
)
def test_each_value_says_where_it_comes_from(
    flags: Overrides, environment: Overrides, expected: dict[str, str]
) -> None:
    configuration = parse_configuration(tomllib.loads(FILE))
    context = resolve(flags, environment, configuration)
    found = values(context, Said(flags, environment, configuration, "FILE", FILE))
    assert {each.key: each.origin for each in found if each.origin} == expected


def test_show(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    code, out, _ = run(capsys, "--fleet", "blue", "context", "show")
    assert code == 0
    assert ["fleet", "blue", "--fleet"] in [line.split() for line in out.splitlines()]
    assert "[contexts.prod], line 12" in run(capsys, "context", "show", "prod")[1]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (FILE, []),
        ("", []),
        ("curren_t = 'dev'", ["line 1: curren_t means nothing; did you mean current?"]),
        ("\n[contxts.dev]\nfleet = 'a'", ["line 2: contxts means nothing; did you mean contexts?"]),
        (
            "[contexts.dev]\nfleet = 'a'\nagnet = 'x'\n[contexts.b]\nwhatever = 1",
            [
                "line 3: agnet means nothing in [contexts.dev]; did you mean agent?",
                "line 5: whatever means nothing in [contexts.b]; "
                "there are fleet, zookeeper, agent, run_dir, secret_file, token_file, write_token_file, dev",
            ],
        ),
        (
            "current = 'prd'\n[contexts.prod]",
            ["line 1: there is no context 'prd'; known: prod"],
        ),
        ("contexts = {dev = {flet = 'a'}}", ["flet means nothing in [contexts.dev]; did you mean fleet?"]),
    ],
)
def test_typos_are_named_with_their_line(text: str, sentences: list[str]) -> None:
    assert typos(text, tomllib.loads(text)) == sentences


def test_a_typo_stops_nothing(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text(FILE.replace("zookeeper", "zookeper"))
    code, _, err = run(capsys, "version")
    assert code == 0
    assert f"{path}: line 11: zookeper means nothing in [contexts.prod]; did you mean zookeeper?" in err
