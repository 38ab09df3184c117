"""What is said to people on standard error, beside the data."""

from __future__ import annotations

import sys
from contextlib import suppress

from h2o_console.cli.output import one_line


def tell(sentence: str, hint: str = "") -> None:
    """A remark for people, on standard error."""
    with suppress(OSError):  # the terminal may be gone; a remark is not worth dying for
        print(one_line(sentence), file=sys.stderr)
        if hint:
            print(f"  {one_line(hint)}", file=sys.stderr)


def tell_typos() -> None:
    """Say what is odd in the configuration file; never stops anything."""
    from h2o_core.io.context import configuration_file, read_text  # noqa: PLC0415 - `h2o --help` needs no file

    path = configuration_file()
    text = read_text(path)
    if not text:
        return
    import tomllib  # noqa: PLC0415 - 8 ms; whoever read the file for its context has it loaded

    from h2o_console.cli.typos import typos  # noqa: PLC0415 - as above

    for sentence in typos(text, tomllib.loads(text)):
        tell(f"{path}: {sentence}")
