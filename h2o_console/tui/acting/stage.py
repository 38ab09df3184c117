"""Where the pages of changes are shown: one dialog, opened for the first of them and turned for every other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from h2o_console.tui.acting.dialog import Dialog

if TYPE_CHECKING:
    from h2o_console.tui.acting.page import Page


class Stage:
    """*show* puts the dialog on the screen."""

    def __init__(self, show: Callable[[Dialog], None]) -> None:
        self._show = show
        self._dialog: Dialog | None = None

    @property
    def page(self) -> Page | None:
        """What is shown; None while there is no dialog."""
        return None if self._dialog is None else self._dialog.page

    def turn(self, page: Page) -> None:
        """Show *page* from now on."""
        if self._dialog is not None:
            self._dialog.turn(page)
            return
        self._dialog = Dialog(page)
        self._show(self._dialog)

    def bring_up(self) -> None:
        """Show what the page has to show now."""
        if self._dialog is not None:
            self._dialog.bring_up()

    def dismiss(self) -> None:
        """Take the dialog off the screen."""
        if self._dialog is not None:
            dialog, self._dialog = self._dialog, None
            dialog.dismiss(None)
