"""The engine's process: `python -m aml.workspace.embedded.engine FOLDER --lock-fd N --socket-fd M`.

Its keeper gives it the engine lock and the listening socket. It ends with 0 when it is idle or told to stop.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from aml.workspace.embedded.engine.engine import Engine
from aml.workspace.embedded.engine.start import spawn_keeper
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.redaction import scrubbed


def main() -> int:
    arguments = _arguments()
    _log_to(sys.stderr)
    for descriptor in (arguments.lock_fd, arguments.socket_fd):
        os.set_inheritable(descriptor, False)  # a job must not hold them
    paths = WorkspacePaths(arguments.folder)
    listener = socket.socket(fileno=os.dup(arguments.socket_fd))  # the server closes its own
    engine = Engine(paths, listener, idle_s=float(os.environ.get("AML_ENGINE_IDLE_S", "120")))
    signal.signal(signal.SIGTERM, lambda *_: engine.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orphaned = threading.Event()

    def on_orphaned() -> None:
        orphaned.set()
        engine.stop()

    _watch_keeper(os.getppid(), on_orphaned)
    engine.run()
    if orphaned.is_set():
        logging.getLogger(__name__).warning("the keeper is gone; another one takes over")
        spawn_keeper(paths, arguments.lock_fd, arguments.socket_fd)
    return 0


class _Scrubbing(logging.Formatter):
    """Lines without what looks like a secret, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


def _log_to(stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Scrubbing("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="aml-engine")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--socket-fd", type=int, required=True)
    return parser.parse_args()


def _watch_keeper(keeper: int, on_end: Callable[[], None]) -> None:
    """Call `on_end` in a thread when the keeper dies, where the platform can tell."""
    if not hasattr(os, "pidfd_open"):
        return
    watch = os.pidfd_open(keeper)

    def wait() -> None:
        select.select([watch], [], [])
        on_end()

    threading.Thread(target=wait, name="keeper-watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
