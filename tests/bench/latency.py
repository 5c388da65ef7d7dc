"""From `Workspace.submit` to the first line of the job's process and to its end, engine warm; and what `aml job create`
costs.

`python -m tests.bench.latency`. The job's command prints the time at which it runs; medians of 20.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.startup import BIN, cpu_s

RUNS = 20
BARE_S = 0.5  # of the command that is run to see what a job adds


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["AML_HOME"] = home
        started = [submit_to_first_line_s() for _ in range(RUNS + 1)][1:]  # the first one starts the engine
        added = [added_s() for _ in range(RUNS)]
        spec = Path(home) / "job.yml"
        spec.write_text("command: 'true'\nenvironment: azureml:local@latest\n")
        created = [
            cpu_s([str(BIN / "aml"), "job", "create", "-f", str(spec), "--only-show-errors"]) for _ in range(RUNS)
        ]
        stop()
    print(f"submit to first line   median {statistics.median(started) * 1000:6.1f} ms   limit 150 ms")
    print(f"a job adds             median {statistics.median(added) * 1000:6.1f} ms   limit 200 ms")
    print(f"aml job create, CPU    median {statistics.median(created) * 1000:6.1f} ms   limit 500 ms")


def submit_to_first_line_s() -> float:
    from aml.spec.model import CommandJob
    from aml.workspace import open_workspace

    workspace = open_workspace()
    command = "date +%s.%N"
    began = time.time()
    job = workspace.submit(CommandJob(command=command, environment="azureml:local@latest"))
    workspace.wait(job.name)
    ((_, log),) = workspace.files.logs(job.name)
    return float(log.read_text()) - began


def added_s() -> float:
    """Wall time of a job, from its submit to its end, over that of its command."""
    from aml.spec.model import CommandJob
    from aml.workspace import open_workspace

    workspace = open_workspace()
    began = time.time()
    job = workspace.submit(CommandJob(command=f"sleep {BARE_S}", environment="azureml:local@latest"))
    ended = workspace.wait(job.name).ended_at
    assert ended is not None
    return ended.timestamp() - began - BARE_S


def stop() -> None:
    from aml.workspace import open_workspace

    open_workspace().stop_engine()


if __name__ == "__main__":
    main()
