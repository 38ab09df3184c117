"""Where service/customer keeps its records: one SQLite file that nobody else opens."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from examples.messages.customer_pb2 import Customer, NewCustomer

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, email TEXT NOT NULL, locale TEXT NOT NULL
)
"""
_RETRIEVE = "SELECT id, name, email, locale FROM customer WHERE id = ?"
_FIND = "SELECT id, name, email, locale FROM customer WHERE email = ? ORDER BY id DESC LIMIT 1"
_CREATE = "INSERT INTO customer (name, email, locale) VALUES (?, ?, ?) RETURNING id, name, email, locale"
_UPDATE = "UPDATE customer SET name = ?, email = ?, locale = ? WHERE id = ?"


class CustomerStore:
    """Customer records. Several instances, of several versions, open the same file."""

    def __init__(self, path: Path) -> None:
        """Open *path*, and make it if it isn't there."""
        self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")  # readers don't wait for the one writer
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(_SCHEMA)

    def create(self, new: NewCustomer) -> Customer:
        """Store a new record; its id is never used twice."""
        created = self._one(_CREATE, (new.name, new.email, new.locale))
        assert created is not None, "an INSERT that did not raise returns its row"
        return created

    def retrieve(self, customer_id: int) -> Customer | None:
        """The record, or None."""
        return self._one(_RETRIEVE, (customer_id,))

    def find(self, email: str) -> Customer | None:
        """The newest record with this address, or None."""
        return self._one(_FIND, (email,))

    def update(self, customer: Customer) -> bool:
        """Replace the record; False when there is none."""
        values = (customer.name, customer.email, customer.locale, customer.id)
        return self._db.execute(_UPDATE, values).rowcount > 0

    def delete(self, customer_id: int) -> bool:
        """Remove the record; False when there is none."""
        return self._db.execute("DELETE FROM customer WHERE id = ?", (customer_id,)).rowcount > 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _one(self, query: str, values: tuple[int | str, ...]) -> Customer | None:
        row = self._db.execute(query, values).fetchone()
        if row is None:
            return None
        customer_id, name, email, locale = row
        return Customer(id=customer_id, name=name, email=email, locale=locale)
