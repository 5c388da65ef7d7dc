"""What the workspace stores of a component: its document, and the code of it and of the components in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aml.errors import AmlError, NotFound
from aml.spec import reference
from aml.spec.stored.components import AnyComponent, component_document
from aml.workspace.embedded.catalog.assets import NewAsset
from aml.workspace.embedded.environments import conda_file
from aml.workspace.embedded.files import snapshot

Tree = dict[str, Path]

_ELSEWHERE = ("name", "version", "description", "tags", "properties")  # columns of every asset


def new_component(spec: AnyComponent, created_by: str) -> NewAsset:
    """Code is copied without what its ignore file names; that of a step is in a folder of the step's name."""
    tree: Tree = {}
    document = _kept(component_document(spec), "", tree)
    return NewAsset(
        kind="component",
        name=spec.name,
        document={key: value for key, value in document.items() if key not in _ELSEWHERE},
        created_by=created_by,
        version=spec.version,
        tree=tuple(tree.items()) if tree else None,
        description=spec.description,
        tags=spec.tags,
        properties=spec.properties,
        repeatable=True,
    )


def _kept(document: Mapping[str, Any], place: str, tree: Tree) -> dict[str, Any]:
    """A component's document, complete in itself; the code of what is at `place` goes to the tree."""
    kept = dict(document)
    includes = kept.pop("additional_includes", ())
    if _is_local(kept.get("code")) or includes:
        _add(_code(kept.pop("code", None), includes), place, tree)
        if place:
            kept["code"] = f"./{place}"
    if "environment" in kept:
        kept["environment"] = _environment(kept["environment"])
    if "task" in kept:
        kept["task"] = _task(kept["task"], place or "task", tree)
    if "jobs" in kept:
        kept["jobs"] = {name: _step(step, f"{place}/{name}".lstrip("/"), tree) for name, step in kept["jobs"].items()}
    return kept


def _step(step: Mapping[str, Any], place: str, tree: Tree) -> dict[str, Any]:
    inner = {key: step[key] for key in ("component", "trial") if isinstance(step.get(key), Mapping)}
    return {**step, **{key: _kept(component, place, tree) for key, component in inner.items()}}


def _task(task: Mapping[str, Any], place: str, tree: Tree) -> dict[str, Any]:
    kept = dict(task)
    if _is_local(task.get("code")):
        _add(_code(task["code"], ()), place, tree)
        kept["code"] = f"./{place}"
    if "environment" in task:
        kept["environment"] = _environment(task["environment"])
    return kept


def _environment(environment: Any) -> Any:
    """An inline one with what its conda file says."""
    if isinstance(environment, Mapping) and isinstance(environment.get("conda_file"), str):
        return {**environment, "conda_file": conda_file.content(environment["conda_file"])}
    return environment


def _add(files: Tree, place: str, tree: Tree) -> None:
    tree.update({f"{place}/{name}" if place else name: path for name, path in files.items()})


def _code(code: str | None, includes: Sequence[str]) -> Tree:
    """Path in the code -> file: those of the folder, and what is included, by its own name."""
    found = dict(_files(code)) if code is not None else {}
    for include in includes:
        prefix = "" if Path(include).is_file() else f"{Path(include).name}/"
        included = {f"{prefix}{name}": path for name, path in _files(include)}
        if both := found.keys() & included.keys():
            raise AmlError(f"{include} is included and has {min(both)}, which the code has too", "Rename one of them.")
        found |= included
    return found


def _files(place: str) -> Iterator[tuple[str, Path]]:
    if not Path(place).exists():
        raise NotFound(f"{place} does not exist", "Code is a folder or a file.")
    return snapshot.files(Path(place))


def _is_local(code: object) -> bool:
    return isinstance(code, str) and reference.is_local(code)
