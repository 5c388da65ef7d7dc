"""The progress bar of an epoch: lines of one width on stderr, redrawn after a carriage return.

It looks the same in a terminal and in a file that something else shows while it grows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, SupportsFloat, TextIO

WIDTH = 79  # characters; a redrawn line covers the one before, and 80 columns hold it
BLOCKS = 20  # characters of the bar itself
INTERVAL_S = 0.1  # at most ten updates a second


class ProgressBar:
    """`update` after each batch, then `finish`. Leaving the block before that ends the line."""

    def __init__(
        self,
        label: str,
        *,
        quiet: bool = False,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._quiet = quiet
        self._out = sys.stderr if out is None else out
        self._clock = clock
        self._started = clock()
        self._drawn = -INTERVAL_S + self._started
        self._line_is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._line_is_open:
            self._write("\n")

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._started

    def update(self, share: float, images: int, loss: SupportsFloat) -> None:
        """Draw `share` of the epoch and the rate of `images`, at most every tenth of a second and when it is whole.

        `loss` is read only when it is drawn: on a GPU that waits for the device.
        """
        now = self._clock()
        if self._quiet or (now - self._drawn < INTERVAL_S and share < 1):
            return
        self._drawn = now
        filled = int(BLOCKS * share)
        rate = images / max(now - self._started, 1e-9)
        bar = "#" * filled + "-" * (BLOCKS - filled)
        self._draw(f"{self._label} [{bar}] {share:4.0%}  loss {float(loss):.4f}  {rate:,.0f} images/s")

    def finish(self, metrics: str) -> None:
        """Replace the bar by the epoch's metrics and end the line."""
        self._draw(f"{self._label}  {metrics}")
        self._write("\n")

    def _draw(self, line: str) -> None:
        self._write(f"\r{line[:WIDTH]:<{WIDTH}}")

    def _write(self, text: str) -> None:
        if self._quiet:
            return
        self._out.write(text)
        self._out.flush()
        self._line_is_open = not text.endswith("\n")
