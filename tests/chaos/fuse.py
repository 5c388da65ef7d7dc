"""A file system in user space that is empty and calls itself sshfs: just enough of FUSE's protocol to be mounted."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOKUP, GETATTR, INIT, DESTROY = 1, 3, 26, 38
ENOENT, ENOSYS = 2, 38
MNT_DETACH = 2
_HEAD = struct.Struct("<IIQQIIII")


@contextmanager
def network_mount(place: Path) -> Iterator[bool]:
    """Mount it at `place`; False if this machine does not let us."""
    place.mkdir()
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    mounted = libc.mount(b"me@host:/", os.fsencode(place), b"fuse.sshfs", 0, options) == 0
    if mounted:
        threading.Thread(target=_serve, args=(device,), daemon=True).start()
    try:
        yield mounted
    finally:
        if mounted:
            libc.umount2(os.fsencode(place), MNT_DETACH)
        os.close(device)


def _serve(device: int) -> None:
    while True:
        try:
            request = os.read(device, 1 << 17)
        except OSError:  # unmounted
            return
        _, opcode, unique, _, *_ = _HEAD.unpack_from(request)
        error, body = _answer(opcode)
        if opcode == DESTROY:
            return
        os.write(device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)


def _answer(opcode: int) -> tuple[int, bytes]:
    if opcode == INIT:
        return 0, struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 1, 1, 1 << 16, 1, 0, 0, 0)
    if opcode == GETATTR:
        attributes = struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 1, 0, 0, 0, 4096, 0)
        return 0, struct.pack("<QII", 60, 0, 0) + attributes
    return (ENOENT if opcode == LOOKUP else ENOSYS), b""
