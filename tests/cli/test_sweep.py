"""Sweeps as a user runs them, in a pipe and on a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.terminal import Terminal, aml
from workspace.sweeps.test_sweep_jobs import LOG

SPEC = """\
type: sweep
trial:
  code: src
  command: python log.py ${{search_space.x}} && echo ${{search_space.x}} > outputs/x.txt
  environment: azureml:local@latest
sampling_algorithm: grid
search_space:
  x: {type: choice, values: [0.2, 0.9, 0.5]}
objective: {goal: maximize, primary_metric: accuracy}
limits: {max_total_trials: 3, max_concurrent_trials: 1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "log.py").write_text(LOG + 'log("accuracy", float(sys.argv[1]), 0)\n')
    (tmp_path / "sweep.yml").write_text(SPEC)
    return tmp_path


def test_a_sweep_is_submitted_followed_and_shown_in_pipes(project):
    done = aml("job", "create", "-f", "sweep.yml", "--name", "s", "--stream", cwd=project)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["type"], shown["status"]) == ("sweep", "Completed")
    assert shown["properties"]["best_child_run_id"] == "s_1"
    assert "s_0  Completed  x=0.2  accuracy 0.2" in done.stderr
    assert "s_1  Completed  x=0.9  accuracy 0.9  best so far" in done.stderr

    trials = json.loads(aml("job", "list", "--parent-job-name", "s").stdout)
    assert {trial["name"] for trial in trials} == {"s_0", "s_1", "s_2"}
    assert {trial["parent_job_name"] for trial in trials} == {"s"}
    assert [job["name"] for job in json.loads(aml("job", "list").stdout)] == ["s"]

    told = aml("job", "metrics", "-n", "s")
    leaderboard = json.loads(told.stdout)
    assert [(trial["name"], trial["value"]) for trial in leaderboard["trials"]] == [
        ("s_1", 0.9),
        ("s_2", 0.5),
        ("s_0", 0.2),
    ]
    page = Path(re.search(r"file://(\S+sweep.html)", told.stderr)[1])
    assert not re.search(r"(src|href)=|https?://(?!www.w3.org)", page.read_text())  # nothing from elsewhere

    aml("job", "download", "-n", "s", "-p", "got", cwd=project, check=True)
    assert (project / "got" / "artifacts" / "outputs" / "x.txt").read_text() == "0.9\n"
    assert (project / "got" / "hd-artifacts" / "sweep.html").exists()


def test_a_sweep_on_a_terminal_is_a_table_and_then_a_card(project):
    terminal = Terminal.run("job", "create", "-f", "sweep.yml", "--name", "s", "--stream", cwd=project)
    assert terminal.wait() == 0, terminal.text
    assert "3 of 3 trials are over" in terminal.text
    assert re.search(r"s_1 +Completed +0.9 +0.9 \*", terminal.text)
    assert "3 of 3: 3 Completed" in terminal.text
    assert "s_1  x=0.9" in terminal.text
    assert "aml job metrics -n s" in terminal.text
    board = Terminal.run("job", "metrics", "-n", "s", cwd=project)
    assert board.wait() == 0
    assert board.text.index("s_1 ") < board.text.index("s_2 ") < board.text.index("s_0 ")


def test_a_plan_of_a_sweep_is_that_of_its_first_trial_and_says_what_may_surprise(project):
    done = aml("job", "plan", "-f", "sweep.yml", "--set", "limits.max_total_trials=9", cwd=project, check=True)
    plan = json.loads(done.stdout)
    assert any("3 combinations" in note for note in plan["notes"])
    assert "log.py 0." in plan["command"]
    random = aml(
        "job",
        "create",
        "-f",
        "sweep.yml",
        "--set",
        "sampling_algorithm=random",
        "limits.max_total_trials=4",
        "--name",
        "r",
        cwd=project,
    )
    assert "3 combinations for 4 trials: some will be the same" in random.stderr
    aml("job", "cancel", "-n", "r", check=True)


def test_a_finished_sweep_is_extended_and_a_sweep_is_cloned(project):
    aml(
        "job",
        "create",
        "-f",
        "sweep.yml",
        "--name",
        "s",
        "--set",
        "limits.max_total_trials=2",
        "--stream",
        cwd=project,
        check=True,
    )
    refused = aml("job", "resume", "-n", "s")
    assert refused.returncode == 1
    assert "aml job update -n s --set limits.max_total_trials=N" in refused.stderr
    aml("job", "update", "-n", "s", "--set", "limits.max_total_trials=3", check=True)
    aml("job", "resume", "-n", "s", check=True)
    assert json.loads(aml("job", "wait", "-n", "s", check=True).stdout)["status"] == "Completed"
    assert len(json.loads(aml("job", "list", "-p", "s").stdout)) == 3
    done = aml("job", "clone", "-n", "s", "--new-name", "t", "--set", "limits.max_total_trials=1", "--stream")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["properties"]["best_child_run_id"], shown["properties"]["aml.cloned_from"]) == ("t_0", "s")
