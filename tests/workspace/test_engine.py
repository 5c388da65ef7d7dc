"""Jobs on a real engine, from submit to their end, and what happens when something on the way is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from aml.errors import AmlError, BackendError, Conflict, NotFound
from aml.spec.model import DataInput, Limits, LiteralInput, Output
from aml.workspace import create_workspace, open_workspace
from aml.workspace.embedded.engine import start
from aml.workspace.records import Reason, Status
from conftest import command_job, engine_pid, is_running, kill, log_of, processes_of, wait_for


def run(workspace, command: str, **fields):
    job = workspace.submit(command_job(command, **fields))
    return workspace.wait(job.name, timeout_s=60)


def wait_for_log(workspace, name: str, text: str) -> None:
    wait_for(lambda: text in log_of(workspace, name))


def wait_for_status(workspace, name: str, status: Status) -> None:
    wait_for(lambda: workspace.job(name).status is status)


def test_a_job_runs_and_says_so(workspace):
    job = run(workspace, "echo hello")
    assert (job.status, job.reason, job.exit_code) == (Status.COMPLETED, Reason.COMMAND_SUCCEEDED, 0)
    assert log_of(workspace, job.name) == "hello\n"


def test_the_command_gets_its_inputs_and_outputs(workspace, tmp_path):
    data = tmp_path / "my data"
    data.mkdir()
    (data / "a.txt").write_text("from the input\n")
    job = run(
        workspace,
        "cat ${{inputs.data}}/a.txt > ${{outputs.copy}}/b.txt; "
        "echo $<<inputs.lr>> [${{inputs.empty}}] ${{inputs.zero}}",
        inputs={
            "data": DataInput(str(data)),
            "lr": LiteralInput(0.001),
            "empty": LiteralInput(""),
            "zero": LiteralInput(0),
        },
        outputs={"copy": Output()},
    )
    assert log_of(workspace, job.name) == "0.001 [] 0\n"
    outputs = dict(workspace.files.outputs(job.name))
    assert (outputs["copy"] / "b.txt").read_text() == "from the input\n"


def test_a_file_input_keeps_its_extension(workspace, tmp_path):
    (tmp_path / "table 1.csv").write_text("1,2\n")
    inputs = {"table": DataInput(str(tmp_path / "table 1.csv"), type="uri_file")}
    job = run(workspace, "cat ${{inputs.table}}; echo ${{inputs.table}}", inputs=inputs)
    first, second = log_of(workspace, job.name).splitlines()
    assert first == "1,2"
    assert second.endswith("/table_1.csv")


def test_code_is_the_working_directory_as_it_was_at_the_submit(workspace, tmp_path):
    code = tmp_path / "src"
    code.mkdir()
    (code / "main.sh").write_text("echo original")
    blocker = workspace.submit(command_job("sleep 300"))
    blocker2 = workspace.submit(command_job("sleep 300"))
    job = workspace.submit(command_job("sh main.sh", code=str(code)))
    (code / "main.sh").write_text("echo changed")
    workspace.cancel(blocker.name)
    workspace.cancel(blocker2.name)
    workspace.wait(job.name)
    assert log_of(workspace, job.name) == "original\n"


def test_outputs_and_logs_are_collected_however_the_script_makes_them(workspace):
    job = run(workspace, "echo 1 > outputs/a; rm -rf logs; mkdir logs; echo 2 > logs/b; exit 1")
    artifacts = dict(workspace.files.outputs(job.name))["artifacts"]
    assert (artifacts / "outputs" / "a").read_text() == "1\n"
    assert (artifacts / "logs" / "b").read_text() == "2\n"


def test_a_job_sees_azures_variables_and_none_that_claims_azures_services(workspace):
    job = run(
        workspace,
        "env",
        inputs={"lr": LiteralInput(0.1), "on": LiteralInput(False)},
        environment_variables={"MINE": "lr is ${{inputs.lr}}"},
        experiment_name="trials",
    )
    seen = dict(line.split("=", 1) for line in log_of(workspace, job.name).splitlines() if "=" in line)
    expected = {
        "AZUREML_RUN_ID": job.name,
        "MLFLOW_RUN_ID": job.name,
        "AZUREML_ARM_WORKSPACE_NAME": "default",
        "AZUREML_ARM_PROJECT_NAME": "trials",
        "MLFLOW_EXPERIMENT_NAME": "trials",
        "AZUREML_PARAMETER_lr": "0.1",
        "AZUREML_PARAMETER_on": "False",
        "MINE": "lr is 0.1",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["MLFLOW_TRACKING_URI"].startswith("http://127.0.0.1:")
    assert not {"AZUREML_RUN_TOKEN", "AZUREML_SERVICE_ENDPOINT", "AZUREML_EXPERIMENT_SCOPE"} & seen.keys()


def test_the_environment_is_the_submitters_not_that_of_whoever_started_the_engine(workspace, monkeypatch):
    monkeypatch.setenv("WHO", "starter")
    run(workspace, "true")
    monkeypatch.setenv("WHO", "submitter")
    monkeypatch.setenv("RANK", "3")
    job = run(workspace, "echo $WHO ${RANK-none}")
    assert log_of(workspace, job.name) == "submitter none\n"


def test_the_submitters_environment_is_not_kept_after_the_job(workspace, aml_home, monkeypatch):
    monkeypatch.setenv("MY_SECRET", "correct-horse-battery")
    run(workspace, "true")
    for path in aml_home.rglob("*"):
        if path.is_file():
            assert b"correct-horse-battery" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("command", "reason", "said"),
    [
        ("echo 'no such column' >&2; exit 3", Reason.COMMAND_FAILED, "exit code 3; its last words: no such column"),
        ("nosuchcommand", Reason.COMMAND_FAILED, "exit code 127; its last words: .*nosuchcommand: command not found"),
        ("kill -9 $$", Reason.KILLED, "killed by SIGKILL .*ran out of memory"),
        ("kill -SEGV $$", Reason.KILLED, "killed by SIGSEGV"),
    ],
)
def test_a_failure_says_how_and_with_which_last_words(workspace, command, reason, said):
    job = run(workspace, command)
    assert (job.status, job.reason) == (Status.FAILED, reason)
    assert re_search(said, job.message)


def re_search(pattern: str, text: str | None) -> bool:
    import re

    return re.search(pattern, text or "") is not None


def test_an_input_that_is_gone_when_the_job_starts_is_named(workspace, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    blockers = [workspace.submit(command_job("sleep 300")).name for _ in range(2)]
    job = workspace.submit(command_job("ls ${{inputs.d}}", inputs={"d": DataInput(str(data))}))
    data.rmdir()
    for name in blockers:
        workspace.cancel(name)
    job = workspace.wait(job.name)
    assert (job.status, job.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert f"{data} does not exist" in job.message


def test_a_missing_input_and_a_taken_name_are_refused_at_the_submit(workspace, tmp_path):
    with pytest.raises(NotFound, match="nowhere does not exist"):
        workspace.submit(command_job("true", inputs={"d": DataInput(str(tmp_path / "nowhere"))}))
    workspace.submit(command_job("true", name="mine"))
    with pytest.raises(Conflict, match="mine exists already"):
        workspace.submit(command_job("true", name="mine"))


def test_a_named_model_output_is_registered_with_its_job_when_the_job_has_completed(workspace):
    outputs = {"model": Output(type="custom_model", name="digits")}
    job = run(workspace, "echo weights > ${{outputs.model}}/model.pt", outputs=outputs)
    (model,) = workspace.models.made_by(job.name)
    assert (model.name, model.version, model.job_name) == ("digits", "1", job.name)
    assert (model.path / "model.pt").read_text() == "weights\n"
    failed = run(workspace, "echo weights > ${{outputs.model}}/model.pt; exit 1", outputs=outputs)
    assert workspace.models.made_by(failed.name) == []


def test_a_model_output_that_stayed_empty_fails_the_job_and_is_named(workspace):
    job = run(workspace, "true", outputs={"model": Output(type="custom_model", name="digits")})
    assert (job.status, job.reason) == (Status.FAILED, Reason.FINALIZE_FAILED)
    assert "output model can't be registered as digits" in job.message


def test_a_name_that_would_leave_the_workspaces_folder_is_refused(workspace):
    for name in ("../elsewhere", "a/b", ".hidden", ""):
        with pytest.raises(AmlError, match="can't be the name of a job"):
            workspace.submit(command_job("true", name=name))


def test_a_job_reads_the_output_of_another_one(workspace):
    first = run(workspace, "echo 42 > outputs/answer.txt", name="first")
    assert first.status is Status.COMPLETED
    path = "azureml://jobs/first/outputs/artifacts/paths/outputs/answer.txt"
    job = run(workspace, "cat ${{inputs.answer}}", inputs={"answer": DataInput(path, type="uri_file")})
    assert log_of(workspace, job.name) == "42\n"


def test_an_engine_that_can_not_start_is_said_and_the_job_stays_queued(workspace, monkeypatch):
    monkeypatch.setattr(start, "ANSWER_TIMEOUT_S", 0.2)
    broken = workspace.submit(command_job("true"))
    workspace.wait(broken.name)
    pid = engine_pid(workspace)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(
            BackendError, match=r"the job waiting is queued, but the engine at port \d+ does not answer"
        ):
            workspace.submit(command_job("true", name="waiting"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert workspace.wait("waiting", timeout_s=20).status is Status.COMPLETED


def test_a_stranger_at_the_engines_port_is_not_told_the_token(workspace):
    run(workspace, "true")
    workspace.stop_engine()
    with socket.create_server(("127.0.0.1", workspace.engine().port)) as stranger:
        assert run(workspace, "true").status is Status.COMPLETED
        stranger.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stranger.accept()


def test_an_engine_of_another_version_makes_way_and_its_jobs_go_on(workspace, monkeypatch):
    job = workspace.submit(command_job("sleep 2; echo done"))
    wait_for_status(workspace, job.name, Status.RUNNING)
    before = engine_pid(workspace)
    with monkeypatch.context() as upgraded:
        upgraded.setattr(start, "__version__", "99.0")  # the engine is not the one of this version
        workspace.submit(command_job("true"))
    assert not is_running(before)
    assert workspace.wait(job.name, timeout_s=20).status is Status.COMPLETED
    assert log_of(workspace, job.name) == "done\n"


def test_at_most_two_jobs_run_at_once_and_the_others_wait_their_turn(workspace):
    names = [workspace.submit(command_job("sleep 300")).name for _ in range(3)]
    for name in names[:2]:
        wait_for_status(workspace, name, Status.RUNNING)
    assert workspace.job(names[2]).status is Status.QUEUED
    workspace.cancel(names[0])
    wait_for_status(workspace, names[2], Status.RUNNING)


NEW_SESSION = f"{sys.executable} -c 'import signal,time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(300)'"


def test_a_cancel_ends_grandchildren_in_new_sessions_too(workspace, aml_home, monkeypatch):
    job = workspace.submit(command_job(f"setsid {NEW_SESSION} & wait"))
    wait_for_log(workspace, job.name, "1")
    workspace.cancel(job.name)
    job = workspace.wait(job.name, timeout_s=60)
    assert (job.status, job.reason) == (Status.CANCELED, Reason.USER_CANCELED)
    assert jobs_processes(aml_home, job) == []


def test_a_timeout_ends_grandchildren_in_new_sessions_too_and_says_so(workspace, aml_home):
    job = run(workspace, f"setsid {NEW_SESSION} & wait", limits=Limits(timeout=1))
    assert (job.status, job.reason) == (Status.CANCELED, Reason.TIMEOUT)
    assert job.message == "it ran longer than limits.timeout (1 s) and was canceled"
    assert jobs_processes(aml_home, job) == []


def jobs_processes(home, job) -> list[psutil.Process]:
    return [process for process in processes_of(home) if "aml-keeper" not in process.cmdline() and in_job(process, job)]


def in_job(process: psutil.Process, job) -> bool:
    return process.environ().get("AML_JOB_DIR") == str(job.folder)


def test_a_queued_job_is_canceled_at_once(workspace):
    for _ in range(2):
        workspace.submit(command_job("sleep 300"))
    job = workspace.submit(command_job("echo never"))
    assert workspace.cancel(job.name).status is Status.CANCELED


def test_a_job_survives_a_killed_engine_with_its_status_exit_code_and_whole_log(workspace):
    job = workspace.submit(command_job("for i in $(seq 40); do echo line $i; sleep 0.05; done; exit 5"))
    waiting = [workspace.submit(command_job("sleep 300")), workspace.submit(command_job("echo next"))]
    wait_for_log(workspace, job.name, "line 3\n")
    kill(engine_pid(workspace))
    # From here on nothing is asked of the workspace but what the store says: nobody brings the engine back but itself.
    wait_for(lambda: workspace.job(job.name).status.is_terminal, timeout_s=15)
    job = workspace.job(job.name)
    assert (job.status, job.exit_code) == (Status.FAILED, 5)
    assert log_of(workspace, job.name) == "".join(f"line {number}\n" for number in range(1, 41))
    wait_for(lambda: workspace.job(waiting[1].name).status is Status.COMPLETED, timeout_s=5)


def test_the_next_queued_job_starts_within_five_seconds_of_the_engines_death(workspace):
    blockers = [workspace.submit(command_job("sleep 300")).name for _ in range(2)]
    queued = workspace.submit(command_job("echo up"))
    for name in blockers:
        wait_for_status(workspace, name, Status.RUNNING)
    pids = [process.pid for process in processes_of(workspace.job(queued.name).folder.parent)]
    kill(engine_pid(workspace))
    for pid in pids:
        kill(pid)
    wait_for(lambda: workspace.job(queued.name).status is Status.COMPLETED, timeout_s=5)
    assert workspace.job(blockers[0]).reason is Reason.LOST


def test_the_engine_comes_back_when_keeper_and_engine_are_killed_and_the_job_ends(workspace):
    job = workspace.submit(command_job("while [ ! -e outputs/go ]; do sleep 0.05; done"))
    wait_for_status(workspace, job.name, Status.RUNNING)
    pid = engine_pid(workspace)
    keeper = psutil.Process(pid).ppid()
    kill(keeper)
    kill(pid)
    wait_for(lambda: not is_running(pid))
    (dict(workspace.files.outputs(job.name))["artifacts"] / "outputs" / "go").touch()
    wait_for(lambda: workspace.job(job.name).status is Status.COMPLETED, timeout_s=15)


def test_an_engine_whose_keeper_is_killed_gets_another_one(workspace):
    job = workspace.submit(command_job("sleep 300"))
    wait_for_status(workspace, job.name, Status.RUNNING)
    pid = engine_pid(workspace)
    kill(psutil.Process(pid).ppid())
    wait_for(lambda: not is_running(pid))
    wait_for(lambda: workspace.engine().pid not in (None, pid))
    assert workspace.job(job.name).status is Status.RUNNING


def test_a_cancel_that_was_asked_for_while_no_engine_ran_is_done(workspace, aml_home):
    job = workspace.submit(command_job("sleep 300"))
    wait_for_status(workspace, job.name, Status.RUNNING)
    workspace.stop_engine()
    assert workspace.job(job.name).status is Status.RUNNING
    workspace.cancel(job.name)
    assert workspace.wait(job.name, timeout_s=20).status is Status.CANCELED
    assert jobs_processes(aml_home, job) == []


def test_a_job_whose_wrapper_is_killed_is_lost_and_leaves_nothing_running(workspace, aml_home):
    job = workspace.submit(command_job("echo up; sleep 300"))
    wait_for_log(workspace, job.name, "up")
    wrapper = int((job.folder / "exec" / "pid").read_text())
    kill(wrapper)
    job = workspace.wait(job.name, timeout_s=20)
    assert (job.status, job.reason) == (Status.FAILED, Reason.LOST)
    assert "left no exit status" in job.message
    assert jobs_processes(aml_home, job) == []


def test_the_engine_keeps_its_port(workspace):
    run(workspace, "true")
    before = workspace.engine().port
    kill(engine_pid(workspace))
    run(workspace, "true")
    workspace.stop_engine()
    run(workspace, "true")
    assert workspace.engine().port == before


def test_an_idle_engine_ends_by_itself_and_leaves_nothing_behind(workspace, aml_home, monkeypatch):
    monkeypatch.setenv("AML_ENGINE_IDLE_S", "0.3")
    run(workspace, "true")
    wait_for(lambda: processes_of(aml_home) == [])
    job = run(workspace, "echo again")
    assert job.status is Status.COMPLETED


def test_jobs_submitted_to_an_engine_that_is_about_to_end_all_run(workspace, monkeypatch):
    monkeypatch.setenv("AML_ENGINE_IDLE_S", "0")  # it leaves whenever it has nothing to do
    jobs = [run(workspace, "true") for _ in range(15)]
    assert {job.status for job in jobs} == {Status.COMPLETED}


def with_tests_on_path() -> str:
    return os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])


def test_two_engines_never_run_at_once(workspace, aml_home):
    code = "from aml.workspace import open_workspace; from conftest import command_job\n"
    code += "open_workspace().submit(command_job('true'))"
    environment = os.environ | {"PYTHONPATH": with_tests_on_path()}
    starters = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(6)]
    assert [starter.wait(60) for starter in starters] == [0] * 6
    keepers = [process for process in processes_of(aml_home) if "aml-keeper" in process.cmdline()]
    assert len(keepers) == 1
    wait_for(lambda: all(job.status is Status.COMPLETED for job in workspace.jobs()))
    assert len(workspace.jobs()) == 6


def test_a_workspace_of_another_name_is_another_world(workspace):
    run(workspace, "true", name="same")
    other = create_workspace("other")
    assert other.jobs() == []
    run(other, "true", name="same")
    assert [job.name for job in workspace.jobs()] == ["same"]


def test_times_are_in_order(workspace):
    job = run(workspace, "sleep 0.2")
    assert job.created_at <= job.started_at
    assert job.ended_at - job.started_at >= timedelta(seconds=0.2)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path, monkeypatch):
    home = tmp_path / "small"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", home], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("file systems can't be mounted here")
    try:
        monkeypatch.setenv("AML_HOME", str(home))
        workspace = open_workspace()
        job = run(workspace, "echo begun; head -c 20000000 /dev/zero > outputs/big; echo status $?; exit 4")
        assert (job.status, job.exit_code) == (Status.FAILED, 4)
        assert "is full" in job.message
        code = tmp_path / "code"
        code.mkdir()
        (code / "big.bin").write_bytes(os.urandom(10_000_000))
        with pytest.raises(BackendError, match="No space left") as caught:
            workspace.submit(command_job("true", code=str(code)))
        assert "free some space" in caught.value.hint
        for path in home.rglob("big"):
            path.unlink()
        assert run(workspace, "true").status is Status.COMPLETED
        workspace.stop_engine()
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def test_stopping_the_engine_leaves_jobs_running_and_their_end_is_noticed(workspace):
    job = workspace.submit(command_job("sleep 1; echo done"))
    wait_for_status(workspace, job.name, Status.RUNNING)
    state = workspace.stop_engine()
    assert [active.name for active in state.active] == [job.name]
    assert workspace.engine().running is False
    wait_for(lambda: workspace.job(job.name).status is Status.COMPLETED, timeout_s=15)
    assert log_of(workspace, job.name) == "done\n"


def test_the_engine_holds_no_pipe_of_its_starter(aml_home):
    code = "from aml.workspace import open_workspace; from conftest import command_job\n"
    code += "print(open_workspace().submit(command_job('sleep 30')).name)"
    environment = os.environ | {"PYTHONPATH": with_tests_on_path()}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=20)
    assert told.stdout.strip()  # communicate() would have waited for whoever else holds the pipe
