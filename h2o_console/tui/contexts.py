"""The other fleets of the configuration file, for going there without leaving the program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from h2o_core.io.context import NoContext, Overrides, agent_token, current_context, read_configuration

_NO_AGENT: Final = "it names no agent; write agent = … into its table"


class Contexts:
    """What the file says now: it may be edited while the console runs. `current`: where it is, "" for no context."""

    def __init__(self, current: str, environ: Mapping[str, str] = os.environ) -> None:
        self.current = current
        self._environ = environ

    def fleets(self) -> Mapping[str, str]:
        """Name → the fleet that it reaches, and through which agent; empty when there is no file, or a broken one."""
        try:
            known = read_configuration(self._environ).contexts
        except NoContext:
            return {}
        return {name: f"{one.fleet or name}  {one.agent or one.run_dir}".rstrip() for name, one in known.items()}

    def refusal(self, name: str) -> str:
        """Why nobody can go there; "" when one can."""
        try:
            context = current_context(Overrides(context=name), self._environ)
            if not context.agent:
                return _NO_AGENT
            agent_token(context, "")
        except NoContext as error:
            return str(error)
        return ""
