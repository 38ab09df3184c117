"""Data to standard output, once or again every second."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.failures import CommandFailed, Exit, ReaderGone
from h2o_console.cli.output import Column, Format, Style, render_table, to_json, to_names, to_yaml
from h2o_console.cli.remarks import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from h2o_console.cli.options import Reading

WATCH_EVERY_S: Final = 1.0
_HOME_AND_CLEAR: Final = "\x1b[H\x1b[J"


class Page:
    """One answer in all its shapes: a table, a JSON document, names; and with which code to leave.

    *rows* are asked for when a table is wanted, and then once: a generator costs nothing where JSON is printed.
    *text* is for a page that is more than a table.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        document: Mapping[str, Any],
        names: Sequence[str],
        exit_code: Exit = Exit.OK,
        text: Callable[[Style], str] | None = None,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.document = document
        self.names = names
        self.exit_code = exit_code
        self.text = text


def terminal_style(reading: Reading) -> Style:
    """Colours and a width for a terminal, neither for a pipe; NO_COLOR and dumb terminals are heard."""
    terminal = sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    cells = shutil.get_terminal_size().columns if terminal else None
    return Style(reading.output is Format.WIDE, reading.headers, colour, cells)


def page_text(page: Page, reading: Reading, style: Style) -> str:
    """The page as ``-o`` wants it."""
    if reading.output is Format.JSON:
        return to_json(page.document, one_line=reading.watch)
    if reading.output is Format.YAML:
        return ("---\n" if reading.watch else "") + to_yaml(page.document)
    if reading.output is Format.NAME:
        return to_names(page.names)
    return render_table(page.columns, page.rows, style) if page.text is None else page.text(style)


def show(read: Callable[[], Page], reading: Reading) -> Exit:
    """Print what *read* returns, once or, with --watch, every second until interrupted."""
    if not reading.watch:
        page = read()
        write(page_text(page, reading, terminal_style(reading)))
        return page.exit_code
    return _watch(read, reading)


def _watch(read: Callable[[], Page], reading: Reading) -> Exit:
    import time  # noqa: PLC0415 - h2o_core.io.clock reads the time; this waits

    told = ""
    first = True
    while True:
        try:
            page = read()
            told = ""
        except CommandFailed as failure:
            if first and failure.exit_code is Exit.USAGE:
                raise
            if failure.message != told:
                tell(failure.message, failure.hint)
            told = failure.message
        else:
            style = terminal_style(reading)
            text = page_text(page, reading, style)
            table = reading.output in {Format.TABLE, Format.WIDE}
            redraw = style.cells is not None and os.environ.get("TERM") != "dumb"
            write(((_HOME_AND_CLEAR if redraw else "" if first else "\n") if table else "") + text)
        first = False
        time.sleep(WATCH_EVERY_S)


def write(text: str) -> None:
    """To standard output at once, whatever its encoding can't express replaced; raises ReaderGone."""
    stream = sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        raise ReaderGone from None
