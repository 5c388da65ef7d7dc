"""A little disk space that is kept back, so that a full disk does not keep the end of a job from being recorded."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SIZE_BYTES = 1 << 20
_PLENTY_BYTES = 4 * SIZE_BYTES


@dataclass(frozen=True)
class Reserve:
    """A file of `SIZE_BYTES` at `path`."""

    path: Path

    def hold(self) -> None:
        """Take the space, if it is not held and there is plenty."""
        if self.path.exists() or shutil.disk_usage(self.path.parent).free < _PLENTY_BYTES:
            return
        with suppress(OSError), self.path.open("wb") as file:  # somebody else was faster at filling the disk
            file.write(os.urandom(SIZE_BYTES))  # zeros would be a hole on some file systems

    def release(self) -> bool:
        """Give the space back; whether there was any to give."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True
