"""Jobs in containers and in conda's environments: the program lines, and real runs where there is a podman."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from aml.errors import BackendError, Misfit
from aml.spec.model import CommandJob, DataInput, LiteralInput, Output, Resources
from aml.workspace.embedded.engine.executors import Container, Launch
from aml.workspace.embedded.engine.executors.containers import arguments_of, argv, environment
from aml.workspace.embedded.environments import conda
from aml.workspace.embedded.environments.containers import image_of
from aml.workspace.embedded.environments.resolve import Resolved
from aml.workspace.embedded.paths import JobPaths
from aml.workspace.records import ENVIRONMENT_MODE, Reason, Status
from conftest import kill, log_of, wait_for

IMAGE = "localhost/aml-tests:1"
# Where the kernel or what this runs in is not podman's first choice.
CONF = '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]\n[engine]\nruntime = "runc"\n'


def launch(**fields) -> Launch:
    paths = JobPaths(Path("/home/me/.aml/workspaces/default/jobs/mine"))
    given = {"AZUREML_RUN_ID": "mine", "TOKEN": "secret", "PATH": "/opt/tools"}
    return Launch("python train.py", given, paths.work, paths, read_only=(("/data/a, b", "/place"),), **fields)


def container(tool: str, **fields) -> Container:
    return Container(f"/usr/bin/{tool}", "ubuntu", {"PATH": "/usr/bin", "DOCKER_HOST": "x"}, **fields)


def test_the_program_line_of_docker_has_folders_inputs_resources_and_no_value_of_a_variable():
    fields = {
        "user": "1000:1000",
        "shm_size": "2g",
        "arguments": ("--hostname", "boxy"),
        "has_gpus": True,
        "folders": ("/d",),
    }
    line = argv(launch(), container("docker", **fields))
    job = "/home/me/.aml/workspaces/default/jobs/mine"
    folders = [f"{job}/artifacts", f"{job}/named-outputs", f"{job}/exec/wd", f"{job}/exec/inputs", "/d"]
    mounts = [each for folder in folders for each in ("--mount", f"type=bind,source={folder},target={folder}")]
    assert line == [
        *("/usr/bin/docker", "run", "--rm", "--init", "--network", "host", "--label", f"aml.job={job}"),
        *("--workdir", f"{job}/exec/wd", "--user", "1000:1000", "--env", "HOME=/tmp", *mounts),
        *("--mount", 'type=bind,"source=/data/a, b",target=/place,readonly'),
        *("--gpus", "all", "--shm-size", "2g", "--env", "AZUREML_RUN_ID", "--env", "TOKEN", "--env", "PATH=/opt/tools"),
        *("--hostname", "boxy", "--entrypoint", "sh", "ubuntu", "-c", line[-2], "python train.py"),
    ]
    assert "exec bash -c" in line[-2]


def test_podmans_differs_in_user_and_gpus():
    line = argv(launch(), container("podman", user="1000:1000", has_gpus=True))
    assert line[line.index("--userns") + 1] == "keep-id"
    assert line[line.index("--device") + 1] == "nvidia.com/gpu=all"
    assert not {"--user", "--gpus"} & set(line)
    assert not {"--userns", "--device"} & set(argv(launch(), container("podman")))


def test_the_values_are_in_the_environment_of_the_program_and_its_own_stay():
    given = environment(launch(processes=({"RANK": "0"}, {"RANK": "1"})), container("docker"))
    assert given == {"PATH": "/usr/bin", "DOCKER_HOST": "x", "AZUREML_RUN_ID": "mine", "TOKEN": "secret", "RANK": "0"}


def test_docker_args_are_words():
    assert arguments_of("--cap-add SYS_PTRACE -v '/a b:/c'") == ("--cap-add", "SYS_PTRACE", "-v", "/a b:/c")
    assert arguments_of(("--privileged",)) == ("--privileged",)
    assert arguments_of(None) == ()


def test_the_image_is_the_one_that_is_named_unless_something_is_put_into_it():
    assert image_of(Resolved("x", "x", image="ubuntu"), "docker") == "ubuntu"
    built = image_of(Resolved("x", "x", image="ubuntu", conda={"dependencies": ["numpy"]}), "docker")
    assert built.startswith("localhost/aml-environment:")
    assert image_of(Resolved("x", "x", image="ubuntu", conda={"dependencies": ["scipy"]}), "docker") != built


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("/opt/micromamba", ["/opt/micromamba", "create", "--yes", "--prefix", "/env", "--file", "/file"]),
        ("/opt/mamba", ["/opt/mamba", "env", "create", "--prefix", "/env", "--file", "/file"]),
        ("/opt/conda", ["/opt/conda", "env", "create", "--prefix", "/env", "--file", "/file"]),
    ],
)
def test_each_of_condas_programs_has_its_line(program, line):
    assert conda.line(program, Path("/env"), Path("/file")) == line


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def job(command: str, environment: object, mode: str, **fields) -> CommandJob:
    return CommandJob(command=command, environment=environment, properties={ENVIRONMENT_MODE: mode}, **fields)


def test_what_conda_says_when_it_fails_is_the_reason(workspace, tmp_path, monkeypatch):
    spec = job("true", {"image": "ubuntu", "conda_file": {"dependencies": ["python=3.11", "my-tool"]}}, "conda")
    if conda.tool(os.environ["PATH"]) is None:
        with pytest.raises(BackendError, match="none is on PATH"):
            workspace.submit(spec)
    program(tmp_path / "bin", "micromamba", 'echo "critical libmamba"; echo "error: my-tool was not found" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    failed = workspace.wait(workspace.submit(spec).name)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert failed.message.startswith("micromamba failed: my-tool was not found")
    with pytest.raises(Misfit, match="no conda_file"):
        workspace.submit(job("true", {"image": "ubuntu"}, "conda"))


def test_a_container_tool_that_is_not_there_or_does_not_work_is_refused_at_the_submit(workspace, tmp_path, monkeypatch):
    program(tmp_path / "bin", "docker", 'echo "Cannot connect to the daemon" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(BackendError, match="docker does not work here: Cannot connect to the daemon"):
        workspace.submit(job("true", {"image": "ubuntu"}, "docker"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BackendError, match="the mode podman needs podman, which is not on PATH"):
        workspace.submit(job("true", {"image": "ubuntu"}, "podman"))
    elsewhere = "azureml://registries/theirs/environments/x/labels/latest"
    with pytest.raises(BackendError, match="its image is not known here"):
        workspace.submit(job("true", elsewhere, "docker"))
    assert workspace.jobs() == []


@pytest.fixture
def podman(tmp_path, monkeypatch):
    """An image of busybox alone, if there is a podman that can run it."""
    busybox = shutil.which("busybox")
    if shutil.which("podman") is None or busybox is None:
        pytest.skip("there is no podman, or no busybox to make an image of")
    with tarfile.open(tmp_path / "root.tar", "w") as root:
        root.add(busybox, "bin/busybox")
        for name in ("sh", "cat", "echo", "env", "id", "ls", "sleep", "touch"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            root.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        root.addfile(folder)
    subprocess.run(["podman", "import", str(tmp_path / "root.tar"), IMAGE], capture_output=True, check=True)
    run = ["podman", "run", "--rm", "--init", "--network", "host", IMAGE, "sh", "-c", "true"]
    if subprocess.run(run, capture_output=True).returncode != 0:
        (tmp_path / "containers.conf").write_text(CONF)
        monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
        tried = subprocess.run(run, capture_output=True, text=True)
        if tried.returncode != 0:
            pytest.skip(f"podman can't run a container here: {tried.stderr}")


def containers_of(folder: Path) -> str:
    line = ["podman", "ps", "--quiet", "--filter", f"label=aml.job={folder}"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


def test_a_job_in_a_container_has_its_code_inputs_outputs_variables_and_the_tracking_server(
    workspace, podman, tmp_path, monkeypatch
):
    monkeypatch.setenv("OF_THE_SHELL", "not for the container")
    (tmp_path / "my data").mkdir()
    (tmp_path / "my data" / "a.txt").write_text("from the input\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.sh").write_text('cat "$1"/a.txt; env\n')
    spec = job(
        "sh main.sh ${{inputs.data}}; touch ${{inputs.data}}/b; echo 1 > ${{outputs.o}}/f; echo 2 > outputs/g;"
        "echo 3 > ${{outputs.d}}/h; exit 3",
        {"image": IMAGE},
        "podman",
        code=str(tmp_path / "src"),
        inputs={"data": DataInput(str(tmp_path / "my data")), "lr": LiteralInput(0.1)},
        outputs={"o": Output(), "d": Output(path="azureml://datastores/workspaceblobstore/paths/kept")},
        environment_variables={"MINE": "my value", "PATH": "/bin:/mine"},
        resources=Resources(shm_size="32m", docker_args="--hostname boxy"),
    )
    ended = workspace.wait(workspace.submit(spec).name, timeout_s=60)
    assert (ended.status, ended.exit_code) == (Status.FAILED, 3)
    log = log_of(workspace, ended.name)
    assert "from the input" in log
    assert "Read-only file system" in log
    seen = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
    expected = {"MINE": "my value", "PATH": "/bin:/mine", "AZUREML_PARAMETER_lr": "0.1", "AZUREML_RUN_ID": ended.name}
    assert expected.items() <= seen.items()
    assert seen["MLFLOW_TRACKING_URI"].startswith("http://127.0.0.1:")
    assert "OF_THE_SHELL" not in seen
    outputs = dict(workspace.files.outputs(ended.name))
    assert (outputs["o"] / "f").read_text() == "1\n"
    assert (outputs["artifacts"] / "outputs" / "g").read_text() == "2\n"
    assert (outputs["d"] / "h").read_text() == "3\n"


def test_a_cancel_and_a_killed_client_leave_no_container(workspace, podman):
    for end in ("cancel", "kill"):
        running = workspace.submit(job("echo started; sleep 300", {"image": IMAGE}, "podman"))
        wait_for(lambda name=running.name: "started" in log_of(workspace, name))
        assert containers_of(running.folder)
        if end == "cancel":
            workspace.cancel(running.name)
        else:
            wrapper = (running.folder / "exec" / "pid").read_text().strip()
            children = Path(f"/proc/{wrapper}/task/{wrapper}/children").read_text()
            kill(int(children))
        ended = workspace.wait(running.name, timeout_s=40)
        assert ended.status is (Status.CANCELED if end == "cancel" else Status.FAILED)
        assert containers_of(running.folder) == ""


def test_each_process_of_a_distribution_is_a_container(workspace, podman):
    spec = job(
        "echo rank $RANK of $WORLD_SIZE",
        {"image": IMAGE},
        "podman",
        distribution={"type": "pytorch", "process_count_per_instance": 2},
    )
    ended = workspace.wait(workspace.submit(spec).name, timeout_s=60)
    assert ended.status is Status.COMPLETED, ended.message
    assert sorted(log_of(workspace, ended.name).splitlines()) == ["rank 0 of 2", "rank 1 of 2"]


def test_a_build_makes_the_image_from_the_dockerfile_as_it_was_at_the_submit(workspace, podman, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "Mine").write_text(f"FROM {IMAGE}\nCOPY said /said\n")
    (context / "said").write_text("original\n")
    spec = job("cat /said", {"build": {"path": str(context), "dockerfile_path": "Mine"}}, "podman")
    submitted = workspace.submit(spec)
    (context / "said").write_text("changed\n")
    assert log_of(workspace, workspace.wait(submitted.name, timeout_s=60).name).endswith("original\n")
    assert str(submitted.document["environment"]).startswith("azureml:CliV2AnonymousEnvironment:")
    assert workspace.assets.list("environment") == []
    second = workspace.wait(workspace.submit(spec).name, timeout_s=60)
    assert log_of(workspace, second.name).endswith("changed\n")


def test_an_image_that_can_not_be_built_fails_the_job_with_the_reason(workspace, podman):
    conda_file = {"dependencies": ["python=3.11"]}
    spec = job("true", {"image": IMAGE, "conda_file": conda_file}, "podman")
    failed = workspace.wait(workspace.submit(spec).name, timeout_s=60)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert "podman build failed" in failed.message
    assert "neither conda nor python3" in log_of(workspace, failed.name)
