"""The fleet as an agent sees it; without an agent, as ZooKeeper's register tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import age
from h2o_console.cli.remarks import tell
from h2o_console.cli.token import token_for
from h2o_console.cli.views import HostsView, InstancesView
from h2o_console.feed.answers import Head, objects, parse_alarms, parse_head, parse_hosts, parse_instances

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from h2o_console.cli.labels import Label
    from h2o_core.context import Context

_FRESH_S = 5.0
"""What an agent says may be this old before it is worth a word: it asks its broker once a second."""


class Fleet:
    """Where a command reads the fleet: the agent, and ZooKeeper once that was out of reach."""

    def __init__(
        self, context: Context, timeout_s: float, labels: Sequence[Label] = (), say: Callable[..., None] = tell
    ) -> None:
        """With *labels*, `instances` and `hosts` are only those of hosts that have them."""
        self.context = context
        self.timeout_s = timeout_s
        self._labels = labels
        self._say = say
        self._said: set[str] = set()

    def instances(self) -> InstancesView:
        """The fleet's instances; raises CommandFailed when neither agent nor ZooKeeper can be reached."""
        view = self._all_instances()
        if not self._labels:
            return view
        names = {host.host for host in self.hosts().hosts}
        kept = [at for at, each in enumerate(view.instances) if each.host in names]
        return replace(
            view, instances=tuple(view.instances[at] for at in kept), entries=tuple(view.entries[at] for at in kept)
        )

    def hosts(self) -> HostsView:
        """The fleet's hosts; raises CommandFailed as `instances`, and when no host has the labels."""
        view = self.all_hosts()
        if not self._labels:
            return view
        from h2o_console.cli.labels import hosts_meant  # noqa: PLC0415 - seldom asked for

        meant = set(map(id, hosts_meant(view.hosts, self._labels)))
        kept = [at for at, each in enumerate(view.hosts) if id(each) in meant]
        return replace(view, hosts=tuple(view.hosts[at] for at in kept), entries=tuple(view.entries[at] for at in kept))

    def _all_instances(self) -> InstancesView:
        document = self._asked("/instances?fleet=1")
        if document is None:
            self._check_zookeeper()
            from h2o_console.cli.register import read_instances  # noqa: PLC0415 - kazoo is 46 ms that an agent saves

            return read_instances(self.context, self.timeout_s)
        return InstancesView(self._head(document), parse_instances(document), tuple(objects(document, "instances")))

    def all_hosts(self) -> HostsView:
        """All hosts, whatever their labels; raises CommandFailed as `instances`."""
        document = self._asked("/hosts")
        if document is None:
            self._check_zookeeper()
            from h2o_console.cli.register import read_hosts  # noqa: PLC0415 - as above

            return read_hosts(self.context, self.timeout_s)
        head = self._head(document)
        for alarm in parse_alarms(document):
            self.say(f"host {head.host} has an alarm: {alarm}")
        return HostsView(head, parse_hosts(document), tuple(objects(document, "hosts")))

    def features(self) -> tuple[Mapping[str, Any], ...]:
        """All features that were ever registered, as ``/features`` has them; none when only ZooKeeper can be asked."""
        document = self._asked("/features?fleet=1")
        return () if document is None else tuple(objects(document, "features"))

    def token_of(self, address: str) -> str:
        """What the agent at *address* is shown; raises CommandFailed."""
        return token_for(self.context, address)

    def _asked(self, path: str) -> Mapping[str, Any] | None:
        """The agent's answer; None when it is ZooKeeper's turn."""
        context = self.context
        if not context.agent:
            return None
        try:
            return ask(context.agent, path, self.timeout_s, token_for(context, context.agent))
        except AgentUnreachable as error:
            failure = CommandFailed(Exit.UNREACHABLE, str(error), _reach_hint(context))
        except AgentRefused as error:
            hint = error.hint or _reach_hint(context)
            failure = CommandFailed(Exit.UNREACHABLE, f"the agent at {context.agent}: {error.error}", hint)
        if not context.zookeeper:
            raise failure
        self.say(f"{failure.message}; reading ZooKeeper {context.zookeeper} (fleet {context.fleet}) instead")
        return None

    def _check_zookeeper(self) -> None:
        if not self.context.zookeeper or not self.context.fleet:
            msg = "no agent and no ZooKeeper to ask"
            raise CommandFailed(Exit.UNREACHABLE, msg, _reach_hint(self.context))

    def _head(self, document: Mapping[str, Any]) -> Head:
        head = parse_head(document)
        wanted = self.context.fleet
        if wanted and head.fleet and head.fleet != wanted:
            msg = f"the agent at {self.context.agent} belongs to fleet {head.fleet}, not to {wanted}"
            raise CommandFailed(
                Exit.USAGE, msg, f"ask for that one: --fleet {head.fleet}, or name an agent of {wanted}"
            )
        if head.report_age_s is not None and head.report_age_s > _FRESH_S:
            self.say(f"this is {age(head.report_age_s)} old: the broker of host {head.host} does not answer its agent")
        elif head.register_state not in {"", "connected"}:
            silent, old = age(head.silent_s), age(head.picture_age_s)
            source = ", from its last-known file" if head.from_file else ""
            self.say(
                f"host {head.host} has not heard from ZooKeeper for {silent}; the fleet as it was {old} ago{source}:"
            )
        return head

    def say(self, sentence: str, hint: str = "") -> None:
        """A remark on standard error; only once, however often --watch comes by."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._say(sentence, hint)


def _reach_hint(context: Context) -> str:
    if context.dev:
        return "is the fleet up? start it: h2o dev"
    if not context.name and not context.fleet:
        return "start a fleet here: h2o dev; or name one: --agent http://HOST:PORT, or --zk HOST:PORT --fleet NAME"
    return "name another agent: --agent http://HOST:PORT, or read the register: --zk HOST:PORT --fleet NAME"
