"""What a package author imports: Package, the errors, the client, and what a handler can ask."""

from h2o_core.errors import ApplicationError, Code, Executed, Fault, H2OError
from h2o_core.io.client import Client
from h2o_core.priorities import Priority
from h2o_service.context import call, call_sync, current_request, detached
from h2o_service.errors import DeclarationError
from h2o_service.health import CheckWarning, Reading, Severity
from h2o_service.package import Package

__all__ = [
    "ApplicationError",
    "CheckWarning",
    "Client",
    "Code",
    "DeclarationError",
    "Executed",
    "Fault",
    "H2OError",
    "Package",
    "Priority",
    "Reading",
    "Severity",
    "call",
    "call_sync",
    "current_request",
    "detached",
]
