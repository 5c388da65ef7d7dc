"""The workflow and the hook that the README shows, run as GitHub and pre-commit run them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from cli.terminal import AML, aml

ROOT = Path(__file__).parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
GOOD = "command: echo hi\nenvironment: azureml:a:1\n"
BAD = "command: echo ${{inputs.x}}\nenvironment: azureml:a:1\n"


def example(name: str) -> Any:
    """An indented file of the README, by the comment in its first line."""
    text = (ROOT / "README.md").read_text("utf-8")
    (found,) = re.findall(rf"^    # {re.escape(name)}\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    return yaml.safe_load(dedent(found.partition("\n\n")[0]))


def git(*arguments: str, cwd: Path) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "specs.yml").write_text("on: [push]\njobs: {}\n")
    (folder / "conda.yml").write_text("dependencies: [python]\n")
    (folder / "good.yml").write_text(GOOD)
    (folder / "bad.yml").write_text(BAD)
    return folder


def test_the_workflow_finds_a_bad_file_among_others(project: Path) -> None:
    steps = example(".github/workflows/specs.yml")["jobs"]["specs"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("aml ")]
    done = aml(*shlex.split(command)[1:], cwd=project)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("::error file=bad.yml,line=1,col=15,title=unknown-binding::")
    (project / "bad.yml").unlink()
    assert aml(*shlex.split(command)[1:], cwd=project).returncode == 0


def test_the_hook_is_the_one_that_the_readme_names() -> None:
    (repo,) = example(".pre-commit-config.yaml")["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in repo["hooks"]] == [hook["id"] for hook in hooks]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pre_commit_installs_the_hook_and_it_catches_a_bad_file(project: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True)
    if listed.returncode != 0:
        pytest.skip("not a checkout")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, repository / name)
    for folder in (repository, project):
        git("init", "-q", cwd=folder)
        git("add", "-A", cwd=folder)
        git("commit", "-qm", "all", cwd=folder)
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    environment.pop("PYTHONPATH", None)  # what is installed is to be run
    command = [str(PRE_COMMIT), "try-repo", str(repository), "aml-validate", "--all-files"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    if "No matching distribution" in done.stdout:
        pytest.skip("the package index can't be reached")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "bad.yml:1:15: ${{inputs.x}} refers to an input that is not declared." in done.stdout
    assert "conda.yml:" not in done.stdout
    git("rm", "-q", "bad.yml", cwd=project)
    again = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_named_file_of_another_program_is_skipped_when_asked(project: Path) -> None:
    done = subprocess.run([AML, "validate", "--skip-others", "conda.yml"], cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "note: not Azure ML's, so not checked: conda.yml\n")
