"""Files that are made to hurt a reader are refused soon, in little memory."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aml.spec.binding import bind, references, suspects
from aml.spec.load import loads
from aml.spec.parse import problems

HOSTILE = {
    "open brackets": "$[[" * 300_000,
    "open brackets with references": "$[[${{a.b}}" * 90_000,
    "optional parts": "$[[${{a.b}}]]" * 70_000,
    "references": "${{inputs.a}}" * 70_000,
    "open braces": "${{" * 300_000,
    "open quotes": "${{'" * 200_000,
    "blanks": "${{" + " " * 900_000,
    "dots": "${{a" + ".a" * 400_000,
    "single braces": "{inputs.x" * 100_000,
}


@pytest.mark.parametrize("read", [references, suspects, lambda text: bind(text, {"a.b": "]"})])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_bindings_is_read_in_linear_time(text: str, read: Callable[[str], object]) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 5  # a quadratic reader needs hours


def test_every_hostile_file_is_refused_within_100_ms_and_200_mb(tmp_path: Path) -> None:
    script = Path(__file__).parent / "hostile_files.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *files, memory_mb = json.loads(done.stdout)
    assert len(files) > 40
    assert [name for name, code, _ in files if not code] == []
    assert [(name, cpu_s) for name, _, cpu_s in files if cpu_s > 0.1] == []
    assert memory_mb < 200
    named = {name: code for name, code, _ in files}
    assert named["alias bomb of lists"] == named["merge bomb"] == named["items"] == "too-many-values"
    assert named["10 MB plain"] == "too-large"
    assert named["1 MB plain"] == "too-long"
    assert named["mappings 10,000 deep"] == "too-deep"
    assert named["python tag"] == "tag-not-allowed"


def test_a_file_made_of_faults_is_judged_at_once() -> None:
    keys = "\n".join(f"key{i}: 1" for i in range(1_500))
    references = " ".join(f"${{{{inputs.key{i}x}}}}" for i in range(1_500))
    inputs = "\n".join(f"  key{i}: 1" for i in range(2_000))
    started = time.process_time()
    found = problems(loads(f"command: {references}\ninputs:\n{inputs}\n{keys}\n", "job.yml", Path("/")))
    assert time.process_time() - started < 5
    assert len(found) < 500
