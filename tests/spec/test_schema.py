"""The schemas as JSON Schema, and our reading of them against the reference implementation."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from aml import bundle
from aml.spec.document import Document
from aml.spec.kinds import V1, kind_of
from aml.spec.load import load, loads
from aml.spec.parse import problems
from aml.spec.schema.check import check
from aml.spec.schema.files import KEYWORDS, schema_of

SPECS = Path(__file__).parents[1] / "specs"
CASES = (
    *("enum-case.yml", "sweep-enum-case.yml", "automl-images.yml", "pipeline-control-flow.yml"),
    *("model-of-a-job.yml", "environment.yml"),
)
NAMES = sorted(path.name for path in bundle.schemas().glob("*.json"))
KINDS = [name.removesuffix(".schema.json") for name in NAMES if name != "common.schema.json"]


def contents(name: str) -> Any:
    return json.loads((bundle.schemas() / name).read_text("utf-8"))


REGISTRY: Registry[Any] = Registry().with_resources((name, Resource.from_contents(contents(name))) for name in NAMES)
REFERENCE = {kind: Draft7Validator(contents(f"{kind}.schema.json"), registry=REGISTRY) for kind in KINDS}


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and every schema below it."""
    yield schema
    for name in ("properties", "definitions"):
        for below in schema.get(name, {}).values():
            yield from schemas_in(below)
    for below in schema.get("anyOf", ()):
        yield from schemas_in(below)
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(name), dict):
            yield from schemas_in(schema[name])


def document_of(data: Any) -> Document:
    return loads(json.dumps(data), "job.json", SPECS / "valid")


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_draft_7_and_uses_only_what_is_read(name: str) -> None:
    Draft7Validator.check_schema(contents(name))
    for schema in schemas_in(contents(name)):
        assert set(schema) <= KEYWORDS


@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_a_title_and_a_description(name: str) -> None:
    for schema in schemas_in(contents(name)):
        for key, about in schema.get("properties", {}).items():
            assert about.get("title"), key
            assert about.get("description", "").endswith("."), key


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_with_known_keys_has_no_others(name: str) -> None:
    for schema in schemas_in(contents(name)):
        if "properties" in schema:
            assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_says_in_words_what_it_wants(name: str) -> None:
    for schema in schemas_in(contents(name)):
        if "pattern" in schema:
            assert schema["patternErrorMessage"].startswith("is ")


AZURE_ML = json.loads((Path(__file__).parent / "azure_ml_keys.json").read_text("utf-8"))
"""Kind -> the keys that azure-ai-ml 1.35.2 reads, and those that it only writes."""


@pytest.mark.parametrize("kind", AZURE_ML)
def test_every_key_of_azure_ml_is_known(kind: str) -> None:
    known = schema_of(kind)["properties"]
    read_only = {key for key, about in known.items() if about.get("readOnly")}
    assert set(AZURE_ML[kind]["keys"].split()) <= known.keys() - read_only
    assert set(AZURE_ML[kind]["read_only"].split()) <= read_only


@pytest.mark.parametrize("path", sorted((SPECS / "valid").glob("*.yml")), ids=lambda path: path.name)
def test_valid_files_are_valid_to_the_reference_implementation(path: Path) -> None:
    if path.name in CASES:
        pytest.skip("JSON Schema has no enum that ignores case")
    document = load(path)
    if kind_of(document) in V1:
        pytest.skip("files of Azure ML v1 have no schema")
    assert list(REFERENCE[kind_of(document)].iter_errors(document.data)) == []


EVERY_KEY = load(SPECS / "valid" / "every-key.yml").data
NAMED = {"command": "every-key", "environment": "environment-of-a-build"}
EXAMPLES = {kind: load(SPECS / "valid" / f"{NAMED.get(kind, kind)}.yml").data for kind in KINDS}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.just(1.5),
    st.sampled_from(["", "x", "2", "my job", "azureml:a:1", "uri_file", "pytorch", "ray", "ssh", "managed", "low"]),
    st.sampled_from(
        [[], ["x"], [1], {}, {"type": "mpi"}, {"type": "ssh"}, {"value": 1}, {"path": "x"}, {"image": "x"}]
    ),
)


def holders(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from holders(item)


def changed_spec(data: st.DataObject, kind: str) -> Any:
    """A valid spec with some values replaced, added or taken away."""
    changed = copy.deepcopy(EXAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        holder = data.draw(st.sampled_from(list(holders(changed))))
        keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(
            st.sampled_from([*keys, "type", "value", "unknown"] if isinstance(holder, dict) else [*keys, -1])
        )
        value = copy.deepcopy(data.draw(VALUES))
        if isinstance(holder, list):
            holder[key:] = [value]
        elif key in holder and data.draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = value
    return changed


@given(st.data(), st.sampled_from(KINDS))
def test_any_change_of_a_spec_is_judged_as_by_the_reference_implementation(data: st.DataObject, kind: str) -> None:
    changed = changed_spec(data, kind)
    assert (check(document_of(changed), kind) == []) == REFERENCE[kind].is_valid(changed)


@given(st.data(), st.sampled_from(KINDS))
def test_rules_look_only_at_parts_of_the_right_shape(data: st.DataObject, kind: str) -> None:
    found = problems(document_of(changed_spec(data, kind)), kind)
    assert all(problem.line >= 1 and problem.message.endswith(".") for problem in found)
