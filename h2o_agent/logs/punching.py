"""Gives the blocks of a file's head back to the file system; the file stays as long as it is, offsets stay valid.

`fallocate` with PUNCH_HOLE | KEEP_SIZE: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS and NFS 4.2 can. FAT, NFS 3, FUSE
without it and other systems than Linux can't (decision 0012).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Final

BLOCK_BYTES: Final = 4096
_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2


def punch(fd: int, start: int, end: int) -> None:
    """Make [start, end) a hole; raises OSError, EOPNOTSUPP where that can't be done."""
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = libc.fallocate64 if hasattr(libc, "fallocate64") else libc.fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong)
    if fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, start, end - start) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def allocated(status: os.stat_result) -> int:
    """Bytes that the file takes on the disk, whatever its length."""
    return status.st_blocks * 512
