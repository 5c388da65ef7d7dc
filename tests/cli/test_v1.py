"""The commands of Azure ML v1's CLI that scripts still use."""

from __future__ import annotations

import json

import pytest

from cli.terminal import aml


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text("import sys; print('arguments', sys.argv[1:])")
    return tmp_path


def test_a_folder_is_attached_and_what_it_had_is_kept(project):
    (project / ".azureml").mkdir()
    (project / ".azureml" / "config.json").write_text('{"workspace_name": "old"}')
    written = json.loads(aml("folder", "attach", "--path", str(project), check=True).stdout)["written"]
    assert written == ["conda_dependencies.yml", "docker.runconfig", "local.runconfig"]
    assert (project / ".azureml" / "config.json").read_text() == '{"workspace_name": "old"}'
    assert json.loads(aml("folder", "attach", "--path", str(project)).stdout)["written"] == []


def test_a_script_runs_with_the_configuration_that_attach_wrote(project):
    aml("folder", "attach", "-e", "trials", cwd=project, check=True)
    for configuration in ("local", "docker"):
        done = aml("run", "submit-script", "-c", configuration, "train.py", "--lr", "0.1", "-c", cwd=project)
        assert done.returncode == 0, done.stderr
        assert "arguments ['--lr', '0.1', '-c']" in done.stderr
        assert json.loads(done.stdout)["experiment_name"] == "trials"


def test_async_returns_at_once_and_the_experiment_of_the_command_line_wins(project):
    aml("folder", "attach", "-e", "trials", cwd=project, check=True)
    (project / "slow.py").write_text("import time; time.sleep(60)")
    arguments = ("-e", "mine", "-c", "local", "--async", "slow.py")
    job = json.loads(aml("run", "submit-script", *arguments, cwd=project, check=True).stdout)
    assert job["experiment_name"] == "mine"
    assert job["status"] in {"Queued", "Preparing", "Running"}


def test_an_unknown_configuration_is_said_with_those_that_there_are(project):
    done = aml("run", "submit-script", "-c", "local", "train.py", cwd=project)
    assert done.returncode == 1
    assert "`aml folder attach` writes two to start from." in done.stderr


def test_files_of_v1_are_validated_and_converted_to_files_that_are_valid_and_run(project):
    aml("folder", "attach", cwd=project, check=True)
    (project / ".azureml" / "docker.runconfig").unlink()
    (project / ".azureml" / "hdconfig.yml").write_text(
        "sampling: {type: Grid, parameter_space: [{name: --lr, expression: choice, values: [1, 2]}]}\n"
        "primary_metric_name: loss\nprimary_metric_goal: Minimize\nmax_total_runs: 2\n"
    )
    assert aml("validate", ".", cwd=project).stdout.endswith("2 files: all valid\n")
    for file, made in {"local.runconfig": "job.yml", "hdconfig.yml": "sweep.yml"}.items():
        text = aml("convert", f".azureml/{file}", cwd=project, check=True).stdout
        (project / made).write_text(text)
        assert aml("validate", made, "--strict", cwd=project).stdout == f"{made}: valid\n"
    assert "--lr ${{search_space.lr}}" in (project / "sweep.yml").read_text()
    done = aml("job", "create", "-f", "job.yml", "--stream", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "arguments []" in done.stderr


def test_what_is_no_file_of_v1_is_refused(project):
    (project / "job.yml").write_text("command: echo\nenvironment: azureml:a:1\n")
    done = aml("convert", "job.yml", cwd=project)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "ERROR: job.yml is no file of Azure ML v1 that can be converted.",
    )
