"""`aml run`: runs as the CLI of Azure ML v1 submits them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aml.commands._job_follow import submit
from aml.workspace.folder import find_config

if TYPE_CHECKING:
    from aml.spec.model import CommandJob

app = typer.Typer()

ScriptName = Annotated[list[str], typer.Argument(metavar="SCRIPT [ARGUMENTS]", help="The script and its arguments.")]
RunConfiguration = Annotated[
    str, typer.Option("--run-configuration-name", "-c", metavar="NAME", help="Run configuration in .azureml.")
]
ExperimentName = Annotated[str | None, typer.Option("--experiment-name", "-e", metavar="NAME", help="Experiment.")]
Project = Annotated[Path, typer.Option("--path", metavar="FOLDER", help="The project; . by default.")]
SourceDirectory = Annotated[
    Path | None, typer.Option("--source-directory", metavar="FOLDER", help="The script's folder; the project's.")
]
Target = Annotated[
    str | None, typer.Option("--target", "--ct", metavar="COMPUTE", help="Compute, over the configuration's.")
]
CondaDependencies = Annotated[
    Path | None, typer.Option("--conda-dependencies", "-d", metavar="FILE", help="Conda file, over its own.")
]
Async = Annotated[bool, typer.Option("--async", help="Return at once.")]


@app.command(context_settings={"allow_interspersed_args": False})
def submit_script(
    script: ScriptName,
    run_configuration_name: RunConfiguration,
    experiment_name: ExperimentName = None,
    path: Project = Path(),
    source_directory: SourceDirectory = None,
    target: Target = None,
    conda_dependencies: CondaDependencies = None,
    async_: Async = False,
) -> int:
    """Submit a script with a run configuration of v1, and show its log until it is over."""
    job = _job(script, run_configuration_name, experiment_name, path, source_directory, target, conda_dependencies)
    return submit(job, stream=not async_, cancel_on_interrupt=False, web=False)


@app.command(context_settings={"allow_interspersed_args": False})
def submit_hyperdrive(
    script: ScriptName,
    run_configuration_name: RunConfiguration,
    hyperdrive_configuration_name: Annotated[
        str,
        typer.Option("--hyperdrive-configuration-name", metavar="NAME", help="HyperDrive configuration in .azureml."),
    ],
    experiment_name: ExperimentName = None,
    path: Project = Path(),
    source_directory: SourceDirectory = None,
    target: Target = None,
    conda_dependencies: CondaDependencies = None,
    async_: Async = False,
) -> int:
    """Submit a sweep: runs of a script with what a HyperDrive configuration of v1 draws, and show them."""
    from aml.spec.convert.hyperdrive import find, read_sweep

    job = _job(script, run_configuration_name, experiment_name, path, source_directory, target, conda_dependencies)
    sweep = read_sweep(find(hyperdrive_configuration_name, path.absolute()), job)
    return submit(sweep, stream=not async_, cancel_on_interrupt=False, web=False)


def _job(
    script: list[str],
    run_configuration_name: str,
    experiment_name: str | None,
    path: Path,
    source_directory: Path | None,
    target: str | None,
    conda_dependencies: Path | None,
) -> CommandJob:
    """The run that a run configuration, a script and flags make."""
    from aml.spec.convert.runconfig import Script, find, read_job

    project = path.absolute()
    where = (source_directory or project).absolute()
    job = read_job(find(run_configuration_name, project), Script(where, script[0], tuple(script[1:])))
    config = find_config(project)
    experiment = experiment_name or (config.experiment_name if config else None)
    job = replace(job, experiment_name=experiment, compute=target or job.compute)
    if conda_dependencies is not None and not isinstance(job.environment, str):
        job = replace(job, environment={**job.environment, "conda_file": str(conda_dependencies.absolute())})
    return job
