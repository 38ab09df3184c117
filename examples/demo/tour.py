"""`script/demo --tour`: drives the fleet as an operator would, breaks it twice, and says what it saw."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from examples.demo.breaking import Burst, broker_survived
from examples.demo.command_line import CommandLine, Unmet, get, within
from examples.demo.deciding import Decisions
from examples.demo.layout import ZONES, expected
from h2o_service import H2OError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.demo.traffic import TrafficProcess

_BOUND_S: Final = 10.0
_START_S: Final = 30.0
_VICTIM_HOST: Final = "host-2"
_OTHER_HOST: Final = "host-3"


class Tour:
    """The steps, in order; each prints what it sees and raises Unmet when something is not as it must be."""

    def __init__(self, h2o: CommandLine, run_dirs: dict[str, Path], traffic: TrafficProcess) -> None:
        """*run_dirs*: each host's runtime directory, for clients on that host."""
        self._h2o = h2o
        self._run_dirs = run_dirs
        self._traffic = traffic
        self._agents: dict[str, str] = {}
        self._customer = ""
        self._before: object = None

    def run(self) -> int:
        """Every step until one does not hold; returns how many held. Raises Unmet, with the step's name before it."""
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("Three hosts in two zones", self.hosts),
            ("Every package runs where it was put", self.packages),
            ("A request through all three tiers", self.call),
            ("A declared outcome, and a typing mistake", self.errors),
            ("Both versions of service/customer share the traffic", self.stats),
            ("Health by HTTP", self.health),
            ("A weight, applied by all brokers", self.shift),
            ("Why a request goes where it goes", self.why),
            ("A host drained, until it could be switched off", self.drain),
            ("Both taken back, and the journal", self.undo),
            ("SIGKILL of one instance", self.kill_an_instance),
            ("SIGKILL of one broker", self.kill_a_broker),
            ("The traffic got one answer for each request", self.traffic),
        )
        for number, (title, step) in enumerate(steps, start=1):
            print(f"\n{number}. {title}", flush=True)
            began = time.monotonic()
            try:
                step()
            except Unmet as unmet:
                msg = f"step {number}, {title}: {unmet}"
                raise Unmet(msg) from None
            except (KeyError, TypeError, H2OError) as odd:
                msg = f"step {number}, {title}: {type(odd).__name__}: {odd}"
                raise Unmet(msg) from odd
            _say(f"held, {time.monotonic() - began:.1f} s")
        return len(steps)

    # --- looking ----------------------------------------------------------------------------------

    def hosts(self) -> None:
        """`h2o hosts`: all there, all linked."""

        def linked() -> bool:
            found = self._hosts()
            return {one["host"] for one in found} == set(ZONES) and all(
                one["link"] in {"self", "up"} and one["agent"] for one in found
            )

        within(_START_S, "three linked hosts in `h2o hosts`", linked)
        found = self._hosts()
        _require({one["host"]: one["zone"] for one in found} == ZONES, f"the zones are not {ZONES}: {found}")
        self._agents = {one["host"]: one["agent"] for one in found}
        self._show("hosts")

    def packages(self) -> None:
        """`h2o list`: what the layout says, ready and routable."""
        within(_START_S, "every instance ready in `h2o list`", lambda: self._ready() == expected())
        self._show("list")

    def call(self) -> None:
        """`h2o call`: register through the API tier, retrieve from the leaf."""
        typed = json.dumps({"name": "Ada", "email": "ada@example.net", "locale": "en-GB"})
        registered = self._shown_call("api/customer/register", typed)
        self._customer = json.dumps({"id": registered["customer"]["id"]})
        retrieved = self._shown_call("service/customer/retrieve", self._customer)
        _require(retrieved["email"] == "ada@example.net", f"the record is another: {retrieved}")

    def errors(self) -> None:
        """Not found is an outcome; a feature that does not exist is the caller's mistake; both say what to do."""
        missing = self._h2o.run("call", "service/customer/retrieve", '{"id": 999999999}')
        _say(f"$ {missing.typed}", *missing.err.splitlines())
        _require(missing.code == 1 and "not_found" in missing.err, f"left with {missing.code}: {missing.err}")
        unknown = self._h2o.run("call", "service/customer/retreive", '{"id": 1}')
        _say(f"$ {unknown.typed}", *unknown.err.splitlines())
        _require(unknown.code != 0 and unknown.err.strip() != "", f"left with {unknown.code} and said nothing")

    def stats(self) -> None:
        """`h2o stats`: counters rise, for both versions."""
        within(_BOUND_S, "requests at both versions", lambda: set(self._requests_by_version()) == {"1.4.2", "2.0.0"})
        before = self._requests_by_version()
        within(
            _BOUND_S,
            "rising counters at both versions",
            lambda: all(self._requests_by_version()[version] > count for version, count in before.items()),
        )
        self._show("stats", "service/customer/retrieve")

    def health(self) -> None:
        """Each agent's /health, /livez and one package's health."""
        for host, address in sorted(self._agents.items()):
            within(_BOUND_S, f"/health of {host} passing", lambda at=address: get(at, "/health")[0] == 200)
            status, kind, body = get(address, "/health")
            _say(f"GET http://{address}/health → {status} {body['status']}, {len(body['checks'])} checks")
            _require(kind.startswith("application/health+json"), f"its type is {kind}")
            _require(body["status"] in {"pass", "warn"}, f"{host} says {body['status']}")
        status, _, body = get(self._agents[_VICTIM_HOST], "/health/service/customer")
        _say(f"GET …/health/service/customer → {status} {body['status']}")
        _require(status == 200, f"service/customer of {_VICTIM_HOST} says {body}")

    # --- deciding ---------------------------------------------------------------------------------

    def shift(self) -> None:
        """`h2o weight`: first its plan, then the change, then the share of real calls."""
        self._before = self._decisions().shares()
        self._show("weight", "service/customer", "2.0.0=25%", "--dry-run")
        ran, share = self._decisions().shift("2.0.0", 25)
        _say(f"$ {ran.typed}    ({ran.took_s * 1000:.0f} ms)", *ran.err.splitlines())
        _say(f"2.0.0 got {share:.1%} of real calls")

    def why(self) -> None:
        """`h2o why`: the same key, the same version, wherever one asks."""
        typed = ("why", "service/customer/retrieve", "--key", "customer-42")
        self._show(*typed)
        said = {self._h2o.json(*typed, "--host", host)["version"] for host in ZONES}
        _require(len(said) == 1, f"hosts differ about where the key goes: {said}")

    def drain(self) -> None:
        """`h2o drain`: exit code 0 when a power-off harms nothing; nobody is sent there."""
        ran, served = self._decisions().drain(_OTHER_HOST)
        _say(f"$ {ran.typed}    ({ran.took_s * 1000:.0f} ms)", *ran.err.splitlines())
        _say(f"{served} requests of service/customer since, none of them on {_OTHER_HOST}")

    def undo(self) -> None:
        """`h2o undo`: the drain, then the weight; all is as it was, and the journal has all of it."""
        for _ in range(2):
            ran = self._decisions().undo()
            _say(f"$ {ran.typed}    ({ran.took_s * 1000:.0f} ms)", *ran.err.splitlines())
        now = self._decisions().shares()
        _require(now == self._before, f"before: {self._before}; now: {now}")
        self._show("journal")

    def _decisions(self) -> Decisions:
        return Decisions(self._h2o, self._run_dirs[_VICTIM_HOST], int(json.loads(self._customer)["id"]))

    # --- breaking ---------------------------------------------------------------------------------

    def kill_an_instance(self) -> None:
        """It leaves `h2o list`, its agent starts another, and nobody is told anything but the truth."""
        victim = self._instance_of(_VICTIM_HOST, "service/customer", "2.0.0")
        before = self._ids()
        killed_at = time.monotonic()
        os.kill(victim["pid"], signal.SIGKILL)
        other = self._agents[_OTHER_HOST]
        within(_BOUND_S, f"its leaving {_OTHER_HOST}'s picture", lambda: victim["id"] not in _picture(other), 0.01)
        unrouted_s = time.monotonic() - killed_at
        within(_BOUND_S, "its leaving `h2o list`", lambda: victim["id"] not in self._ids())
        gone_s = time.monotonic() - killed_at
        _say(
            f"{victim['id']} (pid {victim['pid']}) of {_VICTIM_HOST}",
            f"unrouted on {_OTHER_HOST} after {unrouted_s:.2f} s, out of `h2o list` after {gone_s:.2f} s",
        )
        within(_BOUND_S, "another in its place", lambda: self._ready() == expected())
        back_s = time.monotonic() - killed_at
        new = sorted(self._ids() - before)
        _require(len(new) == 1 and victim["id"] not in new, f"new instances: {new}")
        _say(f"{new[0]} in its place after {back_s:.2f} s")
        self._show("list", "service/customer")

    def kill_a_broker(self) -> None:
        """Callers of its host get clear errors, then service; its instances come back by themselves."""
        address = self._agents[_VICTIM_HOST]
        pid = _broker_pid(address)
        before = self._ids()
        run_dir = self._run_dirs[_VICTIM_HOST]
        burst = broker_survived(run_dir, pid)
        _report(burst, pid)
        back_s = within(_START_S, "every instance ready again", lambda: self._ready() == expected())
        _say(f"all {len(expected())} instances ready again {burst.until_served_s + back_s:.2f} s after the kill")
        within(_BOUND_S, "statistics from the new broker", lambda: _broker_pid(address) not in {0, pid})
        local = {one["id"] for one in self._list() if one["host"] == _VICTIM_HOST}
        _require(not local & before, f"instances kept the dead broker's ids: {sorted(local & before)}")
        within(_BOUND_S, "linked hosts", lambda: all(one["link"] in {"self", "up"} for one in self._hosts()))
        profile = self._h2o.run("call", "api/customer/profile", self._customer, H2O_BROKER=str(run_dir))
        _say(f"$ {profile.typed}    (on {_VICTIM_HOST})", *profile.out.splitlines())
        _require(profile.code == 0, f"left with {profile.code}: {profile.err}")

    def traffic(self) -> None:
        """It ran through both kills: every request has ended exactly once, nearly all of them well."""
        summary = self._traffic.stop()
        _say(json.dumps(summary))
        _require(summary["sent"] == summary["ended"], "not every request has ended")
        good = sum(
            count for outcome, count in summary["outcomes"].items() if outcome.split()[0] in {"OK", "APPLICATION"}
        )
        _require(good > 0.8 * summary["sent"], f"only {good} of {summary['sent']} ended well")

    # --- reading ----------------------------------------------------------------------------------

    def _hosts(self) -> list[dict[str, Any]]:
        return self._h2o.json("hosts")["hosts"]

    def _list(self, *name: str) -> list[dict[str, Any]]:
        return self._h2o.json("list", *name)["instances"]

    def _ids(self) -> set[str]:
        return {one["id"] for one in self._list() if one["id"]}

    def _ready(self) -> list[tuple[str, str, str]]:
        return sorted(
            (one["host"], one["package"], one["version"])
            for one in self._list()
            if one["state"] == "ready" and one["routable"] is not False
        )

    def _instance_of(self, host: str, package: str, version: str) -> dict[str, Any]:
        """From the host's own agent: it alone knows pids."""
        listed = self._h2o.json("list", package, "--agent", f"http://{self._agents[host]}")["instances"]
        for one in listed:
            if (one["host"], one["version"]) == (host, version):
                return one
        msg = f"no {package} {version} on {host}"
        raise Unmet(msg)

    def _requests_by_version(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for instance in self._h2o.json("stats", "service/customer")["instances"]:
            requests = sum(endpoint["num_requests"] for endpoint in instance["endpoints"])
            if requests:
                counted[instance["version"]] += requests
        return counted

    def _shown_call(self, feature: str, typed: str) -> dict[str, Any]:
        ran = self._h2o.run("call", feature, typed)
        _say(f"$ {ran.typed}    ({ran.took_s * 1000:.0f} ms)", *(ran.out + ran.err).splitlines())
        return ran.json()

    def _show(self, *arguments: str) -> None:
        ran = self._h2o.run(*arguments)
        _require(ran.code == 0, f"`{ran.typed}` left with {ran.code}: {ran.err}")
        _say(f"$ {ran.typed}    ({ran.took_s * 1000:.0f} ms)", *ran.out.splitlines())


def _picture(agent: str) -> set[str]:
    """The ids of every instance in the fleet, as that agent's broker sees it."""
    return {one["id"] for one in get(agent, "/instances?fleet=1")[2]["instances"]}


def _broker_pid(agent: str) -> int:
    """The broker that this agent has statistics of; 0 when it has none."""
    status, _, body = get(agent, "/stats")
    return int(body["broker"]["pid"]) if status == 200 else 0


def _report(burst: Burst, pid: int) -> None:
    counted = ", ".join(f"{count} {name}" for name, count in burst.outcomes.most_common())
    _say(f"broker (pid {pid}) of {_VICTIM_HOST} killed with {burst.sent} requests in flight: {counted}")
    for name, text in sorted(burst.examples.items()):
        _say(f"{name}: {text}")
    _say(f"the first answer from the new broker {burst.until_served_s:.2f} s after the kill")


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it is what this is about
    if not holds:
        raise Unmet(otherwise)


def _say(*lines: str) -> None:
    for line in lines:
        print(f"   {line}", flush=True)
