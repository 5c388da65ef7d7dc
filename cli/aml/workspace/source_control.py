"""Where a job's code comes from: git's repository, branch, commit and whether files differ from it.

As Azure ML's SDK records it in a job's properties. A folder that is in no repository costs a look at the folders above.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

TIMEOUT_S = 1.0  # for all commands together: a submit does not wait for a huge repository
_COMMANDS = {
    "repository_uri": ("ls-remote", "--get-url"),
    "branch": ("symbolic-ref", "--short", "HEAD"),
    "commit": ("rev-parse", "HEAD"),
    "dirty": ("status", "--porcelain", "--", "."),
}
_OVERRIDES = {
    name: f"AZUREML_GIT_{name.upper()}"
    for name in ("repository_uri", "branch", "commit", "dirty", "build_id", "build_uri")
}
_MLFLOW = {
    "repository_uri": "mlflow.source.git.repoURL",
    "branch": "mlflow.source.git.branch",
    "commit": "mlflow.source.git.commit",
}
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
_WAYS_TO_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # set inside a git hook


def git_properties(code: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The properties of a job with this code, submitted in this environment; {} if there is nothing to tell."""
    told = {name: environment[variable] for name, variable in _OVERRIDES.items() if environment.get(variable)}
    if not _OVERRIDES.keys() - {"build_id", "build_uri"} <= told.keys():
        told = _asked(code if code.is_dir() else code.parent, environment) | told
    if "repository_uri" in told:
        told["repository_uri"] = _USER_INFO.sub("", told["repository_uri"])  # it may hold a token
    if "dirty" in told:
        told["dirty"] = str(told["dirty"].strip().lower() in ("true", "1"))
    properties = {f"azureml.git.{name}": value for name, value in told.items()}
    return properties | {_MLFLOW[name]: value for name, value in told.items() if name in _MLFLOW}


def _asked(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    in_repository = any((parent / ".git").exists() for parent in (folder, *folder.parents))
    git = shutil.which("git", path=environment.get("PATH")) if in_repository else None
    if git is None:
        return {}
    # Neither a lock on the index nor a program that the repository names.
    settings = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder))
    clean = {name: value for name, value in environment.items() if name not in _WAYS_TO_ANOTHER_REPOSITORY}
    running = {
        name: subprocess.Popen(
            [git, *settings, *command],
            env=clean | {"GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        for name, command in _COMMANDS.items()
    }
    deadline = time.monotonic() + TIMEOUT_S
    answers = {name: _answer(process, deadline) for name, process in running.items()}
    return {name: text for name, answer in answers.items() if (text := _meaning(name, answer)) is not None}


def _answer(process: subprocess.Popen[str], deadline: float) -> str | None:
    """What a command printed; None if it failed or took too long."""
    try:
        output, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return output.strip() if process.returncode == 0 else None


def _meaning(name: str, answer: str | None) -> str | None:
    if answer is None:
        return None
    if name == "dirty":
        return str(bool(answer))
    if name == "repository_uri" and answer == "origin":  # what git says when there is no remote
        return None
    return answer or None
