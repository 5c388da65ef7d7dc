"""Many short jobs, and a store with many finished ones: `python -m tests.bench.throughput`.

1,000 jobs of `true`, submitted by one process, from the first submit to the last Completed, beside `xargs -P2` of the
same; the engine's memory with all of them queued, and with 100,000 finished jobs in the store; what list and show cost
there, beside a store with 100.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time

from tests.bench.startup import BIN, cpu_s, fill

JOBS = 1_000
FINISHED = 100_000
FEW = 100
RUNS = 7


def main() -> None:
    jobs_per_s, queued_mb = in_a_home(throughput)
    print(f"jobs of `true`                   {jobs_per_s:7.0f} a second   required 100, aim 200")
    print(f"xargs -P2 of the same            {xargs_per_s():7.0f} a second")
    print(f"engine, {JOBS:,} jobs queued       {queued_mb:7.1f} MB         limit 120 MB")
    few, many = in_a_home(lambda: store_of(FEW)), in_a_home(lambda: store_of(FINISHED))
    print(f"engine, {FINISHED:,} jobs finished  {many['engine']:7.1f} MB         limit 120 MB")
    for command in ("list", "show"):
        ratio = many[command] / few[command]
        print(f"aml job {command}, CPU              {many[command]:7.1f} ms, {ratio:.2f} x that with {FEW} jobs")


def throughput() -> tuple[float, float]:
    """Jobs a second, and the engine's resident MB when the last job has been submitted."""
    from aml.spec.model import CommandJob
    from aml.workspace import open_workspace

    workspace = open_workspace()
    spec = CommandJob(command="true", environment="azureml:local@latest")
    workspace.wait(workspace.submit(spec).name)
    began = time.monotonic()
    for _ in range(JOBS):
        last = workspace.submit(spec)
    memory_mb = engine_mb(workspace)
    workspace.wait(last.name)
    while workspace.engine().active:
        time.sleep(0.05)
    rate = JOBS / (time.monotonic() - began)
    workspace.stop_engine()
    return rate, memory_mb


def store_of(rows: int) -> dict[str, float]:
    """Medians in a store with this many finished jobs: CPU ms of list and show; MB of an engine that has run a job."""
    from aml.spec.model import CommandJob
    from aml.workspace import open_workspace

    fill(rows)
    aml = str(BIN / "aml")
    list_s = statistics.median(cpu_s([aml, "job", "list"]) for _ in range(RUNS))
    show_s = statistics.median(cpu_s([aml, "job", "show", "-n", f"job_{rows // 2}"]) for _ in range(RUNS))
    workspace = open_workspace()
    workspace.wait(workspace.submit(CommandJob(command="true", environment="azureml:local@latest")).name)
    memory_mb = engine_mb(workspace)
    workspace.stop_engine()
    return {"list": list_s * 1000, "show": show_s * 1000, "engine": memory_mb}


def engine_mb(workspace) -> float:
    import psutil

    return psutil.Process(workspace.engine().pid).memory_info().rss / 1e6


def xargs_per_s() -> float:
    numbers = "\n".join(map(str, range(JOBS)))
    began = time.monotonic()
    subprocess.run(["xargs", "-P2", "-n1", "true"], input=numbers, text=True, check=True)
    return JOBS / (time.monotonic() - began)


def in_a_home(measure):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["AML_HOME"] = home
        return measure()


if __name__ == "__main__":
    main()
