"""service/email: sends e-mail, or here, appends it to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import uuid4

from examples.messages.email_pb2 import Message, Receipt
from h2o_service import ApplicationError, Package

package = Package("/service/email", version="1.1.0")
outbox = Path(os.environ.get("EMAIL_OUTBOX", os.devnull))


@package.feature("send", mean_ms=5, upper95_ms=30, errors=["invalid_address"])
def send(request: Message) -> Receipt:
    """Hand one message over; the receipt names it."""
    if "@" not in request.to:
        raise ApplicationError("invalid_address", f"{request.to!r} is not an e-mail address")
    message_id = uuid4().hex
    line = json.dumps({"id": message_id, "to": request.to, "subject": request.subject, "body": request.body})
    with outbox.open("a") as file:
        file.write(line + "\n")
    return Receipt(message_id=message_id)


if __name__ == "__main__":
    package.run()
