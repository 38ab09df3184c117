"""The last-known file's bytes: the register's documents as they stood, under a header that says when. Pure.

One line of JSON, then the documents one after the other. The header has their paths, lengths and digest, so that
half a file, or another one, is found out before anything of it is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from h2o_core.documents import LARGE_CAP_BYTES, InvalidDocument, Reader, encode_document
from h2o_core.znodes.live import LIVE_CAP_BYTES, parse_live
from h2o_core.znodes.packages import parse_package_version
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.znodes.live import LiveHost
    from h2o_core.znodes.packages import PackageVersion

CAP_BYTES: Final = 64 << 20
"""1,000 hosts of 20 instances and 500 manifests of 50 kB are 30 MB."""
HEADER_CAP_BYTES: Final = 4 << 20
_MOST_DOCUMENTS: Final = 20_000
_HIGHEST: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Document:
    """A node's bytes. `created`: a manifest's order of registration, a control document's `Stamp.life`, else 0."""

    path: str
    data: bytes
    created: int = 0


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What was true of *fleet* at `true_s` (Unix time), as *host*'s broker read it.

    `epoch` is the highest control epoch that it has seen, `applied` the one that it had in force, by `change_id`.
    """

    fleet: str
    host: str
    true_s: float
    epoch: int
    documents: tuple[Document, ...]
    applied: int = 0
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The same with its documents parsed, but for the `decided`, control's; `problems`: those that could not be."""

    last: LastKnown
    lives: tuple[LiveHost, ...]
    versions: tuple[PackageVersion, ...]
    decided: tuple[Document, ...]
    problems: tuple[str, ...]


def encode_last_known(last: LastKnown) -> bytes:
    """The file; what would make it larger than `CAP_BYTES` is left out, from the end."""
    kept: list[Document] = []
    size = 0
    for document in last.documents[:_MOST_DOCUMENTS]:
        if size + len(document.data) > CAP_BYTES - HEADER_CAP_BYTES:
            break
        kept.append(document)
        size += len(document.data)
    body = b"".join(document.data for document in kept)
    fields: dict[str, object] = {
        "fleet": last.fleet,
        "host": last.host,
        "true_s": last.true_s,
        "epoch": last.epoch,
        "applied": last.applied,
        "change_id": last.change_id,
        "digest": _digest(body),
        "documents": [{"path": one.path, "bytes": len(one.data), "created": one.created} for one in kept],
    }
    return encode_document("last-known", HEADER_CAP_BYTES, fields) + b"\n" + body


def parse_last_known(path: str, data: bytes, fleet: str, host: str) -> Remembered:
    """The file → what it holds; raises InvalidDocument when it is damaged, newer, or another host's."""
    if len(data) > CAP_BYTES:
        raise InvalidDocument(path, f"{len(data):,} bytes are more than the {CAP_BYTES:,} that it may have")
    head, _, body = data.partition(b"\n")
    reader = Reader.of_document(path, head, HEADER_CAP_BYTES)
    if (its := (reader.text("fleet"), reader.text("host"))) != (fleet, host):
        reader.fail(f"it is of host {its[1]} of fleet {its[0]}")
    if reader.text("digest") != _digest(body):
        reader.fail("it is damaged: its digest is not that of its documents")
    documents: list[Document] = []
    at = 0
    for entry in reader.objects("documents", _MOST_DOCUMENTS):
        length = entry.integer("bytes", 0, max(LIVE_CAP_BYTES, LARGE_CAP_BYTES))
        documents.append(Document(entry.text("path"), body[at : at + length], entry.integer("created", 0, _HIGHEST)))
        at += length
    epoch = reader.integer("epoch", 0, 1 << 62)
    # Files of before there was control don't say what was applied: nothing was.
    applied = reader.integer("applied", 0, epoch) if "applied" in reader.fields else 0
    change_id = reader.text("change_id", empty=True) if "change_id" in reader.fields else ""
    return _remember(LastKnown(fleet, host, reader.number("true_s"), epoch, tuple(documents), applied, change_id))


def _remember(last: LastKnown) -> Remembered:
    paths = Paths(last.fleet)
    lives: list[LiveHost] = []
    versions: list[PackageVersion] = []
    decided: list[Document] = []
    problems: list[str] = []
    for one in last.documents:
        try:
            if _is_below(one.path, paths.control):
                decided.append(one)
            elif _is_below(one.path, paths.lives):
                lives.append(parse_live(one.path, one.data))
            elif _is_below(one.path, paths.packages):
                versions.append(parse_package_version(one.path, one.data, created=one.created))
        except InvalidDocument as error:
            problems.append(str(error))
    return Remembered(last, tuple(lives), tuple(versions), tuple(decided), tuple(problems))


def in_order(paths: Paths, documents: Iterable[Document], used: set[str]) -> tuple[Document, ...]:
    """The file's documents, the most needed first: control, hosts, manifests *used* by them, other manifests."""

    def rank(document: Document) -> tuple[int, str]:
        if _is_below(document.path, paths.control):
            return 0, document.path
        if _is_below(document.path, paths.lives):
            return 1, document.path
        return 2 if document.path in used else 3, document.path

    return tuple(sorted(documents, key=rank))


def _is_below(path: str, parent: str) -> bool:
    return path.startswith(f"{parent}/")


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=20).hexdigest()
