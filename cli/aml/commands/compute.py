"""`aml compute`: say where jobs run, and how many at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from aml.commands._app import note
from aml.commands._options import (
    Adds,
    ForceString,
    Name,
    NoWait,
    OptionalFile,
    OptionalName,
    Removes,
    Sets,
    Tags,
    Yes,
    tags_of,
)
from aml.commands._output import confirm, emit, emit_list
from aml.commands._validate import validate_verb
from aml.commands._workspace import workspace_in_use
from aml.errors import Conflict
from aml.spec.updates import Update, updated
from aml.view import cards, entities
from aml.workspace.records import Compute

app = typer.Typer()

MinInstances = Annotated[str | None, typer.Option("--min-instances", metavar="N", help="Nodes kept without work.")]
MaxInstances = Annotated[str | None, typer.Option("--max-instances", metavar="N", help="Nodes at the most.")]
IdleTime = Annotated[
    str | None,
    typer.Option(
        "--idle-time-before-scale-down", "-d", metavar="SECONDS", help="Time without work until a node goes away."
    ),
]
IdentityType = Annotated[
    str | None, typer.Option("--identity-type", metavar="TYPE", help="Kind of identity, kept for Azure.")
]
UserIdentities = Annotated[
    list[str] | None,
    typer.Option("--user-assigned-identities", "-i", metavar="ID", help="Identities, kept for Azure."),
]
Switch = Literal["true", "false"]
SshAccess = Annotated[
    Switch | None,
    typer.Option("--ssh-public-access-enabled", "-p", metavar="true|false", help="Kept for Azure."),
]
PublicIp = Annotated[
    Switch | None, typer.Option("--enable-node-public-ip", metavar="true|false", help="Kept for Azure.")
]
UserId = Annotated[str | None, typer.Option("--user-object-id", metavar="ID", help="Whose it is, kept for Azure.")]
TenantId = Annotated[str | None, typer.Option("--user-tenant-id", metavar="ID", help="Tenant, kept for Azure.")]


@app.command()
def create(
    file: OptionalFile = None,
    name: OptionalName = None,
    type_: Annotated[
        str | None, typer.Option("--type", "-t", metavar="TYPE", help="amlcompute or computeinstance.")
    ] = None,
    size: Annotated[str | None, typer.Option("--size", metavar="SIZE", help="VM size of a node.")] = None,
    min_instances: MinInstances = None,
    max_instances: MaxInstances = None,
    tier: Annotated[str | None, typer.Option("--tier", metavar="TIER", help="dedicated or low_priority.")] = None,
    idle_time_before_scale_down: IdleTime = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")] = None,
    location: Annotated[
        str | None, typer.Option("--location", "-l", metavar="REGION", help="Region, kept for Azure.")
    ] = None,
    tags: Tags = None,
    identity_type: IdentityType = None,
    user_assigned_identities: UserIdentities = None,
    set_: Sets = None,
    admin_username: Annotated[
        str | None, typer.Option("--admin-username", metavar="NAME", help="User of the nodes, kept for Azure.")
    ] = None,
    admin_password: Annotated[  # noqa: ARG001
        str | None, typer.Option("--admin-password", metavar="TEXT", help="Taken as az does, and not kept.")
    ] = None,
    ssh_key_value: Annotated[
        str | None, typer.Option("--ssh-key-value", metavar="KEY", help="Public key, kept for Azure.")
    ] = None,
    ssh_public_access_enabled: SshAccess = None,
    enable_node_public_ip: PublicIp = None,
    vnet_name: Annotated[
        str | None, typer.Option("--vnet-name", metavar="NAME", help="Virtual network, kept for Azure.")
    ] = None,
    subnet: Annotated[str | None, typer.Option("--subnet", metavar="NAME", help="Subnet, kept for Azure.")] = None,
    user_object_id: UserId = None,
    user_tenant_id: TenantId = None,
    no_wait: NoWait = False,  # noqa: ARG001
) -> None:
    """Make a compute, from a file or from flags; one of that name is changed."""
    from aml.commands._specs import compute_spec

    spec = compute_spec(
        file,
        set_ or [],
        name=name,
        type=type_,
        size=size,
        min_instances=min_instances,
        max_instances=max_instances,
        tier=tier,
        idle_time_before_scale_down=idle_time_before_scale_down,
        description=description,
        location=location,
        tags=tags_of(tags),
        identity=_identity(identity_type, user_assigned_identities),
        ssh_settings=_mapping(admin_username=admin_username, ssh_key_value=ssh_key_value),
        ssh_public_access_enabled=_is_on(ssh_public_access_enabled),
        enable_node_public_ip=_is_on(enable_node_public_ip),
        network_settings=_mapping(vnet_name=vnet_name, subnet=subnet),
        create_on_behalf_of=_mapping(user_object_id=user_object_id, user_tenant_id=user_tenant_id),
    )
    workspace = workspace_in_use()
    if spec.size.lower() not in {each.name.lower() for each in workspace.computes.sizes()}:
        note(f"the size {spec.size} is not one of `aml compute list-sizes`: its vCPUs and GPUs are not known")
    _emit(workspace.computes.put(spec))


@app.command()
def show(name: Name) -> None:
    """Show a compute."""
    _emit(workspace_in_use().computes.get(name))


@app.command("list")
def list_(
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Those of one type.")] = None,
    max_results: Annotated[int | None, typer.Option("--max-results", "-r", min=1, help="At most so many.")] = None,
) -> None:
    """List computes; local, this machine, is always there."""
    found = workspace_in_use().computes.list(type_)[:max_results]
    emit_list([entities.compute(each) for each in found], entities.COMPUTE_COLUMNS, none="No computes.")


@app.command()
def update(
    name: Name,
    min_instances: MinInstances = None,
    max_instances: MaxInstances = None,
    idle_time_before_scale_down: IdleTime = None,
    tags: Tags = None,
    identity_type: IdentityType = None,
    user_assigned_identities: UserIdentities = None,
    set_: Sets = None,
    add: Adds = None,
    remove: Removes = None,
    force_string: ForceString = False,
    no_wait: NoWait = False,  # noqa: ARG001
) -> None:
    """Change a compute."""
    from aml.commands._specs import changed_compute

    workspace = workspace_in_use()
    compute = workspace.computes.get(name)
    if compute.type == "local":
        raise Conflict("the compute local is this machine and can't be changed")
    spec = changed_compute(
        compute.document,
        set_ or [],
        min_instances=min_instances,
        max_instances=max_instances,
        idle_time_before_scale_down=idle_time_before_scale_down,
        tags=tags_of(tags),
        identity=_identity(identity_type, user_assigned_identities),
    )
    described = {"description": spec.description, "tags": dict(spec.tags)}
    changes = Update([], add or [], remove or [], force_string)
    _emit(workspace.computes.put(replace(spec, **updated(described, changes))))


@app.command()
def delete(
    name: Name,
    yes: Yes = False,
    no_wait: NoWait = False,  # noqa: ARG001
) -> None:
    """Delete a compute that no unfinished job is on."""
    workspace = workspace_in_use()
    compute = workspace.computes.get(name)
    confirm(f"Delete the compute {compute.name}?", yes=yes)
    workspace.computes.delete(compute.name)


@app.command()
def start(name: Name, no_wait: NoWait = False) -> None:  # noqa: ARG001
    """Start a compute instance: it takes jobs."""
    _emit(workspace_in_use().computes.start(name))


@app.command()
def stop(name: Name, no_wait: NoWait = False) -> None:  # noqa: ARG001
    """Stop a compute instance: jobs wait until it is started; those that run go on."""
    _emit(workspace_in_use().computes.stop(name))


@app.command()
def restart(name: Name, no_wait: NoWait = False) -> None:  # noqa: ARG001
    """Stop and start a compute instance."""
    workspace = workspace_in_use()
    workspace.computes.stop(name)
    _emit(workspace.computes.start(name))


@app.command("list-sizes")
def list_sizes(
    location: Annotated[  # noqa: ARG001
        str | None, typer.Option("--location", "-l", metavar="REGION", help="Taken as az does: all are listed.")
    ] = None,
    type_: Annotated[  # noqa: ARG001
        str | None, typer.Option("--type", "-t", metavar="TYPE", help="Taken as az does: all are listed.")
    ] = None,
) -> None:
    """List the VM sizes whose vCPUs, memory and GPUs are known."""
    emit_list(
        [entities.vm_size(each) for each in workspace_in_use().computes.sizes()],
        entities.SIZE_COLUMNS,
        none="No sizes.",
    )


@app.command("list-nodes")
def list_nodes(name: Name) -> None:
    """List the nodes of a compute, and the job on each."""
    nodes = workspace_in_use().computes.nodes(name)
    emit_list([entities.compute_node(each) for each in nodes], entities.NODE_COLUMNS, none="No nodes.")


def _emit(compute: Compute) -> None:
    emit(entities.compute(compute), card=lambda color: cards.compute(compute, color=color))


def _is_on(given: Switch | None) -> bool | None:
    return None if given is None else given == "true"


def _mapping(**given: str | None) -> dict[str, str] | None:
    return {key: value for key, value in given.items() if value is not None} or None


def _identity(type_: str | None, ids: list[str] | None) -> dict[str, object] | None:
    given: dict[str, object] = {} if type_ is None else {"type": type_}
    if ids:
        given["user_assigned_identities"] = [{"resource_id": each} for each in ids]
    return given or None


app.command()(validate_verb("amlcompute", "computeinstance", "virtualmachine", "kubernetes", "synapsespark"))
