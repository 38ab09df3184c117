"""A package as its author writes it: declarations by decorators, and `run()`.

::

    package = Package("/service/customer", version="1.4.2")

    @package.feature("retrieve", idempotent=True, mean_ms=5, upper95_ms=20, errors=("not_found",))
    async def retrieve(request: CustomerId) -> Customer: ...

    if __name__ == "__main__":
        package.run()
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from h2o_core.io.callsite import LARGEST_FRAME_BYTES
from h2o_core.io.client import Client
from h2o_core.names import InvalidName, parse_package, parse_version, shown
from h2o_service.descriptors import manifest_of
from h2o_service.errors import DeclarationError
from h2o_service.feature import Feature, Promise, declare
from h2o_service.health import CheckSpec, declare_check
from h2o_service.process import run, settle
from h2o_service.runner import Program, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_core.pb.manifest_pb2 import Manifest

DEFAULT_SLOTS: Final = 64
MAX_SLOTS: Final = 10_000
MOST_AVAILABLE: Final = 1_000
DEFAULT_GRACE_S: Final = 10.0

Handler = TypeVar("Handler", bound="Callable[..., Any]")


class Decorator(Protocol):
    """Registers a function and returns it as it is, so that tests can call it."""

    def __call__(self, function: Handler, /) -> Handler:
        """Register *function*."""
        ...


class PackageClient(Client):
    """The package's own client: it shares the instance's link, so its calls are the package's."""

    NOT_OPEN = "package.client works while the package runs: in handlers, and in on_start and on_stop hooks"


class Package:
    """A small collection of features that ship together."""

    def __init__(self, name: str, *, version: str, slots: int = DEFAULT_SLOTS, min_available: int = 0) -> None:
        """*name* is ``/tier/service``; *slots* is how many requests run at the same time in one process.

        *min_available*: so many instances are to take requests at least, whatever operators drain; they have to force
        what leaves fewer. Raises DeclarationError.
        """
        try:
            self.name = parse_package(name)
            self.version = parse_version(version)
        except InvalidName as error:
            msg = f'{error}; write Package("/service/customer", version="1.4.2")'
            raise DeclarationError(msg) from None
        if not 1 <= slots <= MAX_SLOTS:
            msg = f"slots={slots}; use 1 to {MAX_SLOTS}"
            raise DeclarationError(msg)
        if not 0 <= min_available <= MOST_AVAILABLE:
            msg = f"min_available={min_available}; use 1 to {MOST_AVAILABLE}, or 0 to say nothing"
            raise DeclarationError(msg)
        self.slots = slots
        self.min_available = min_available
        self.client: Client = PackageClient()
        self.features: dict[str, Feature] = {}
        self.checks: dict[str, CheckSpec] = {}
        self.start_hooks: list[Callable[[], Any]] = []
        self.stop_hooks: list[Callable[[], Any]] = []
        self._runner: Runner | None = None

    def feature(
        self,
        name: str,
        *,
        idempotent: bool = False,
        mean_ms: float = 0,
        upper95_ms: float = 0,
        errors: Iterable[str] = (),
    ) -> Decorator:
        """Declare a handler: ``async def``, or plain ``def``, which runs in one of *slots* threads.

        *idempotent*: a broker may execute it twice. *mean_ms*, *upper95_ms*: what its author promises.
        *errors*: codes that it may raise as ApplicationError. Raises DeclarationError.
        """

        def decorate(handler: Handler) -> Handler:
            promise = Promise(mean_ms, upper95_ms)
            declared = declare(self.name, name, handler, idempotent=idempotent, promise=promise, errors=errors)
            if declared.name in self.features:
                other = getattr(self.features[declared.name].handler, "__qualname__", "another function")
                msg = f"feature {name!r} is declared twice; {other} has it already"
                raise DeclarationError(msg)
            self.features[declared.name] = declared
            return handler

        return decorate

    def check(
        self, name: str, *, interval_s: float = 10, timeout_s: float | None = None, severity: str = "ticket"
    ) -> Decorator:
        """Declare a health check: it returns None or a Reading, raises CheckWarning, or raises to fail.

        *severity*: "note", "ticket" or "page". Raises DeclarationError.
        """

        def decorate(function: Handler) -> Handler:
            spec = declare_check(name, function, interval_s, timeout_s, severity)
            if spec.name in self.checks or spec.name == "event_loop":
                msg = f"check {name!r} exists already; give it another name"
                raise DeclarationError(msg)
            self.checks[spec.name] = spec
            return function

        return decorate

    def on_start(self, function: Handler) -> Handler:
        """Run *function* once a broker is there and before the first request: open what handlers need."""
        self.start_hooks.append(function)
        return function

    def on_stop(self, function: Handler) -> Handler:
        """Run *function* after the last request, the latest one first: close what `on_start` opened."""
        self.stop_hooks.append(function)
        return function

    def manifest(self) -> Manifest:
        """What a broker is told of this package; raises DeclarationError."""
        if not self.features:
            msg = f'{self.name} has no feature; declare one with @package.feature("retrieve")'
            raise DeclarationError(msg)
        manifest = manifest_of(self.name, self.version, self.features.values(), self.min_available)
        if (size := manifest.ByteSize()) > LARGEST_FRAME_BYTES - 1024:
            msg = f"the manifest of {self.name} has {size:,} bytes, too many for a frame; split the package"
            raise DeclarationError(msg)
        return manifest

    def run(self, *, grace_s: float = DEFAULT_GRACE_S) -> None:
        """Serve until SIGTERM or SIGINT, then leave in order; a second signal exits at once.

        Owns the process's event loop. Returns when all went well; raises SystemExit with 1 (a hook failed),
        2 (no broker is configured, or a declaration is wrong) or 3 (the broker refused the registration).
        """
        run(shown(self.name), self.version, partial(self.serve, grace_s=grace_s, on_ready=settle), self.stop)

    async def serve(
        self,
        endpoint: str | None = None,
        *,
        grace_s: float = DEFAULT_GRACE_S,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """`run` for a loop that exists already: until `stop` is called; raises what went wrong.

        *on_ready* is called when the instance is registered for the first time.
        """
        if self._runner is not None:
            msg = f"{self.name} runs already"
            raise RuntimeError(msg)
        program = Program(
            self.manifest(),
            tuple(self.features.values()),
            tuple(self.checks.values()),
            tuple(self.start_hooks),
            tuple(self.stop_hooks),
            self.slots,
            self.client,
        )
        self._runner = Runner(program, grace_s)
        try:
            await self._runner.serve(endpoint, on_ready)
        finally:
            self._runner = None

    def stop(self) -> None:
        """Leave in order: no new requests, the running ones finish, then the stop hooks. Idempotent."""
        if self._runner is not None:
            self._runner.stop()
