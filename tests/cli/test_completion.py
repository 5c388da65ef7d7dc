"""Completion in a real bash: commands, options, and values that options allow."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.terminal import AML, aml

ASK = """
eval "$(aml completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_aml_completion aml
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words: str) -> list[str]:
    """What a Tab behind the last word offers."""
    path = {"PATH": f"{Path(AML).parent}:/usr/bin:/bin"}

    done = subprocess.run(["bash", "-c", ASK, "ask", *words], env=os.environ | path, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_nouns_verbs_and_options_are_completed():
    assert {"job", "model", "workspace", "validate"} <= set(complete("aml", ""))
    assert complete("aml", "job", "sh") == ["show"]
    assert complete("aml", "job", "create", "--exp") == ["--experiment-name"]
    assert "--query" in complete("aml", "model", "list", "--")


def test_a_wrong_word_in_the_line_is_no_error():
    assert "job" in complete("aml", "jbo", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_aml(shell):
    assert "_AML_COMPLETE" in aml("completion", shell, check=True).stdout


def test_an_unknown_shell_is_a_usage_error():
    assert aml("completion", "tcsh").returncode == 2
