"""`aml job` as people and scripts use it."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from cli.terminal import AML, Terminal, aml
from conftest import wait_for

QUIET = "--only-show-errors"


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "job.yml"
    path.write_text(
        "command: echo ${{inputs.text}}; sleep ${{inputs.seconds}}; exit ${{inputs.code}}\n"
        "environment: azureml:local@latest\n"
        "inputs:\n  text: hello\n  seconds: 0\n  code: 0\n"
    )
    return path


def create(spec, *arguments: str) -> str:
    return aml(
        "job", "create", "-f", str(spec), QUIET, "--query", "name", "-o", "tsv", *arguments, check=True
    ).stdout.strip()


def test_a_script_gets_the_name_at_once_and_alone_with_a_cold_engine_too(spec):
    done = aml("job", "create", "-f", str(spec), "--set", "inputs.seconds=30", "--query", "name", "-o", "tsv", QUIET)
    assert re.fullmatch(r"[a-z]+_[a-z]+_[a-z0-9]{10}\n", done.stdout)
    assert done.stderr == ""


def test_create_prints_the_job_as_json_when_piped(spec):
    done = aml("job", "create", "-f", str(spec), "--name", "mine", "--set", "inputs.text=a b", "tags.by=me", QUIET)
    document = json.loads(done.stdout)
    assert document["name"] == "mine"
    assert document["inputs"]["text"] == "a b"
    assert document["tags"] == {"by": "me"}
    assert document["status"] in {"Queued", "Preparing", "Running", "Finalizing", "Completed"}


def test_stream_on_create_keeps_the_document_on_stdout_and_the_log_on_stderr(spec):
    done = aml("job", "create", "-f", str(spec), "--stream", QUIET, "--query", "status", "-o", "tsv")
    assert done.stdout == "Completed\n"
    assert "Streaming user_logs/std_log.txt\n" + "=" * 31 + "\n\nhello\n" in done.stderr
    assert done.returncode == 0


def test_the_log_of_a_finished_job_is_replayed_as_az_frames_it(spec):
    name = create(spec)
    aml("job", "wait", "-n", name, check=True)
    url = aml("job", "show", "-n", name, "--query", "services.Studio.endpoint", "-o", "tsv").stdout.strip()
    head = f"RunId: {name}\nWeb View: {url}\n"
    log = f"\nStreaming user_logs/std_log.txt\n{'=' * 31}\n\nhello\n"
    assert aml("job", "stream", "-n", name).stdout == f"{head}{log}\nExecution Summary\n{'=' * 17}\n{head}"


@pytest.mark.parametrize("verb", ["wait", "stream"])
def test_the_exit_code_tells_whether_the_job_completed(spec, verb):
    good, bad = create(spec), create(spec, "--set", "inputs.code=3")
    assert aml("job", verb, "-n", good).returncode == 0
    failed = aml("job", verb, "-n", bad)
    assert failed.returncode == 1
    assert f"ERROR: the job {bad} is Failed: the command ended with exit code 3" in failed.stderr


def test_wait_gives_up_after_its_timeout_and_the_job_goes_on(spec):
    name = create(spec, "--set", "inputs.seconds=30")
    done = aml("job", "wait", "-n", name, "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the job {name} is still" in done.stderr


def test_progress_bars_reach_the_reader_byte_for_byte(spec, tmp_path):
    bars = tmp_path / "bars.yml"
    bars.write_text("command: printf '10%%\\r50%%\\r100%%\\n'\nenvironment: azureml:local@latest\n")
    name = create(bars)
    aml("job", "wait", "-n", name)
    raw = subprocess.run([AML, "job", "stream", "-n", name], capture_output=True).stdout
    assert b"\n10%\r50%\r100%\n" in raw


def test_on_a_terminal_the_end_is_a_card_with_three_commands_to_try(spec):
    terminal = Terminal.run(
        "job", "create", "-f", str(spec), "--stream", "--name", "carded", "--set", "inputs.seconds=1"
    )
    assert terminal.wait() == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text).replace("\r\n", "\n")
    assert re.search(r"carded  Completed  in 1\.\d s\n", text)
    assert text.endswith("next\n  aml job metrics -n carded\n  aml job download -n carded -p .\n  aml job list\n")
    assert re.search(r"\[ *\d+\.\d s\] Running\n", text)


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(spec):
    terminal = Terminal.run(
        "job", "create", "-f", str(spec), "--set", "inputs.seconds=30", "--stream", "--name", "kept"
    )
    terminal.read_until("hello")
    terminal.interrupt()
    assert terminal.wait() == 130
    assert "kept goes on. `aml job stream -n kept` shows it again" in terminal.text
    assert aml("job", "show", "-n", "kept", "--query", "status", "-o", "tsv").stdout == "Running\n"


def test_ctrl_c_cancels_the_job_if_asked_to(spec):
    arguments = ("--set", "inputs.seconds=30", "--stream", "--cancel-on-interrupt", "--name", "dropped")
    terminal = Terminal.run("job", "create", "-f", str(spec), *arguments)
    terminal.read_until("hello")
    terminal.interrupt()
    assert terminal.wait() == 130
    assert aml("job", "show", "-n", "dropped", "--query", "status", "-o", "tsv").stdout == "Canceled\n"


def test_a_running_job_is_canceled(spec):
    name = create(spec, "--set", "inputs.seconds=30")
    wait_for(lambda: "Running" in aml("job", "show", "-n", name).stdout)
    assert json.loads(aml("job", "cancel", "-n", name, check=True).stdout)["status"] in {"CancelRequested", "Canceled"}
    assert aml("job", "wait", "-n", name, "--query", "status", "-o", "tsv").stdout == "Canceled\n"


def test_list_shows_the_newest_first_as_az_prints_tables(spec):
    names = [create(spec) for _ in range(3)]
    for name in names:
        aml("job", "wait", "-n", name)
    listed = aml(
        "job", "list", "-r", "2", "--query", "[].{Name:name, Status:status}", "-o", "table"
    ).stdout.splitlines()
    assert listed[0].split() == ["Name", "Status"]
    assert [line.split() for line in listed[2:]] == [[names[2], "Completed"], [names[1], "Completed"]]
    assert len(json.loads(aml("job", "list").stdout)) == 3


def test_download_has_azures_layout(spec, tmp_path):
    job = tmp_path / "outputs.yml"
    job.write_text(
        "command: echo a > outputs/a.txt; echo b > ${{outputs.model}}/b.txt\n"
        "environment: azureml:local@latest\noutputs:\n  model:\n"
    )
    name = create(job)
    aml("job", "wait", "-n", name, check=True)
    aml("job", "download", "-n", name, "--all", "-p", str(tmp_path / "all"), check=True)
    aml("job", "download", "-n", name, "--output-name", "model", "-p", str(tmp_path / "one"), check=True)

    def files(folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    artifacts = ["artifacts/outputs/a.txt", "artifacts/user_logs/std_log.txt"]
    assert files(tmp_path / "all") == [*artifacts, "named-outputs/model/b.txt"]
    assert files(tmp_path / "one") == ["named-outputs/model/b.txt"]


def test_download_of_an_output_that_is_not_there_names_those_that_are(spec):
    name = create(spec)
    aml("job", "wait", "-n", name)
    done = aml("job", "download", "-n", name, "--output-name", "modle")
    assert done.returncode == 3
    assert f"the job {name} has no output modle" in done.stderr
    assert "It has: artifacts." in done.stderr


MISTAKES = {
    "a typo in a key": (
        "comand: echo hi\nenvironment: azureml:local@latest\n",
        r"job\.yml:1:1: .*`?comand`?.*\n.*command",
    ),
    "a missing file": (
        "command: ls\ncode: ./srcc\nenvironment: azureml:local@latest\n",
        r"job\.yml:2:\d+: .*srcc.*",
    ),
    "an undeclared binding": (
        "command: >-\n  python train.py\n  --lr ${{inputs.lr}}\nenvironment: azureml:a@latest\ninputs:\n  rate: 1\n",
        r"job\.yml:3:\d+: .*lr.*",
    ),
    "no YAML at all": ("command: [1\n", r"job\.yml:\d+:\d+: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message_that_points_at_the_line(mistake, tmp_path):
    text, message = MISTAKES[mistake]
    (tmp_path / "job.yml").write_text(text)
    done = aml("job", "create", "-f", "job.yml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_does_not_exist_is_said_with_those_that_do(tmp_path):
    (tmp_path / "job.yml").write_text("command: ls\n")
    done = aml("job", "create", "-f", "jbo.yml", cwd=tmp_path)
    assert done.returncode == 1
    assert "jbo.yml" in done.stderr
    assert "job.yml" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("job", "show", "-n", "nobody"), 3, "there is no job named nobody"),
        (("job", "create"), 2, "--file"),
        (("job", "list", "--max-results", "0"), 2, "0 is less than 1"),
        (("job", "list", "--query", "[?"), 2, "--query is not valid JMESPath"),
        (("jbo", "list"), 2, "Did you mean 'aml job'?"),
        (("model", "show", "-n", "none"), 3, "there is no model named none"),
        (("workspace", "show", "-n", "none"), 3, "there is no workspace named none"),
    ],
)
def test_exit_codes_are_those_of_az(arguments, code, said):
    done = aml(*arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_the_engine_tells_its_pid_its_port_and_what_runs(spec):
    name = create(spec, "--set", "inputs.seconds=30")
    wait_for(lambda: json.loads(aml("engine", "status").stdout)["jobs"])
    state = json.loads(aml("engine", "status").stdout)
    assert state["running"] is True
    assert state["pid"] > 0
    assert state["port"] > 0
    assert [job["name"] for job in state["jobs"]] == [name]
    stopped = aml("engine", "stop")
    assert f"Stopped, pid {state['pid']}." in stopped.stderr
    assert name in stopped.stderr
    assert json.loads(aml("engine", "status").stdout)["running"] is False


def test_a_pipeline_is_checked_and_then_refused(tmp_path):
    file = tmp_path / "pipeline.yml"
    file.write_text("type: pipeline\njobs: {a: {component: azureml:a:1, inputs: {x: '${{parent.inputs.x}}'}}}\n")
    wrong = aml("job", "create", "-f", "pipeline.yml", cwd=tmp_path)
    assert "unknown-binding" in wrong.stderr
    file.write_text("type: pipeline\njobs: {a: {component: azureml:a:1}}\n")
    done = aml("job", "create", "-f", "pipeline.yml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: pipeline.yml is a pipeline, which can't be run here yet\n")


def test_a_file_of_another_kind_is_refused_by_its_kind(tmp_path):
    (tmp_path / "model.yml").write_text("name: m\npath: .\ntype: custom_model\n")
    done = aml("job", "create", "-f", "model.yml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "ERROR: model.yml is a spec of the kind model, which this command does not take\n"
