"""`h2o completion bash|zsh|fish`: the script that makes TAB complete commands, options and the fleet's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.printing import write

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

VARIABLE: Final = "_H2O_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> Exit:
    """Print the script that completes `h2o` in SHELL: commands, options, packages, features, ids, hosts, contexts.

    \b
    eval "$(h2o completion bash)"                                    for this terminal
    h2o completion bash > ~/.local/share/bash-completion/completions/h2o
    h2o completion zsh > "${fpath[1]}/_h2o"
    h2o completion fish > ~/.config/fish/completions/h2o.fish
    """  # noqa: D301 - \b is click's mark for lines to keep
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - for this command alone

    kind: type[ShellComplete] | None = get_completion_class(shell)
    if kind is None:
        raise CommandFailed(Exit.FAILED, f"this version of click does not know {shell}", "pip install -U click")
    completer = kind(click.get_current_context().find_root().command, {}, "h2o", VARIABLE)
    write(completer.source_template % completer.source_vars())
    return Exit.OK
