"""`--set`, `--add` and `--remove` on what a workspace holds."""

from __future__ import annotations

import pytest

from aml.errors import AmlError, UsageError
from aml.spec.updates import Update, updated

JOB = {
    "tags": {"a": "1"},
    "properties": {},
    "display_name": "old",
    "experiment_name": "trials",
    "description": None,
}


def test_values_stay_as_they_were_typed():
    new = updated(JOB, Update(sets=["tags.version=1.10", "tags.flag=true", "tags.none=null", "display_name=a=b"]))
    assert new["tags"] == {"a": "1", "version": "1.10", "flag": "true", "none": None}
    assert new["display_name"] == "a=b"


def test_a_mapping_is_json_and_replaces_the_whole():
    assert updated(JOB, Update(sets=['tags={"b": "2", "n": 3}']))["tags"] == {"b": "2", "n": "3"}


def test_force_string_keeps_json_as_a_text():
    text = '{"b": 2}'
    assert updated(JOB, Update(sets=[f"tags.config={text}"], force_string=True))["tags"]["config"] == text


def test_a_dot_in_a_key_is_escaped():
    assert updated(JOB, Update(sets=[r"properties.a\.b=1"]))["properties"] == {"a.b": "1"}


def test_keys_are_added_and_removed():
    new = updated(JOB, Update(adds=["tags", "b=2", "c=3", "properties", "p=x"], removes=["tags.a"]))
    assert new["tags"] == {"b": "2", "c": "3"}
    assert new["properties"] == {"p": "x"}


def test_the_document_that_is_updated_stays_as_it_was():
    updated(JOB, Update(sets=["tags.b=2"], removes=["tags.a"]))
    assert JOB["tags"] == {"a": "1"}


@pytest.mark.parametrize(
    ("update", "error", "said"),
    [
        (Update(sets=["compute=cpu"]), AmlError, "--set compute: compute can't be changed"),
        (Update(sets=["inputs.lr=1"]), AmlError, "inputs can't be changed"),
        (Update(adds=["command", "a=b"]), AmlError, "command can't be changed"),
        (Update(removes=["code"]), AmlError, "code can't be changed"),
        (Update(removes=["tags.nope"]), AmlError, "there is no nope in tags"),
        (Update(removes=["experiment_name"]), AmlError, "belongs to an experiment"),
        (Update(sets=["tags=x"]), UsageError, "tags is a mapping"),
        (Update(sets=["tags.a.b=1"]), UsageError, "tags.a is a text"),
        (Update(sets=["tags.a=[1]"]), UsageError, "a text belongs here"),
        (Update(sets=["display_name="]), UsageError, "can't be empty"),
        (Update(sets=["tags"]), UsageError, "no key=value"),
        (Update(adds=["a=b"]), UsageError, "does not say to what"),
        (Update(adds=["tags"]), UsageError, "no key=value after it"),
        (Update(adds=["display_name", "a=b"]), UsageError, "display_name is a text"),
    ],
)
def test_what_can_not_be_is_refused_by_name(update, error, said):
    with pytest.raises(error) as caught:
        updated(JOB, update)
    assert said in caught.value.message


ASSET = {"description": None, "tags": {"a": "1", "b.c": "2"}}


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (Update(sets=["description=1.10"]), ASSET | {"description": "1.10"}),
        (Update(adds=["tags.x=y=z"]), ASSET | {"tags": {"a": "1", "b.c": "2", "x": "y=z"}}),
        (Update(removes=["tags.b.c"]), ASSET | {"tags": {"a": "1"}}),
        (Update(removes=["tags"]), ASSET | {"tags": {}}),
    ],
)
def test_what_may_change_is_what_the_document_holds(update, expected):
    assert updated(ASSET, update) == expected


def test_what_the_document_does_not_hold_can_not_change():
    with pytest.raises(AmlError, match=r"version can't be changed") as caught:
        updated(ASSET, Update(sets=["version=2"]))
    assert caught.value.hint == "What can: description, tags."
