"""Which screen shows which kind of place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.rows.places import Kind, Look, Place
from h2o_console.tui.screens.help import HelpScreen
from h2o_console.tui.screens.logs import LogLineScreen, LogsScreen
from h2o_console.tui.screens.package import PackageScreen
from h2o_console.tui.screens.packages import PackagesScreen

if TYPE_CHECKING:
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

SCREENS: Final[Mapping[Kind, Callable[[Session, Place, Look], ConsoleScreen]]] = {
    Kind.PACKAGES: PackagesScreen,
    Kind.PACKAGE: PackageScreen,
    Kind.LOGS: LogsScreen,
    Kind.LOG_LINE: LogLineScreen,
    Kind.HELP: HelpScreen,
}
