"""Which screen shows which kind of place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.rows.places import Kind, Look, Place
from h2o_console.tui.screens.callers import CallersScreen, CallsScreen
from h2o_console.tui.screens.describe import DescribeScreen
from h2o_console.tui.screens.experiments import ExperimentScreen, ExperimentsScreen
from h2o_console.tui.screens.features import FeatureScreen, FeaturesScreen
from h2o_console.tui.screens.finding import FindingScreen
from h2o_console.tui.screens.help import HelpScreen
from h2o_console.tui.screens.host import HostScreen
from h2o_console.tui.screens.hosts import HostsScreen
from h2o_console.tui.screens.instance import InstanceScreen
from h2o_console.tui.screens.instances import InstancesScreen
from h2o_console.tui.screens.journal import EntryScreen, JournalScreen
from h2o_console.tui.screens.logs import LogLineScreen, LogsScreen
from h2o_console.tui.screens.package import PackageScreen
from h2o_console.tui.screens.packages import PackagesScreen
from h2o_console.tui.screens.triage import TriageScreen
from h2o_console.tui.screens.viewer import JsonScreen

if TYPE_CHECKING:
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

SCREENS: Final[Mapping[Kind, Callable[[Session, Place, Look], ConsoleScreen]]] = {
    Kind.TRIAGE: TriageScreen,
    Kind.FINDING: FindingScreen,
    Kind.PACKAGES: PackagesScreen,
    Kind.PACKAGE: PackageScreen,
    Kind.LOGS: LogsScreen,
    Kind.LOG_LINE: LogLineScreen,
    Kind.HOSTS: HostsScreen,
    Kind.HOST: HostScreen,
    Kind.INSTANCES: InstancesScreen,
    Kind.INSTANCE: InstanceScreen,
    Kind.DESCRIBE: DescribeScreen,
    Kind.FEATURES: FeaturesScreen,
    Kind.FEATURE: FeatureScreen,
    Kind.CALLERS: CallersScreen,
    Kind.CALLS: CallsScreen,
    Kind.EXPERIMENTS: ExperimentsScreen,
    Kind.EXPERIMENT: ExperimentScreen,
    Kind.JOURNAL: JournalScreen,
    Kind.ENTRY: EntryScreen,
    Kind.JSON: JsonScreen,
    Kind.HELP: HelpScreen,
}
