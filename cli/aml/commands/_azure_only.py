"""What `az ml` has and this machine has no use for: verbs that are refused with a reason, flags that are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter as Argument
from inspect import Signature
from typing import TYPE_CHECKING, Annotated

import typer

from aml.commands._globals import declared_options, note

if TYPE_CHECKING:
    from typer._click import Context, Parameter

_NO_MOUNT = "data is read and written by path here: `aml datastore show` tells the folder, jobs have mounted inputs"
_NO_LOGIN = "a job's processes run on this machine: look at them with its own tools"
_NO_NETWORK = "a workspace here is a folder, without a network of its own"

REFUSED_VERBS: Mapping[str, Mapping[str, str]] = {
    "job": {"connect-ssh": _NO_LOGIN},
    "compute": {
        "attach": "only this machine can run jobs; `aml compute create` makes a part of it",
        "connect-ssh": _NO_LOGIN,
        "detach": "only what is attached can be detached; `aml compute delete` deletes a compute",
        "enable-sso": "there is nothing to sign in to",
        "list-usage": "this machine has no quota; `aml compute list-nodes` tells what is in use",
    },
    "data": {
        "import": "it fetches from databases and from other clouds, with Azure's connections",
        "list-materialization-status": "it is about `data import`, which is Azure's",
        "mount": _NO_MOUNT,
    },
    "datastore": {"mount": _NO_MOUNT},
    "model": {"package": "it builds an image in Azure; `aml model download` fetches the files"},
    "component": {"prepare-for-sign": "components are not signed here"},
    "workspace": {
        "diagnose": f"{_NO_NETWORK}; `aml engine status` tells whether it works",
        "list-keys": "a workspace here has no keys to Azure's storage",
        "outbound-rule": _NO_NETWORK,
        "provision-network": _NO_NETWORK,
        "sync-keys": "a workspace here has no keys to Azure's storage",
    },
}
"""Noun -> verb of az's -> why it is refused."""

_OF_WORKSPACE = (
    *("--allow-roleassignment-on-rg -r", "--application-insights -a", "--container-registry -c", "--description"),
    *("--display-name", "--image-build-compute -i", "--managed-network -m", "--primary-user-assigned-identity -p"),
    *("--public-network-access", "--system-datastores-auth-mode -d", "--update-dependent-resources -u?"),
)
WITHOUT_EFFECT: Mapping[str, Sequence[str]] = {
    "workspace create": (
        *_OF_WORKSPACE,
        *("--default-resource-group", "--enable-data-isolation -e?", "--hub-id", "--key-vault -k", "--kind"),
        *("--location -l", "--provision-network-now?", "--storage-account -s", "--tags*"),
    ),
    "workspace delete": ("--all-resources?", "--permanently-delete -p?"),
    "workspace list": ("--filtered-kinds",),
    "workspace update": (*_OF_WORKSPACE, "--network-acls", "--force-string?", "--no-wait?"),
}
"""Noun and verb -> flags of az's that are taken and change nothing; `?` takes no value, `*` several."""

_PREFIX = "without_effect_"


def refusal(noun: str, verb: str) -> str | None:
    return REFUSED_VERBS.get(noun, {}).get(verb)


def options(command: str) -> list[Parameter]:
    """The options of a command that change nothing, hidden from its help."""
    flags = WITHOUT_EFFECT.get(command, ())
    arguments = [_argument(f"{_PREFIX}{number}", flag) for number, flag in enumerate(flags)]
    if not arguments:
        return []

    def declaration() -> None: ...

    declaration.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    declaration.__annotations__ = {argument.name: argument.annotation for argument in arguments}
    return declared_options(declaration)


def take(command: str, ctx: Context) -> None:
    """Drop what was given of these, and say so."""
    given = [
        flag.rstrip("?*").split()[0]
        for number, flag in enumerate(WITHOUT_EFFECT.get(command, ()))
        if ctx.params.pop(f"{_PREFIX}{number}", None)
    ]
    if given:
        note(f"{', '.join(given)}: without effect, there is nothing of the kind on this machine")


def _argument(name: str, flag: str) -> Argument:
    names = flag.rstrip("?*").split()
    type_ = bool | None if flag.endswith("?") else list[str] | None if flag.endswith("*") else str | None
    annotation = Annotated[type_, typer.Option(*names, hidden=True)]  # type: ignore[valid-type]
    return Argument(name, Argument.KEYWORD_ONLY, default=None, annotation=annotation)
