"""The schemas that leave the program judge as those inside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from aml.errors import NotFound, SpecError
from aml.spec.kinds import kind_of
from aml.spec.load import load
from aml.spec.schema.export import exported, listing, standalone

SPECS = Path(__file__).parents[1] / "specs"
KINDS = [each["kind"] for each in listing()]
FILES = {name: json.loads(text) for name, text in exported().items()}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, DRAFT7.create_resource(contents)) for name, contents in FILES.items()
)
ANY = Draft7Validator(FILES["azureml.schema.json"], registry=REGISTRY)
EXAMPLES = [path for folder in ("valid", "invalid") for path in sorted((SPECS / folder).glob("*.yml"))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_that_stands_alone_is_complete_and_says_the_same(kind: str) -> None:
    alone = standalone(kind)
    Draft7Validator.check_schema(alone)
    refs = {part.partition('"')[0] for part in json.dumps(alone).split('"$ref": "')[1:]}
    assert all(ref.startswith("#/definitions/") and ref.split("/")[2] in alone["definitions"] for ref in refs)


def test_exported_schemas_refer_to_each_other_alone() -> None:
    for name, contents in FILES.items():
        Draft7Validator.check_schema(contents)
        for part in json.dumps(contents).split('"$ref": "')[1:]:
            file = part.partition('"')[0].partition("#")[0]
            assert file in ("", *FILES), f"{name} refers to {file}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_one_schema_for_all_kinds_judges_a_file_as_that_of_its_kind(path: Path) -> None:
    try:
        document = load(path)
    except SpecError:
        pytest.skip("an editor can't read it either")
    kind = kind_of(document)
    if kind in KINDS:
        of_its_kind = Draft7Validator(FILES[f"{kind}.schema.json"], registry=REGISTRY)
        assert ANY.is_valid(document.data) == of_its_kind.is_valid(document.data)


def test_an_unknown_kind_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(NotFound) as caught:
        standalone("comand")
    assert caught.value.hint == "Did you mean command?"
