"""`aml convert`: files of Azure ML v1 as files of v2."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._app import globals_
from aml.spec import convert as v1
from aml.spec.kinds import HDCONFIG, kind_of
from aml.spec.load import load
from aml.spec.parse import problems
from aml.view import documents
from aml.view.messages import say_problems
from aml.view.streams import put

app = typer.Typer()


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NAME.runconfig or hdconfig.yml.")],
    run_configuration: Annotated[
        Path | None,
        typer.Option("--run-configuration", "-c", metavar="FILE", help="For hdconfig.yml; the one beside it."),
    ] = None,
    script: Annotated[str | None, typer.Option("--script", metavar="FILE", help="Over that of the file.")] = None,
) -> None:
    """Print what a file of Azure ML v1 means in v2: a command job, or a sweep; its paths start at this folder.

    An estimator of v1's Python SDK is no file. What its parameters are in a job:

    \b
    entry_script, script_params    command: python ENTRY_SCRIPT NAME VALUE ...
    source_directory               code
    compute_target, 'local'        compute, left out
    node_count                     resources.instance_count
    process_count_per_node         distribution.process_count_per_instance
    distributed_training           distribution.type: mpi for MpiConfiguration,
                                   tensorflow for ParameterServer and
                                   TensorflowConfiguration, pytorch for Gloo
                                   and Nccl
    worker_count                   distribution.worker_count
    parameter_server_count         distribution.parameter_server_count
    use_gpu, framework_version     environment: a curated one, or its image
    custom_docker_image            environment.image
    pip_packages, conda_packages,
    conda_dependencies_file        environment.conda_file
    environment_variables          environment_variables
    inputs                         inputs
    shm_size                       resources.shm_size
    max_run_duration_seconds       limits.timeout
    """
    document = load(file)
    configuration = run_configuration
    if kind_of(document) == HDCONFIG and configuration is None:
        configuration = v1.neighbour(file)
    made = v1.converted(document, Path.cwd(), load(configuration) if configuration else None, script)
    warnings = tuple(problem for problem in problems(document) if problem.severity == "warning")
    if warnings and not globals_().only_show_errors:
        say_problems(str(file), warnings)
    if globals_().output is None and globals_().query is None:
        put(documents.in_order(made), sys.stdout)
    else:
        documents.write(made, output=globals_().output, query=globals_().query)
