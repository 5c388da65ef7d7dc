"""What devices there are, asked for in a thread of its own: nvidia-smi takes up to seconds, and the loop can't wait."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from aml.errors import BackendError
from aml.workspace.embedded.compute import gpus

log = logging.getLogger(__name__)

FRESH_S = 3.0
_ABSENT_S = 30.0  # a driver does not come by itself


@dataclass(frozen=True)
class Found:
    devices: tuple[gpus.Device, ...] = ()
    broken: BackendError | None = None


class Inventory:
    """The last answer, and a thread while there is none that is fresh."""

    def __init__(self, on_news: Callable[[], object]) -> None:
        self._on_news = on_news
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._until = 0.0
        self._asking = False

    def now(self) -> Found | None:
        """What there is; None if that is being asked for: `on_news` is called when it is known."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._found
            if self._asking:
                return None
            if not gpus.may_be_there():
                self._found, self._until = Found(), time.monotonic() + _ABSENT_S
                return self._found
            self._asking = True
        threading.Thread(target=self._ask, name="gpus", daemon=True).start()
        return None

    def count(self) -> int:
        """Devices at the last answer, however old."""
        return 0 if self._found is None else len(self._found.devices)

    def _ask(self) -> None:
        try:
            found = Found(gpus.devices())
        except BackendError as error:
            found = Found(broken=error)
        except Exception as error:  # the thread's edge: jobs must not wait for an answer that never comes
            log.exception("the GPUs of this machine can't be listed")
            found = Found(broken=BackendError(f"the GPUs of this machine can't be listed: {error}"))
        with self._lock:
            self._found, self._until, self._asking = found, time.monotonic() + FRESH_S, False
        self._on_news()
