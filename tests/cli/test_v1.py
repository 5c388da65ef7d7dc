"""The commands of Azure ML v1's CLI that scripts still use."""

from __future__ import annotations

import json

import pytest

from cli.terminal import aml
from workspace.sweeps.test_sweep_jobs import LOG


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


HDCONFIG = """\
# hdconfig.yml
sampling:
    type: random # Supported options: Random, Grid, Bayesian
    parameter_space: # specify a name|expression|values tuple for each parameter.
    - name: --penalty # The name of a script parameter to generate values for.
      expression: choice # supported options: choice, randint, uniform, quniform, loguniform, ...
      values: [0.5, 1, 1.5] # The list of values, the number of values is dependent on the expression specified.
policy:
    type: BanditPolicy # Supported options: BanditPolicy, MedianStoppingPolicy, TruncationSelectionPolicy, ...
    evaluation_interval: 1 # Policy properties are policy specific.
    slack_factor: 0.2
primary_metric_name: Accuracy # The metric used when evaluating the policy
primary_metric_goal: Maximize # Maximize|Minimize
max_total_runs: 4 # The maximum number of runs to generate
max_concurrent_runs: 2 # The number of runs that can run concurrently.
max_duration_minutes: 100 # The maximum length of time to run the experiment before cancelling.
"""


def test_a_hyperdrive_configuration_of_v1_runs_as_a_sweep(project):
    aml("folder", "attach", cwd=project, check=True)
    (project / ".azureml" / "hdconfig.yml").write_text(HDCONFIG)
    (project / "train.py").write_text(LOG + 'log("Accuracy", float(sys.argv[sys.argv.index("--penalty") + 1]), 0)\n')
    arguments = ("run", "submit-hyperdrive", "-e", "tuning", "-c", "local", "--hyperdrive-configuration-name")
    done = aml(*arguments, "hdconfig.yml", "train.py", cwd=project)
    assert done.returncode == 0, done.stderr
    sweep = json.loads(done.stdout)
    assert (sweep["type"], sweep["status"], sweep["experiment_name"]) == ("sweep", "Completed", "tuning")
    assert sweep["search_space"] == {"penalty": {"type": "choice", "values": [0.5, 1, 1.5]}}
    assert sweep["limits"] == {"max_total_trials": 4, "max_concurrent_trials": 2, "timeout": 6000}
    best = json.loads(aml("job", "show", "-n", sweep["properties"]["best_child_run_id"], check=True).stdout)
    assert "train.py --penalty" in best["command"]

    twice = aml(*arguments, "hdconfig", "train.py", "--penalty", "1", cwd=project)
    assert twice.returncode == 1
    assert "The argument --penalty is in the run configuration too." in twice.stderr
    unknown = aml(*arguments, "other.yml", "train.py", cwd=project)
    assert "there is no HyperDrive configuration named other.yml" in unknown.stderr
