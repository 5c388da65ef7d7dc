"""Train the quickstart with several seeds and print a table: `python tests/bench/quickstart_seeds.py`.

The command and its values are those of specs/quickstart/job.yml; only the seed changes. Each run is the job's whole
command in a new folder with nothing else running: Python's start, the digits written, training, the model saved.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "specs" / "quickstart" / "job.yml"
REQUIRED_VAL_ACC = 0.97


@dataclass(frozen=True)
class Run:
    seed: int
    best_val_acc: float
    epoch: int  # of the best, counts from 1
    wall_s: float
    cpu_s: float  # user and system, of the command and all it started


def bound_command(spec: dict[str, Any], seed: int, output_dir: Path) -> str:
    """The spec's command with every binding replaced, as the job's shell gets it."""
    values = {f"inputs.{name}": value for name, value in spec["inputs"].items()}
    values |= {"inputs.seed": seed, "outputs.model": output_dir}
    return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", lambda binding: str(values[binding[1]]), spec["command"])


def measure(seed: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="quickstart-") as folder:
        spec = yaml.safe_load(SPEC.read_text())
        command = bound_command(spec, seed, Path(folder, "model"))
        environment = _environment(spec)
        cpu_before, started = _children_cpu_s(), time.monotonic()
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
        wall_s, cpu_s = time.monotonic() - started, _children_cpu_s() - cpu_before
        if done.returncode != 0:
            sys.exit(f"seed {seed} ended with exit code {done.returncode}:\n{done.stderr}")
        model = json.loads(Path(folder, "model", "model.json").read_text())
        return Run(seed, model["val_acc"], model["epoch"], wall_s, cpu_s)


def _environment(spec: dict[str, Any]) -> dict[str, str]:
    """The job's python is this one, its code the trainer, its tracking off."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT / "trainer")
    variables: dict[str, str] = spec["environment_variables"]
    return environment | variables


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _row(run: Run) -> str:
    return f"| {run.seed} | {run.best_val_acc:.4f} | {run.epoch} | {run.wall_s:.1f} | {run.cpu_s:.1f} |"


def main() -> int:
    """0 when every seed reaches the accuracy that the quickstart promises, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], metavar="N")
    seeds: list[int] = parser.parse_args().seeds
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {_load()}")
    print("| seed | best_val_acc | epoch | wall s | CPU s |\n|---|---|---|---|---|", flush=True)
    runs = []
    for seed in seeds:
        runs.append(measure(seed))
        print(_row(runs[-1]), flush=True)
    worst = min(run.best_val_acc for run in runs)
    slowest = max(run.wall_s for run in runs)
    print(f"lowest best_val_acc {worst:.4f} (required {REQUIRED_VAL_ACC}), longest {slowest:.1f} s, {_load()}")
    return 0 if worst >= REQUIRED_VAL_ACC else 1


if __name__ == "__main__":
    sys.exit(main())
