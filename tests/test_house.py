"""Rules of the house that no linter knows: what may be in a tracked file, and what every module says first."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_NOT_OURS = {
    *(".git", ".venv", ".bootstrap", ".hypothesis", ".pytest_cache", ".ruff_cache", ".import_linter_cache"),
    *("__pycache__", "dist", "build", "results"),
}

# Put together here, so that this file does not name what it forbids.
_INDEXES = [
    f"{name}.{domain}"
    for name, domain in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("debian", "org"),
    )
]
_MACHINE = re.compile(r"/(work|root)/|/home/(?!linuxbrew/)\w|/Users/\w|[.]library\b")


def _tracked() -> list[Path]:
    """What git tracks, or would if it were added; without git (a tarball) every file that is no product."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        names = [name for name in listing.split("\0") if name]
    else:
        names = [
            str((Path(at) / name).relative_to(ROOT))
            for at, directories, files in os.walk(ROOT)
            for name in files
            if not _prune(directories)
        ]
    return [ROOT / name for name in sorted(names) if (ROOT / name).is_file()]


def _prune(directories: list[str]) -> None:
    directories[:] = [name for name in directories if name not in _NOT_OURS and not name.endswith(".egg-info")]


def _generated(path: Path) -> bool:
    return path.name.endswith(("_pb2.py", "_pb2.pyi"))


FILES = _tracked()
MODULES = [path for path in FILES if path.suffix == ".py" and not _generated(path)]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 50


def test_no_file_names_a_package_index() -> None:
    found = [
        f"{_name(path)}: {host}"
        for path in FILES
        for host in _INDEXES
        if host in path.read_text(errors="replace").lower()
    ]
    assert not found


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()[:100]}"
        for path in FILES
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if _MACHINE.search(line)
    ]
    assert not found


def test_there_is_no_uv_lock() -> None:
    """It records where files were downloaded from; requirements.lock does not."""
    assert "uv.lock" not in {path.name for path in FILES}


def test_the_lock_has_a_hash_for_each_package() -> None:
    entries = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    assert len(entries) > 20
    assert [entry for entry in entries if "://" in entry] == []
    assert [entry[:60] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_first_what_it_is_about(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if not tree.body and path.name == "__init__.py":
        return
    docstring = ast.get_docstring(tree)
    assert docstring, f"{_name(path)} has no docstring"
    assert len(docstring.splitlines()[0]) > 15, f"{_name(path)} hardly says what it is about"


def test_what_calls_itself_pure_is_held_to_it() -> None:
    """The contract in pyproject.toml judges what it lists; this lists what it has to."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    judged = next(one for one in contracts if one["name"].startswith("Pure modules"))["source_modules"]
    claiming = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.relative_to(ROOT).parts[0].startswith("h2o_")
        if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text())) or "")
    ]
    beside = {name for name in claiming if not re.fullmatch(r"h2o_core\.\w+", name)}
    listed = {name for name in judged if not name.endswith(".*")}
    families = tuple(name.removesuffix("*") for name in judged if name.endswith(".*") and name != "h2o_core.*")
    beside = {name for name in beside if not name.startswith(families)}
    assert sorted(beside - listed) == [], "add these to the contract's source_modules in pyproject.toml"
    assert sorted(listed - beside) == [], "these don't call themselves pure (any more): take them out there"


def _private(tree: ast.Module) -> list[str]:
    """Names that a module defines for itself; what is decorated is used by whoever decorates."""
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.decorator_list:
            names.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [one.id for one in targets if isinstance(one, ast.Name)]
    return [name for name in names if name.startswith("_") and not name.startswith("__")]


def test_what_a_module_keeps_to_itself_it_uses() -> None:
    """vulture knows names and no modules: a dead one hides behind its like in another module."""
    shipped = [path for path in MODULES if path.relative_to(ROOT).parts[0].startswith(("h2o_", "bench", "examples"))]
    texts = {path: path.read_text() for path in shipped}
    found = {(path, name) for path, text in texts.items() for name in _private(ast.parse(text))}
    assert len(found) > 1000
    assert [f"{_name(path)}: {name}" for path, name in found if len(re.findall(rf"\b{name}\b", texts[path])) < 2] == []


def test_no_module_is_called_after_nothing() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [_name(path) for path in MODULES if path.stem in banned] == []


def test_scripts_are_executable_and_say_how_to_use_them() -> None:
    scripts = [path for path in FILES if path.parent in {ROOT / "script", ROOT / ".ci"} and not path.suffix]
    assert {"bootstrap", "check", "demo", "test", "run"} <= {path.name for path in scripts}
    for path in scripts:
        lines = path.read_text().splitlines()
        assert os.access(path, os.X_OK), f"chmod +x {_name(path)}"
        assert lines[0].startswith("#!/usr/bin/env "), _name(path)
        assert lines[1].startswith("# "), f"{_name(path)}: the second line says what it does"


def test_each_link_between_documents_leads_somewhere() -> None:
    links = [
        (path, target)
        for path in FILES
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
        if "://" not in target
    ]
    assert len(links) > 8
    assert [f"{_name(path)}: {target}" for path, target in links if not (path.parent / target).exists()] == []


@pytest.mark.skipif(not (ROOT / ".venv/bin/protoc").exists(), reason="protoc comes with script/bootstrap")
def test_generated_code_is_fresh(tmp_path: Path) -> None:
    subprocess.run([ROOT / "script/protos", tmp_path], check=True, capture_output=True)
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*_pb2.py*")}
    ours = {path.relative_to(ROOT): path.read_bytes() for path in FILES if _generated(path)}
    assert fresh
    assert sorted(map(str, fresh)) == sorted(map(str, ours))
    assert [str(path) for path in fresh if fresh[path] != ours[path]] == []
