"""`aml validate` as a user and as a CI server runs it."""

from __future__ import annotations

import json
import subprocess

import pytest

from cli.terminal import AML, Terminal, aml

GOOD = "command: echo hi\nenvironment: azureml:local@latest\n"
BAD = "command: echo ${{inputs.x}}\nenvironment: azureml:local@latest\n"
DOUBTFUL = f"{GOOD}inputs: {{x: 1}}\n"


@pytest.fixture
def project(tmp_path):
    for name, text in {"good.yml": GOOD, "bad.yml": BAD, "doubtful.yml": DOUBTFUL}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.yml"], 0),
        (["doubtful.yml"], 0),
        (["doubtful.yml", "--strict"], 1),
        (["good.yml", "bad.yml"], 1),
        (["."], 1),
        (["good.yml", "--format", "xml"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_says_whether_all_are_valid(project, arguments, code):
    assert aml("validate", *arguments, cwd=project).returncode == code


def test_all_errors_of_all_files_come_at_once(project):
    (project / "broken.yml").write_text("type: command\ncommand: [\n")
    (project / "other.yml").write_text("dependencies: []\n")
    done = aml("validate", ".", "nosuch.yml", cwd=project)
    assert [line.partition(" ")[0] for line in done.stdout.splitlines() if not line.startswith(" ")] == [
        "bad.yml:1:15:",
        "broken.yml:3:1:",
        "doubtful.yml:3:10:",
        "doubtful.yml:",
        "good.yml:",
        "nosuch.yml:1:1:",
        "5",
    ]
    assert done.stderr == "note: not Azure ML's, so not checked: other.yml\n"


@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif", "junit"])
def test_every_format_tells_the_code_and_the_file(project, format_):
    done = aml("validate", "bad.yml", "good.yml", "--format", format_, cwd=project)
    assert done.returncode == 1
    assert "unknown-binding" in done.stdout
    assert "bad.yml" in done.stdout
    assert done.stderr == ""


def test_a_file_comes_from_the_standard_input(project):
    done = subprocess.run([AML, "validate", "-", "--format", "json"], input=BAD, capture_output=True, text=True)
    assert done.returncode == 1
    assert (json.loads(done.stdout)["file"], json.loads(done.stdout)["errors"][0]["line"]) == ("<stdin>", 1)


def test_values_of_the_command_line_are_checked_in_place_of_those_of_the_file(project):
    assert aml("validate", "bad.yml", "--set", "inputs.x=1", cwd=project).returncode == 0


def test_a_terminal_shows_the_line_with_a_caret(project):
    terminal = Terminal.run("validate", "bad.yml", cwd=project)
    assert terminal.wait() == 1
    assert "command: echo ${{inputs.x}}" in terminal.text
    assert "^" in terminal.text


def test_a_target_tells_what_would_be_refused_there(project):
    (project / "job.yml").write_text(f"{GOOD}experiment_name: a b\n")
    assert aml("validate", "job.yml", cwd=project).returncode == 0
    done = aml("validate", "job.yml", "--target", "azure", cwd=project)
    assert done.returncode == 1
    assert "[azure-name]" in done.stdout
    assert aml("validate", "job.yml", "--target", "local", cwd=project).returncode == 0


def test_a_plan_notes_what_azure_would_refuse(project):
    (project / "job.yml").write_text(f"{GOOD}experiment_name: a b\n")
    for arguments in (("job", "plan", "-f", "job.yml"), ("job", "create", "-f", "job.yml", "--dry-run")):
        notes = json.loads(aml(*arguments, cwd=project, check=True).stdout)["notes"]
        assert any(note.startswith("in Azure: Azure ML does not take 'a b'") for note in notes)


def test_a_value_of_a_flag_does_not_become_a_program(project):
    job, evil = project / "job.yml", f"inputs.tag=$(touch {project}/pwned)"
    job.write_text("command: echo tag=${{inputs.tag}}\nenvironment: azureml:local@latest\ninputs: {tag: a}\n")
    for verb in (["validate", "job.yml"], ["job", "validate", "-f", "job.yml"], ["job", "create", "-f", "job.yml"]):
        done = aml(*verb, "--strict", "--set", evil, cwd=project)
        assert done.returncode == 1
        assert "[shell-unsafe]" in done.stdout + done.stderr
    job.write_text(job.read_text().replace("${{inputs.tag}}", '"$AZUREML_PARAMETER_tag"'))
    done = aml("job", "create", "-f", "job.yml", "--strict", "--set", evil, "--stream", cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"tag=$(touch {project}/pwned)" in done.stderr
    assert not (project / "pwned").exists()


def test_a_noun_checks_files_of_its_own_kinds(project):
    (project / "cpu.yml").write_text("name: cpu\ntype: amlcompute\n")
    (project / "step.yml").write_text("name: step\ncommand: echo\nenvironment: azureml:a:1\n")
    (project / "asset.yml").write_text("name: digits\npath: .\n")
    for noun, file in {
        "compute": "cpu.yml",
        "component": "step.yml",
        "model": "asset.yml",
        "data": "asset.yml",
    }.items():
        assert aml(noun, "validate", "-f", file, cwd=project).stdout == f"{file}: valid\n"
    other = aml("model", "validate", "-f", "cpu.yml", cwd=project)
    assert other.returncode == 1
    assert other.stdout.startswith("cpu.yml:2:7: This is a spec of the kind amlcompute, which this command does not")
