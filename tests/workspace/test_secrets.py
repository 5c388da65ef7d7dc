"""What is secret is told by no file, record, log or process argument, and the job itself gets it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from aml.errors import Conflict
from aml.workspace import again, open_workspace
from aml.workspace.comparison import Compared, differences
from aml.workspace.embedded import tokens
from aml.workspace.records import Status
from aml.workspace.redaction import scrubbed
from cli.terminal import aml
from conftest import command_job, log_of, processes_of, wait_for

SECRET = "correct-horse-battery"
VARIABLES = {"API_KEY": SECRET, "MODE": "fast", "SITE": f"https://me:{SECRET}@example.org", "PIN": SECRET}


def run(workspace, command: str = "echo $API_KEY $MODE $SITE", **fields):
    fields.setdefault("environment_variables", VARIABLES)
    return workspace.wait(workspace.submit(command_job(command, **fields)).name, timeout_s=30)


@pytest.fixture
def declared(workspace):
    workspace.change_settings({"redacted_variables": "PIN"})
    return workspace


def test_a_job_gets_its_secrets_and_no_record_has_them(declared, aml_home):
    job = run(declared)
    assert log_of(declared, job.name) == f"{SECRET} fast https://me:{SECRET}@example.org\n"
    redacted = {"API_KEY": "***", "MODE": "fast", "SITE": "***", "PIN": "***"}
    assert job.document["environment_variables"] == redacted
    assert declared.jobs()[0].document["environment_variables"] == redacted
    for path in aml_home.rglob("*"):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600 or path.name == "std_log.txt", path


def test_no_command_tells_them(declared, tmp_path):
    (tmp_path / "job.yml").write_text(
        f"command: sleep 0.1\nenvironment: azureml:local@latest\nenvironment_variables: {json.dumps(VARIABLES)}\n"
    )
    file = ("-f", str(tmp_path / "job.yml"))
    told = [aml("job", "plan", *file), aml("job", "create", *file, "--name", "one", "--stream")]
    told += [aml("job", verb, "-n", "one", *more) for verb, more in (("show", ()), ("clone", ("--new-name", "two")))]
    told += [aml("job", "list"), aml("job", "diff", "-n", "one", "-n", "two")]
    assert [done.returncode for done in told] == [0] * len(told)
    assert SECRET not in "".join(done.stdout + done.stderr for done in told)


def test_a_clone_and_a_retry_of_a_clone_get_the_same_secrets(declared):
    first = run(declared, "echo $API_KEY $PIN; exit 1")
    new = again.clone(first)
    second = declared.submit(new.spec, code_of=new.code_of, secrets_of=new.secrets_of)
    second = declared.wait(second.name, timeout_s=30)
    new = again.retry(second, ["environment_variables.PIN=other"])
    third = declared.submit(new.spec, code_of=new.code_of, secrets_of=new.secrets_of)
    assert declared.wait(third.name, timeout_s=30).status is Status.FAILED
    assert log_of(declared, second.name) == f"{SECRET} {SECRET}\n"
    assert log_of(declared, third.name) == f"{SECRET} other\n"
    compared = [Compared(job, {}, ()) for job in (first, second)]
    assert not [each for each in differences(*compared) if each.key.startswith("environment_variables")]


def test_a_placeholder_without_a_job_that_knows_the_value_is_refused(workspace):
    with pytest.raises(Conflict, match=r"the value of API_KEY is \*\*\*, which stands for a secret"):
        workspace.submit(command_job("true", environment_variables={"API_KEY": "***"}))


def test_what_was_not_declared_at_the_submit_is_told_no_more_when_it_is(workspace):
    job = run(workspace, environment_variables={"PIN": SECRET})
    assert job.document["environment_variables"] == {"PIN": SECRET}
    workspace.change_settings({"redacted_variables": "PIN"})
    job = workspace.job(job.name)
    assert job.document["environment_variables"] == {"PIN": "***"}
    new = again.clone(job, ["command=echo $PIN"])
    second = workspace.submit(new.spec, code_of=new.code_of, secrets_of=new.secrets_of)
    workspace.wait(second.name, timeout_s=30)
    assert log_of(workspace, second.name) == f"{SECRET}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("can't get https://me:pass@host/x", "can't get https***host/x"),
        ("https://a.blob/x?sv=1&sig=abc%2F= failed", "https://a.blob/x?sv=1*** failed"),
        ("nothing to hide: a=1", "nothing to hide: a=1"),
    ],
)
def test_messages_and_logs_are_scrubbed(text, said):
    assert scrubbed(text) == said


def test_a_messages_last_words_are_scrubbed(workspace):
    job = run(workspace, "echo https://me:$API_KEY@example.org; exit 1")
    assert job.message.endswith("its last words: https***example.org")


def test_no_process_argument_has_a_token_or_a_secret(workspace, aml_home):
    job = workspace.submit(command_job("echo up; sleep 300", environment_variables=VARIABLES))
    wait_for(lambda: "up" in log_of(workspace, job.name))
    token = tokens.token(tokens.secret(workspace._paths.secret), job.name).rpartition(".")[2]
    told = [word for process in processes_of(aml_home) for word in process.cmdline()]
    assert len(told) > 10
    assert not [word for word in told if SECRET in word or token in word]
    assert (workspace._paths.engine_log).read_text().count(SECRET) == 0


LOOK = """
import os, sys
found = []
for folder, _, names in os.walk(sys.argv[1]):
    found += [os.path.join(folder, name) for name in names]
for process in filter(str.isdecimal, os.listdir("/proc")):
    for name in ("environ", "fd/1"):
        try:
            with open(f"/proc/{process}/{name}", "rb") as file:
                found += [file.name] * (sys.argv[2].encode() in file.read(1_000_000))
        except OSError:
            pass
print(found)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="becomes another user")
def test_another_user_sees_nothing_below_the_home_and_in_no_process(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("AML_HOME", f"{folder}/home")
        workspace = open_workspace()
        job = workspace.submit(command_job("echo up; sleep 300", environment_variables=VARIABLES))
        try:
            wait_for(lambda: "up" in log_of(workspace, job.name))
            stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            look = [*stranger, "/usr/bin/python3", "-c", LOOK, folder, SECRET]
            assert subprocess.run(look, capture_output=True, text=True).stdout == "[]\n"
        finally:
            workspace.cancel(job.name)
            workspace.wait(job.name, timeout_s=30)
            workspace.stop_engine()
