"""One broker process: the switch, its ports and its register, put together and answering for themselves."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_broker import events
from h2o_broker.explain import explain
from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.ports import Ports
from h2o_broker.register.admission import Refused, checked
from h2o_broker.register.control import Control
from h2o_broker.register.last_known_file import LastKnownFile
from h2o_broker.report import Identity, broker_report, picture
from h2o_broker.requests import LOCAL
from h2o_broker.roster import Roster
from h2o_broker.samples import Samples
from h2o_broker.switch import Switch
from h2o_core.access import Role
from h2o_core.context import BROKER_SOCKET
from h2o_core.documents import InvalidDocument
from h2o_core.ejection import DEFAULT
from h2o_core.envelope import ANSWER, WIRE, encode
from h2o_core.errors import Code
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.place import fleet_secret, machine_id
from h2o_core.io.registry import RegisterUnavailable, Registry
from h2o_core.io.wire import peer_key
from h2o_core.manifests import manifest_from_package_version
from h2o_core.names import shown
from h2o_core.pb.explain_pb2 import Explanation
from h2o_core.pb.stats_pb2 import Ask
from h2o_core.times import Moment
from h2o_core.znodes.live import LiveHost, LiveInstance

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from h2o_core.ejection import Policy
    from h2o_core.hostfile import HostFile
    from h2o_core.io.registry import RegistryState
    from h2o_core.pb.explain_pb2 import Question
    from h2o_core.pb.manifest_pb2 import Manifest
    from h2o_core.znodes.packages import PackageVersion

log = logging.getLogger(__name__)

REGISTER_START_S = 2.0


class Broker:
    """Start with `start`, then await `run`; `close` at the end, also after an error."""

    def __init__(self, hostfile: HostFile, ejection: Policy = DEFAULT) -> None:
        self._hostfile = hostfile
        self._machine = machine_id(hostfile)
        self._secret = fleet_secret(hostfile)
        self._incarnation = secrets.randbits(64) or 1
        self._started_s = unix_s()
        self._address = ""
        self._tasks: set[asyncio.Task[None]] = set()
        switch = self._switch = Switch(hostfile.host, self._incarnation, random.random, ejection)
        self._roster = Roster(switch, hostfile.zone, hostfile.fleet, dev=hostfile.dev)
        self._links = Links(switch, hostfile.zone, hostfile.fleet, peer_key(self._secret, hostfile.fleet))
        self._ports = Ports(asyncio.get_running_loop(), switch, self._roster, self._links, self._on_event)
        self._registry = Registry(
            hostfile.zookeeper,
            hostfile.fleet,
            dev=hostfile.dev,
            session_timeout_s=hostfile.session_timeout_s,
            on_state=self._on_register_state,
            role=Role.BROKER,
            secret=self._secret,
        )
        self._control = Control(
            self._registry,
            switch,
            self._roster,
            self._links,
            LastKnownFile(Path(hostfile.state_dir), hostfile.fleet, hostfile.host),
            self._live_document,
            self._ports.flush,
        )
        self._samples = Samples(switch, hostfile.zone, lambda: self._control.known.decisions.applied)

    async def run(self) -> None:
        """Serve until cancelled; raises ForeignHost, EndpointTaken, RegisterRefused or CannotStart."""
        hostfile = self._hostfile
        path = Path(hostfile.run_dir) / BROKER_SOCKET
        self._switch.origin.started(monotonic_ns())
        self._address = self._advertised(
            self._ports.open(
                f"unix:{path}",
                f"tcp://{hostfile.advertise}:{hostfile.broker_port or '*'}",
                self._secret,
                hostfile.fleet,
            )
        )
        log.info("broker of %s serves %s and tcp://%s", hostfile.host, path, self._address)
        await self._control.remember()
        try:
            await self._registry.start(timeout_s=REGISTER_START_S)
        except RegisterUnavailable as error:
            log.warning("serving without the register: %s", error)
        await self._control.run()

    def _advertised(self, endpoint: str) -> str:
        return f"{self._hostfile.advertise}:{endpoint.rsplit(':', 1)[1]}"

    async def close(self) -> None:
        """Say goodbye, leave the register (when it can be reached) and close the sockets."""
        for task in self._tasks:
            task.cancel()
        self._links.inbound.farewell()
        self._ports.flush()
        self._control.close()
        await self._registry.stop()
        self._ports.close()

    def _live_document(self) -> LiveHost:
        hostfile = self._hostfile
        return LiveHost(
            host=hostfile.host,
            zone=hostfile.zone,
            address=self._address,
            key=peer_key(self._secret, hostfile.fleet),
            incarnation=self._incarnation,
            machine=self._machine,
            wire=WIRE,
            labels=hostfile.labels,
            instances=tuple(
                LiveInstance(
                    id=one.id,
                    package=one.version.spec.package,
                    version=one.version.spec.version,
                    digest=one.version.spec.digest,
                    slots=one.slots,
                    started_s=one.started_s,
                    pid=one.pid,
                )
                for one in sorted(self._switch.instances.values(), key=lambda one: one.id)
                if one in one.version.instances
            ),
        )

    # ------------------------------------------------------------------ events

    def _on_register_state(self, state: RegistryState) -> None:
        self._control.register_state(state)

    def _on_event(self, event: events.Event) -> None:
        match event:
            case events.RegistrationAsked():
                self._spawn(self._register(event))
            case events.ReportAsked():
                self._report(event)
            case events.InstanceAdmitted():
                self._control.live_node.added()
            case events.InstanceRemoved():
                self._control.live_node.removed()
                log.info("%s %s instance %s is out: %s", shown(event.package), event.version, event.id[:8], event.why)
            case events.LinkWanted():
                self._ports.link(event.address, event.rid)
            case events.LinkDropped():
                self._ports.unlink(event.address)
            case events.LinkChanged():
                log.info("link to %s: %s", event.host, event.what)
                self._control.link_changed(event.host)
            case events.GivenUp():
                log.warning(
                    "given up at the end of the drain's grace: %s (request %s of %s), at instance %s for %.1f s",
                    shown(event.feature),
                    event.request_id or "without an id",
                    shown(event.caller),
                    event.instance,
                    event.ran_s,
                )

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _register(self, asked: events.RegistrationAsked) -> None:
        register = asked.register
        try:
            spec = checked(register)
            await self._control.publisher.publish(spec, replace=register.replace_manifest and self._hostfile.dev)
        except (Refused, InvalidDocument) as refusal:
            log.warning("refused a registration (pid %d): %s", register.pid, refusal)
            self._roster.reject(asked.rid, asked.correlation, Code.BAD_REQUEST, str(refusal))
        else:
            admission = Admission(register.slots, register.pid, register.launch, unix_s())
            instance_id = secrets.token_hex(8)
            self._roster.admit(asked.rid, asked.correlation, instance_id, spec, admission, monotonic_ns())
            log.info("%s %s instance %s is in (pid %d)", shown(spec.package), spec.version, instance_id, register.pid)
        self._ports.flush()

    def _report(self, asked: events.ReportAsked) -> None:
        moment = Moment(monotonic_ns(), unix_s())
        ask = asked.ask
        if ask.what == Ask.MANIFEST:
            manifest = self._manifest(ask.package, ask.version)
            if manifest is None:
                wanted = f"{shown(ask.package)} {ask.version}".strip()
                message = f"no package {wanted} was ever registered"
                payload = self._switch.ledger.failure(Code.NOT_FOUND, message, "")
                frame = encode(ANSWER, code=Code.NOT_FOUND, correlation=asked.correlation, payload=payload)
                self._switch.out.append((LOCAL, asked.rid, frame))
                return
            body = manifest.SerializeToString()
        elif ask.what == Ask.PICTURE:
            fleet = picture(self._identity(), self._switch, self._links, self._control.known, moment)
            fleet.version = self._switch.picture_version
            body = fleet.SerializeToString()
        elif ask.what == Ask.WHY:
            body = self._why(ask.question, moment).SerializeToString()
        else:
            body = broker_report(
                self._identity(),
                self._switch,
                self._links,
                self._control.report(),
                self._switch.picture_version,
                self._control.known.decisions,
                self._ports.counts,
                self._ports.strangers.sentence(moment.monotonic_ns),
                self._ports.pid_of,
                moment,
            ).SerializeToString()
        self._roster.tell(asked.rid, asked.correlation, body)

    def _why(self, question: Question, moment: Moment) -> Explanation:
        at_ns = moment.monotonic_ns
        if question.request_id:
            found = self._samples.find(question.request_id)
            if found is None:
                sentence = f"no request whose id begins with {question.request_id} is remembered here"
                return Explanation(code=Code.NOT_FOUND.name, sentence=sentence)
            told, at_ns = found
        else:
            told = explain(self._switch, question, self._hostfile.zone, at_ns)
            told.epoch = self._control.known.decisions.applied
        told.at_s = moment.unix_s - (moment.monotonic_ns - at_ns) / 1e9
        return told

    def _manifest(self, package: str, version: str) -> Manifest | None:
        known: dict[str, PackageVersion] = {
            one.version: one for one in self._control.known.inventory.versions.values() if one.package == package
        }
        pool = self._switch.pools.get(package)
        if pool is not None:
            for name, local in pool.local.items():
                known.setdefault(name, local.spec)
        spec = known.get(version) if version else max(known.values(), key=lambda one: one.created, default=None)
        return manifest_from_package_version(spec) if spec is not None else None

    def _identity(self) -> Identity:
        hostfile = self._hostfile
        return Identity(
            host=hostfile.host,
            zone=hostfile.zone,
            fleet=hostfile.fleet,
            address=self._address,
            incarnation=self._incarnation,
            pid=os.getpid(),
            started_s=self._started_s,
            labels=hostfile.labels,
        )
