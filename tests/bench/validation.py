"""CPU time of checking specs, beside Microsoft's SDK on the same files: `python -m tests.bench.validation`.

Warm: all files in one process, after the imports; per file, the best of 3 rounds that take turns. Cold: one file in a
process of its own, as a multiple of `python -c pass`, medians of 15. The SDK gets a virtual environment of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.bench.startup import BIN, RUNS, cpu_s

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "conformance"
SDK = ROOT / "tests" / "bench" / ".sdk"
SDK_VERSION = "1.35.2"
ROUNDS = 3
WARM_LIMIT, COLD_LIMIT = 1 / 5, 25

OURS = """
import io, json, sys, time
from aml.spec.check import check
files = json.load(sys.stdin)
check(files[:20], stdin=io.BytesIO())
started = time.process_time()
report = check(files, stdin=io.BytesIO())
print(json.dumps([time.process_time() - started, sum(not file.valid for file in report.files)]))
"""
# What the SDK offers without a workspace: load the entity of the file's kind, then its own validation where it has one.
SDKS = """
import json, logging, sys, time, warnings
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
from azure.ai.ml.entities import _load_functions as ml
LOADERS = {"component": ml.load_component, "compute": ml.load_compute, "environment": ml.load_environment,
    "data": ml.load_data, "model": ml.load_model, "datastore": ml.load_datastore, "schedule": ml.load_schedule,
    "online_endpoint": ml.load_online_endpoint, "online_deployment": ml.load_online_deployment,
    "batch_endpoint": ml.load_batch_endpoint, "batch_deployment": ml.load_batch_deployment}
def judge(kind, file):
    try:
        entity = LOADERS.get(kind, ml.load_job)(file)
        check = getattr(entity, "_validate", None)
        return check is None or check().passed
    except (Exception, RecursionError):
        return False
files = json.load(sys.stdin)
for kind, file in files[:20]:
    judge(kind, file)
started = time.process_time()
refused = sum(not judge(kind, file) for kind, file in files)
print(json.dumps([time.process_time() - started, refused]))
"""


def main() -> None:
    cold()
    if not CORPUS.is_dir():
        print("\nwarm: the conformance corpus is not beside the checkout")
        return
    sdk = sdk_python()
    cases = [json.loads(line) for line in (CORPUS / "expected.jsonl").read_text("utf-8").splitlines()]
    cases = [case for case in cases if case["sdk_verdict"] != "hang"]  # the SDK would not come back
    files = [str(CORPUS / case["path"]) for case in cases]
    of_kind = [(case["kind"], str(CORPUS / case["path"])) for case in cases]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(timed(Path(sys.executable), OURS, files))
        if sdk is not None:
            theirs.append(timed(sdk, SDKS, of_kind))
    show_warm(len(files), min(ours), min(theirs) if theirs else None)


def cold() -> None:
    spec = ROOT / "specs" / "quickstart" / "job.yml"
    python, check = [], []
    for _ in range(RUNS):
        python.append(cpu_s([sys.executable, "-c", "pass"]))
        check.append(cpu_s([str(BIN / "aml"), "validate", str(spec)]))
    base, took = statistics.median(python), statistics.median(check)
    print(f"cold, one file: {took * 1000:.0f} ms CPU, {took / base:.1f} x `python -c pass` (limit {COLD_LIMIT})")


def timed(python: Path, program: str, files: object) -> tuple[float, int]:
    """CPU seconds for all files, and how many were refused."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"HOME": home, "AZURE_CORE_COLLECT_TELEMETRY": "false"}
        done = subprocess.run(
            [str(python), "-c", program],
            input=json.dumps(files),
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
    seconds, refused = json.loads(done.stdout.splitlines()[-1])
    return seconds, refused


def show_warm(count: int, ours: tuple[float, int], theirs: tuple[float, int] | None) -> None:
    print(f"warm, {count} files: {ours[0] / count * 1000:.2f} ms CPU a file, {ours[1]} refused")
    if theirs is None:
        print("azure-ai-ml can't be installed here")
        return
    share = ours[0] / theirs[0]
    print(f"azure-ai-ml {SDK_VERSION}: {theirs[0] / count * 1000:.2f} ms CPU a file, {theirs[1]} refused")
    print(f"share: 1/{1 / share:.1f} (limit 1/{1 / WARM_LIMIT:.0f})")


def sdk_python() -> Path | None:
    """The interpreter of a virtual environment with the SDK, made when it is first wanted; None if it can't be."""
    python = SDK / "bin" / "python"
    if not (SDK / ".installed").exists():
        venv.create(SDK, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", f"azure-ai-ml=={SDK_VERSION}"]
        if subprocess.run(install, capture_output=True).returncode != 0:
            return None
        (SDK / ".installed").touch()
    return python


if __name__ == "__main__":
    main()
