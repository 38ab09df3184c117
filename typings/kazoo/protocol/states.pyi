from typing import NamedTuple

class KazooState:
    SUSPENDED: str
    CONNECTED: str
    LOST: str

class KeeperState:
    AUTH_FAILED: str
    CLOSED: str
    EXPIRED_SESSION: str

class EventType:
    NONE: str

class WatchedEvent(NamedTuple):
    type: str
    state: str
    path: str | None

class ZnodeStat(NamedTuple):
    czxid: int
    mzxid: int
    version: int
    mtime: int
    ctime: int
    ephemeralOwner: int  # noqa: N815 - the name that kazoo has for it
