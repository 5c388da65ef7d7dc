"""`aml run`: runs as the CLI of Azure ML v1 submits them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._job_follow import submit
from aml.workspace.folder import find_config

app = typer.Typer()


@app.command(context_settings={"allow_interspersed_args": False})
def submit_script(
    script: Annotated[list[str], typer.Argument(metavar="SCRIPT [ARGUMENTS]", help="The script and its arguments.")],
    run_configuration_name: Annotated[
        str, typer.Option("--run-configuration-name", "-c", metavar="NAME", help="Run configuration in .azureml.")
    ],
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", "-e", metavar="NAME", help="Experiment.")
    ] = None,
    path: Annotated[Path, typer.Option("--path", metavar="FOLDER", help="The project; . by default.")] = Path(),
    source_directory: Annotated[
        Path | None, typer.Option("--source-directory", metavar="FOLDER", help="The script's folder; the project's.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "--ct", metavar="COMPUTE", help="Compute, over the configuration's.")
    ] = None,
    conda_dependencies: Annotated[
        Path | None, typer.Option("--conda-dependencies", "-d", metavar="FILE", help="Conda file, over its own.")
    ] = None,
    async_: Annotated[bool, typer.Option("--async", help="Return at once.")] = False,
) -> int:
    """Submit a script with a run configuration of v1, and show its log until it is over."""
    from aml.spec.convert.runconfig import Script, find, read_job

    project = path.absolute()
    where = (source_directory or project).absolute()
    job = read_job(find(run_configuration_name, project), Script(where, script[0], tuple(script[1:])))
    config = find_config(project)
    experiment = experiment_name or (config.experiment_name if config else None)
    job = replace(job, experiment_name=experiment, compute=target or job.compute)
    if conda_dependencies is not None and not isinstance(job.environment, str):
        job = replace(job, environment={**job.environment, "conda_file": str(conda_dependencies.absolute())})
    return submit(job, stream=not async_, cancel_on_interrupt=False, web=False)
