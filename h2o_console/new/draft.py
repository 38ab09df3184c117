"""A new package as files: reads the templates, fills them in, writes them where nothing is yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.new.generated import renamed_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from h2o_console.new.words import Words

TEMPLATES: Final = Path(__file__).with_name("templates")
_CONTRACT: Final = ("service_widget.proto", "service_widget_pb2.py", "service_widget_pb2.pyi")
"""What a caller needs of the service that it calls."""


class DirectoryTaken(Exception):
    """Something is where the package is to be; nothing was written."""


def draft(words: Words) -> Mapping[str, str]:
    """File name → text of a new package, in the order to show them."""
    texts = {words.fill(path.name): _text(path, words) for path in _templates(words)}
    return {name.removesuffix(".tmpl").replace("gitignore", ".gitignore"): text for name, text in texts.items()}


def _templates(words: Words) -> Iterator[Path]:
    yield from _files(TEMPLATES / ("service" if words.tier == "service" else "caller"))
    if words.tier != "service":
        yield from (TEMPLATES / "service" / name for name in _CONTRACT)
    yield from _files(TEMPLATES / "both")


def _files(directory: Path) -> list[Path]:
    """Not the __pycache__ that an installer leaves beside generated code."""
    return sorted(path for path in directory.iterdir() if path.is_file())


def _text(path: Path, words: Words) -> str:
    text = path.read_text(encoding="utf-8")
    return renamed_module(text, words) if path.name.endswith("_pb2.py") else words.fill(text)


def write(files: Mapping[str, str], directory: Path) -> None:
    """Write *files* into *directory*, which is made, or is there and empty; raises DirectoryTaken, OSError."""
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise DirectoryTaken
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with (directory / name).open("x", encoding="utf-8") as file:
            file.write(text)
