"""CPU time of short commands, as a multiple of `python -c pass` in the same run: `python -m tests.bench.startup`.

Runs are interleaved, so that a machine that slows down slows all of them. CPU is user plus system time of the whole
process, medians of 15.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 15
ROWS = 10_000
BIN = Path(sys.executable).parent
LIMITS = {"aml --help": 9, "aml --version": 9, "aml job show": 15, "aml job list": 15, "Tab behind -n": 12}
TAB = ("_AML_COMPLETE=complete_bash", "COMP_WORDS=aml job show -n job_9", "COMP_CWORD=4")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["AML_HOME"] = home
        fill(ROWS)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "aml --help": [str(BIN / "aml"), "--help"],
            "aml --version": [str(BIN / "aml"), "--version"],
            "aml job show": [str(BIN / "aml"), "job", "show", "-n", "job_5000"],
            "aml job list": [str(BIN / "aml"), "job", "list"],
            "Tab behind -n": ["env", *TAB, str(BIN / "aml")],
        }
        measured: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                measured[name].append(cpu_s(command))
    medians = {name: statistics.median(times) for name, times in measured.items()}
    base = medians["python -c pass"]
    print(f"{'command':<18} {'CPU ms':>8} {'ratio':>7} {'limit':>7}    ({ROWS} jobs in the store)")
    for name, median in medians.items():
        print(f"{name:<18} {median * 1000:8.1f} {median / base:7.1f} {LIMITS.get(name, ''):>7}")


def cpu_s(command: list[str]) -> float:
    """User and system time of one run; fails if the command does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fill(rows: int) -> None:
    """A default workspace with this many finished jobs."""
    from aml.workspace.embedded.database import Database
    from aml.workspace.embedded.paths import DEFAULT_WORKSPACE, workspace_paths
    from aml.workspace.embedded.store import Jobs, NewJob

    paths = workspace_paths(DEFAULT_WORKSPACE)
    paths.folder.mkdir(parents=True)
    database = Database(paths.store)
    jobs = Jobs(database)
    document = {
        "command": "python train.py --lr ${{inputs.lr}}",
        "environment": {"image": "python"},
        "inputs": {"lr": 0.1},
    }
    for number in range(rows):
        new = NewJob(f"job_{number}", "command", "bench", f"job {number}", document, None, "bench", None, {}, {})
        jobs.insert(new, lambda: None)
    with database.transaction() as write:
        write.execute("UPDATE job SET status = 'Completed'")


if __name__ == "__main__":
    main()
