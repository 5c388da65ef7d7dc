"""Verbs of `aml job` that submit a job once more, or put two side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aml.commands._job_follow import submit
from aml.commands._jobs import CancelOnInterrupt, ExperimentName, Stream
from aml.commands._options import Name, Sets, Web
from aml.commands._output import emit_list
from aml.commands._workspace import workspace_in_use
from aml.errors import UsageError
from aml.view import entities

if TYPE_CHECKING:
    from aml.workspace.again import Again

NewName = Annotated[str | None, typer.Option("--new-name", metavar="NAME", help="Name of the new job.")]


def clone(
    name: Name,
    new_name: NewName = None,
    experiment_name: ExperimentName = None,
    set_: Sets = None,
    stream: Stream = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
    web: Web = False,
) -> int:
    """Submit a job once more as it is stored, its code too, with --set over it."""
    from aml.workspace import again

    job = workspace_in_use().job(name)
    new = again.clone(job, set_ or [], name=new_name, experiment_name=experiment_name)
    return _submit(new, stream=stream, cancel_on_interrupt=cancel_on_interrupt, web=web)


def retry(
    name: Name,
    new_name: NewName = None,
    set_: Sets = None,
    stream: Stream = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
    web: Web = False,
) -> int:
    """Submit a Failed or Canceled job once more; the new one's properties name the first try."""
    from aml.workspace import again

    new = again.retry(workspace_in_use().job(name), set_ or [], name=new_name)
    return _submit(new, stream=stream, cancel_on_interrupt=cancel_on_interrupt, web=web)


def diff(
    names: Annotated[list[str], typer.Option("--name", "-n", metavar="NAME", help="Name, twice.")],
) -> None:
    """Show what differs between two jobs: spec with inputs, code, result and metrics."""
    from aml.workspace.comparison import Compared, differences

    if len(names) != 2:
        raise UsageError(f"two jobs can be compared, not {len(names)}", "Name them as -n A -n B.")
    workspace = workspace_in_use()
    first, second = (
        Compared(workspace.job(name), workspace.files.code(name), workspace.metrics.latest(name)) for name in names
    )
    found = [entities.difference(each.part, each.key, each.first, each.second) for each in differences(first, second)]
    columns = {"Part": "part", "Key": "key", first.job.name: "first", second.job.name: "second"}
    emit_list(found, columns, none="The jobs do not differ.")


def _submit(new: Again, *, stream: bool, cancel_on_interrupt: bool, web: bool) -> int:
    return submit(
        new.spec,
        code_of=new.code_of,
        secrets_of=new.secrets_of,
        stream=stream,
        cancel_on_interrupt=cancel_on_interrupt,
        web=web,
    )
