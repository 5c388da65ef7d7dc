"""The schemas as editors and other programs get them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aml import bundle
from aml.errors import NotFound
from aml.spec import kinds
from aml.spec.schema import files as schema_files
from aml.spec.wording import did_you_mean

SUFFIX = ".schema.json"
ANY = "azureml"
_COMMON = "common"
_DRAFT = "http://json-schema.org/draft-07/schema#"


def listing() -> list[dict[str, str]]:
    """Kind, title and description of every schema."""
    found = {kind: json.loads(_text(kind)) for kind in _kinds()}
    return [{"kind": kind, "title": it["title"], "description": it["description"]} for kind, it in found.items()]


def standalone(kind: str) -> dict[str, Any]:
    """The schema of a kind with all that it refers to below its own `definitions`. Raises `NotFound`."""
    if kind not in _kinds():
        meant = did_you_mean(kind, _kinds())
        hint = f"Did you mean {meant}?" if meant else f"There are: {', '.join(_kinds())}."
        raise NotFound(f"there is no schema of the kind {kind}", hint)
    definitions: dict[str, Any] = {}
    schema = _localized(schema_files.read(f"{kind}{SUFFIX}"), f"{kind}{SUFFIX}", definitions)
    return {**schema, "definitions": dict(sorted(definitions.items()))} if definitions else dict(schema)


def exported() -> Mapping[str, str]:
    """File name -> text: the schemas, which refer to each other by name, and one for a spec of any kind."""
    files = {f"{kind}{SUFFIX}": _text(kind) for kind in (*_kinds(), _COMMON)}
    return {**files, f"{ANY}{SUFFIX}": json.dumps(_any(), indent=2) + "\n"}


def _kinds() -> list[str]:
    names = sorted(path.name.removesuffix(SUFFIX) for path in bundle.schemas().glob(f"*{SUFFIX}"))
    return [name for name in names if name != _COMMON]


def _text(kind: str) -> str:
    return (bundle.schemas() / f"{kind}{SUFFIX}").read_text("utf-8")


def _any() -> dict[str, Any]:
    """`$schema`, `type` and the keys decide which schema a file is held against, as `kinds.kind_of` decides it."""
    schema = _job_or_component(kinds.DEFAULT)
    for condition, chosen in reversed([*_conditions()]):
        schema = {"if": condition, "then": chosen, "else": schema}
    about = {"title": "Azure ML spec", "description": "A YAML file of Azure ML, of any kind."}
    return {"$schema": _DRAFT, **about, "type": "object", **schema}


def _conditions() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for kind, names in _by_kind(kinds.SCHEMAS).items():
        yield _matching("$schema", rf"(^|[^A-Za-z0-9]){_one_of(names)}(\.schema)?\.json\s*$"), _ref(kind)
    deployment = {"required": [kinds.DEPLOYMENT_KEY]}
    batch: list[dict[str, Any]] = [{"required": [key]} for key in sorted(kinds.BATCH_KEYS)]
    batch.append(_matching("type", f"^{_one_of(kinds.BATCH_TYPES)}$"))
    yield {**deployment, "anyOf": batch}, _ref("batch-deployment")
    yield deployment, _ref("online-deployment")
    for kind, names in _by_kind(kinds.TYPES).items():
        yield _matching("type", f"^{_one_of(names)}$"), _job_or_component(kind)
    for keys, kind in kinds.KEYS:
        if schema_files.has(kind):
            yield {"required": sorted(keys)}, _job_or_component(kind)


def _job_or_component(kind: str) -> dict[str, Any]:
    """A component without `$schema` is told from a job by its keys, and by what it says of its inputs."""
    component = f"{kind}-component"
    if kind not in kinds.COMPONENTS or not schema_files.has(component):
        return _ref(kind)
    declared: list[dict[str, Any]] = [{"required": [key]} for key in ("optional", "default")]
    declared.append({"required": ["type"], "properties": {"type": {"enum": sorted(kinds.PARAMETERS)}}})
    no_component = {"not": {"type": "object", "anyOf": declared}}
    inputs = {"type": "object", "not": {"additionalProperties": no_component}}
    keys = [{"required": [key]} for key in sorted(kinds.COMPONENT_KEYS)]
    told = [*keys, {"required": ["inputs"], "properties": {"inputs": inputs}}]
    job = [{"required": [key]} for key in sorted(kinds.JOB_KEYS)]
    return {"if": {"anyOf": told, "not": {"anyOf": job}}, "then": _ref(component), "else": _ref(kind)}


def _ref(kind: str) -> dict[str, Any]:
    return {"$ref": f"{kind}{SUFFIX}"}


def _by_kind(kind_of: Mapping[str, str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, kind in kind_of.items():
        if schema_files.has(kind):
            names.setdefault(kind, []).append(name)
    return names


def _matching(key: str, pattern: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"type": "string", "pattern": pattern}}}


def _one_of(names: Iterable[str]) -> str:
    """A pattern for any of `names` in upper or lower case: JSON Schema has no flag for that."""
    either = "|".join("".join(f"[{c}{c.upper()}]" if c.islower() else c for c in name) for name in names)
    return f"({either})"


def _localized(value: Any, file: str, definitions: dict[str, Any]) -> Any:
    """`value` of a schema file with its references turned into `#/definitions/...`, and those added."""
    if isinstance(value, list):
        return [_localized(item, file, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if key not in ("$ref", "definitions")}
    localized = {key: _localized(item, file, definitions) for key, item in kept.items()}
    if "$ref" in value:
        localized["$ref"] = f"#/definitions/{_defined(value['$ref'], file, definitions)}"
    return localized


def _defined(ref: str, file: str, definitions: dict[str, Any]) -> str:
    target, _, fragment = ref.partition("#")
    target = target or file
    stem = target.removesuffix(SUFFIX)
    last = fragment.rpartition("/")[2]
    name = last if stem == _COMMON else f"{stem}.{last}" if last else stem
    if name not in definitions:
        definitions[name] = None  # a definition may refer to itself
        definitions[name] = _localized(schema_files.part(target, fragment), target, definitions)
    return name
