"""A sweep while it runs: on a terminal a table that is drawn anew in its place, in a pipe a line for each change."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from aml.view.color import has_color
from aml.view.entities import web_url
from aml.view.streams import put
from aml.view.sweeps import headline, line, table, word
from aml.workspace.records import Job, Status, Sweep, Trial

INTERVAL_S = 0.5
_OTHER_LINES = 4  # of the terminal: headline, headers, the line for what is not shown


class SweepView:
    """Shows one sweep on `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._color = has_color(stream)
        self._words: dict[str, str] = {}  # trial -> what was said of it last
        self._drawn: list[str] = []
        self._told: str | None = None  # the remark that was said last
        self._looked = -INTERVAL_S

    def header(self, job: Job) -> None:
        put(f"RunId: {job.name}\nWeb View: {web_url(job)}\n\n", self._stream)

    def is_due(self, job: Job) -> bool:
        """Whether it is time to look at the trials again."""
        due = job.status.is_terminal or time.monotonic() - self._looked >= INTERVAL_S
        if due:
            self._looked = time.monotonic()
        return due

    def update(self, sweep: Sweep) -> None:
        if self._is_terminal:
            self._draw(sweep)
        else:
            self._tell(sweep)

    def footer(self, job: Job) -> None:
        put(f"\nExecution Summary\n{'=' * 17}\nRunId: {job.name}\nWeb View: {web_url(job)}\n", self._stream)

    def _tell(self, sweep: Sweep) -> None:
        if sweep.job.message and sweep.job.message != self._told:
            self._told = sweep.job.message
            put(f"{sweep.job.message}\n", self._stream)
        for trial in sweep.trials:
            now = word(trial)
            if trial.job.status is not Status.QUEUED and self._words.get(trial.name) != now:
                self._words[trial.name] = now
                if trial.job.status is Status.RUNNING or trial.job.status.is_terminal:
                    put(f"{line(sweep, trial)}\n", self._stream)

    def _draw(self, sweep: Sweep) -> None:
        width, height = shutil.get_terminal_size()
        shown = _most_telling(sweep, max(height - _OTHER_LINES, 3))
        lines = [headline(sweep, color=self._color), *table(sweep, shown).splitlines()]
        if len(shown) < len(sweep.trials):
            lines.append(f"and {len(sweep.trials) - len(shown)} more")
        if sweep.job.message:
            lines.append(sweep.job.message)
        # The codes of the colours take no place.
        lines = [text if "\x1b" in text else text[: width - 1] for text in lines]
        if lines != self._drawn:
            up = f"\x1b[{len(self._drawn)}F" if self._drawn else ""
            put(up + "".join(f"{text}\x1b[K\n" for text in lines) + "\x1b[J", self._stream)
            self._drawn = lines


def _most_telling(sweep: Sweep, most: int) -> list[Trial]:
    """Those that run, the best ones, then the latest; in the order of their numbers."""
    running = [trial for trial in sweep.trials if not trial.job.status.is_terminal]
    ranked = [trial for trial in sweep.ranked if trial.job.status.is_terminal]
    wanted = {trial.name for trial in [*running[: most // 2], *ranked][:most]}
    return [trial for trial in sweep.trials if trial.name in wanted]
