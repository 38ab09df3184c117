"""The closed set of errors: whose fault, was it executed, is a retry safe, what to type next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Code(IntEnum):
    """How a request ended. The numbers are the wire's; they never change."""

    OK = 0
    BAD_REQUEST = 1
    NOT_FOUND = 2
    NO_ROUTE = 3
    FORBIDDEN = 4
    OVERLOADED = 5
    TIMEOUT = 6
    CANCELLED = 7
    OUTCOME_UNKNOWN = 8
    UNAVAILABLE = 9
    INTERNAL = 10
    APPLICATION = 11


HIGHEST_CODE: Final = max(Code)


class Fault(StrEnum):
    """Who has to act."""

    NOBODY = "nobody"
    CALLER = "caller"
    PACKAGE = "package"
    PLATFORM = "platform"


class Executed(IntEnum):
    """Did a handler start? The numbers are the wire's (two bits of the flags)."""

    UNKNOWN = 0
    NO = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means to the caller, before anything is known of the single request."""

    fault: Fault
    executed: Executed
    hint: str


MEANINGS: Final[dict[Code, Meaning]] = {
    Code.OK: Meaning(Fault.NOBODY, Executed.YES, ""),
    Code.BAD_REQUEST: Meaning(
        Fault.CALLER, Executed.NO, "see what it takes: h2o call {feature} (without JSON prints an example)"
    ),
    Code.NOT_FOUND: Meaning(Fault.CALLER, Executed.NO, "see what there is: h2o list {package} -o wide"),
    Code.NO_ROUTE: Meaning(Fault.PLATFORM, Executed.NO, "see who serves it: h2o list {package}"),
    Code.FORBIDDEN: Meaning(
        Fault.CALLER, Executed.NO, "the tiers allow api → orchestration, service; orchestration → service"
    ),
    Code.OVERLOADED: Meaning(Fault.PACKAGE, Executed.NO, "see its slots: h2o stats {package}"),
    Code.TIMEOUT: Meaning(Fault.PACKAGE, Executed.UNKNOWN, "see its times: h2o stats {package}"),
    Code.CANCELLED: Meaning(Fault.CALLER, Executed.UNKNOWN, ""),
    Code.OUTCOME_UNKNOWN: Meaning(
        Fault.PLATFORM, Executed.UNKNOWN, "it may have been executed: look before you repeat it; h2o list {package}"
    ),
    Code.UNAVAILABLE: Meaning(Fault.PLATFORM, Executed.NO, "is the broker up? h2o hosts"),
    Code.INTERNAL: Meaning(Fault.PACKAGE, Executed.YES, "see the last error: h2o stats {package} --json"),
    Code.APPLICATION: Meaning(Fault.NOBODY, Executed.YES, ""),
}

ERRORS: Final = frozenset(code for code in Code if MEANINGS[code].fault in {Fault.PACKAGE, Fault.PLATFORM})
"""What counts as an error: not the caller's own mistakes, and not what a package declares."""


class H2OError(Exception):
    """A call that did not succeed.

    ``code`` says what, ``executed`` whether a handler started, ``hint`` what to type next;
    ``request_id`` (32 hex digits), ``host``, ``instance`` and ``version`` say where, "" when unknown.
    """

    code: Code = Code.INTERNAL

    def __init__(  # noqa: PLR0913 - one keyword for each thing that is known of a failed call
        self,
        message: str,
        *,
        code: Code | None = None,
        executed: Executed | None = None,
        feature: str = "",
        hint: str = "",
        request_id: str = "",
        host: str = "",
        instance: str = "",
        version: str = "",
        at: str = "",
        traceback: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        meaning = MEANINGS[self.code]
        self.executed = meaning.executed if executed is None else executed
        self.feature = feature
        in_logs = self.code is Code.INTERNAL and instance and request_id
        found = f"see what it logged: h2o logs {instance[:8]} --grep {request_id}" if in_logs else ""
        self.hint = hint or found or _hint(meaning.hint, feature)
        self.request_id = request_id
        self.host = host
        self.instance = instance
        self.version = version
        self.at = at
        self.traceback = traceback
        """Of the handler's exception; only in a fleet for development."""

    @property
    def fault(self) -> Fault:
        """Who has to act."""
        return MEANINGS[self.code].fault

    def retry_is_safe(self, *, idempotent: bool = False) -> bool:
        """Repeat without fear: nothing ran, or running twice is declared harmless."""
        if self.code in {Code.BAD_REQUEST, Code.NOT_FOUND, Code.FORBIDDEN, Code.APPLICATION}:
            return False
        return idempotent or self.executed is Executed.NO

    def __str__(self) -> str:
        where = " ".join(
            f"{label} {value}"
            for label, value in (
                ("host", self.host),
                ("instance", self.instance[:8]),
                ("version", self.version),
                ("request", self.request_id),
            )
            if value
        )
        text = f"{self.code.name}: {self.message}"
        if self.feature:
            text = f"{self.feature.removeprefix('/')}: {text}"
        if where:
            text = f"{text} ({where})"
        return f"{text}\n  {self.hint}" if self.hint else text


class ApplicationError(H2OError):
    """An outcome that the package declares (``not_found``, ``card_refused``); never counts against health.

    Handlers raise it; callers catch it and look at ``application_code``.
    """

    code = Code.APPLICATION

    def __init__(self, application_code: str, message: str = "", *, detail: bytes = b"", **where: str) -> None:
        super().__init__(message or application_code, executed=Executed.YES, **where)  # pyright: ignore[reportArgumentType] - `where` holds the string keywords only
        self.application_code = application_code
        self.detail = detail


def _hint(template: str, feature: str) -> str:
    if "{" not in template:
        return template
    if not feature:
        return ""
    name = feature.removeprefix("/")
    return template.format(feature=name, package="/".join(name.split("/")[:2]))


def hint_for(code: Code, feature: str) -> str:
    """What to type next after *code* on *feature*."""
    return _hint(MEANINGS[code].hint, feature)
