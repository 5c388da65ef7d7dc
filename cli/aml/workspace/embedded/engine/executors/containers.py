"""Jobs in containers: the program line that starts one, and how those of a job are ended.

The folders of the job have the same paths inside as outside, and the network is this machine's, so that what holds for
a process holds in a container. The values of variables are not in the program line, where others could read them.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from aml.workspace.embedded.engine.executors import Container, Launch
from aml.workspace.embedded.paths import JobPaths

LABEL = "aml.job"

# bash, as on Azure; sh where the image has none.
_SHELL = 'if command -v bash >/dev/null; then exec bash -c "$0"; else exec sh -c "$0"; fi'
# Variables that also steer the program that starts the container: the job's values are for the container alone.
_OF_THE_CLIENT = ("PATH", "HOME", "TMPDIR", "LD_", "XDG_", "DOCKER_", "CONTAINER", "PODMAN_")
_END_TIMEOUT_S = 30


def argv(launch: Launch, container: Container) -> list[str]:
    """The program line, but for the process of several that it is: their variables are in its environment."""
    paths = launch.paths
    line = [container.tool, "run", "--rm", "--init", "--network", "host", "--label", f"{LABEL}={paths.folder}"]
    line += ["--workdir", str(launch.cwd), *_user(container)]
    for folder in (paths.artifacts, paths.named_outputs, paths.work, paths.inputs, *container.folders):
        line += ["--mount", _mount(str(folder), str(folder))]
    for source, place in launch.read_only:
        line += ["--mount", _mount(source, place, "readonly")]
    line += _gpus(container)
    line += [] if container.shm_size is None else ["--shm-size", container.shm_size]
    line += _variables({**launch.environment, **launch.processes[0]})
    line += [*container.arguments, "--entrypoint", "sh", container.image]
    return [*line, "-c", _SHELL, launch.command]


def environment(launch: Launch, container: Container) -> dict[str, str]:
    """Of the program that starts the container."""
    given = {**launch.environment, **launch.processes[0]}
    return {**container.client, **{name: value for name, value in given.items() if not _is_clients(name)}}


def make_folders(paths: JobPaths) -> None:
    """What is mounted has to be there."""
    for folder in (paths.artifacts, paths.named_outputs, paths.work, paths.inputs):
        folder.mkdir(parents=True, exist_ok=True)


def end(paths: JobPaths) -> None:
    """Kill the containers of a job that are still there: the end of the program that started one is not theirs."""
    if not paths.container.exists():
        return
    client = {**os.environ, **_submitted(paths)}
    tool = paths.container.read_text()
    listed = _run([tool, "ps", "--quiet", "--filter", f"label={LABEL}={paths.folder}"], client)
    if found := listed.split():
        _run([tool, "kill", *found], client)


def _submitted(paths: JobPaths) -> dict[str, str]:
    submitted: dict[str, str] = json.loads(paths.environment.read_text()) if paths.environment.exists() else {}
    return submitted


def _run(line: list[str], client: Mapping[str, str]) -> str:
    done = subprocess.run(line, env=client, capture_output=True, text=True, timeout=_END_TIMEOUT_S, check=False)
    return done.stdout


def _user(container: Container) -> list[str]:
    """What the job writes belongs to its submitter. An ordinary user's podman maps that user to itself."""
    # Where there is SELinux the job's folder keeps the label that it has, which containers may not read.
    unlabelled = ["--security-opt", "label=disable"] if _is_podman(container) else []
    if container.user is None:
        return unlabelled
    if _is_podman(container):
        return [*unlabelled, "--userns", "keep-id", "--env", "HOME=/tmp"]
    return ["--user", container.user, "--env", "HOME=/tmp"]


def _gpus(container: Container) -> list[str]:
    if not container.has_gpus:
        return []
    return ["--device", "nvidia.com/gpu=all"] if _is_podman(container) else ["--gpus", "all"]


def _is_podman(container: Container) -> bool:
    return Path(container.tool).name == "podman"


def _mount(source: str, place: str, *options: str) -> str:
    """The fields of --mount are those of a line of CSV."""
    fields = ["type=bind", f"source={source}", f"target={place}", *options]
    return ",".join('"' + field.replace('"', '""') + '"' if set(field) & set(',"') else field for field in fields)


def _variables(given: Mapping[str, str]) -> Iterator[str]:
    for name, value in given.items():
        yield from ("--env", f"{name}={value}" if _is_clients(name) else name)


def _is_clients(name: str) -> bool:
    return name.startswith(_OF_THE_CLIENT)


def arguments_of(docker_args: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """`resources.docker_args` as words."""
    return tuple(shlex.split(docker_args)) if isinstance(docker_args, str) else docker_args or ()
