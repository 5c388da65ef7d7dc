from pathlib import Path

import pytest

from aml.errors import AmlError, UsageError
from aml.spec.document import Document
from aml.spec.load import loads
from aml.spec.model import CommandJob, LiteralInput
from aml.spec.overrides import apply, complete
from aml.spec.parse import parse, problems

TEXT = "command: echo ${{inputs.x}}\nenvironment: azureml:a:1\ninputs:\n  x: 1\nextra:\n  - 1\n  - {a: b}\nempty:\n"


def document(text: str = TEXT) -> Document:
    return loads(text, "job.yml", Path.cwd())


@pytest.mark.parametrize(
    ("sets", "pointer", "value"),
    [
        (["inputs.x=2"], ("inputs", "x"), 2),
        (["inputs.x=0.5", "inputs.x=1e-3"], ("inputs", "x"), "1e-3"),
        (["inputs.new.deep=[1, 2]"], ("inputs", "new", "deep"), [1, 2]),
        (["inputs.x={value: 3}"], ("inputs", "x"), {"value": 3}),
        (["inputs.x="], ("inputs", "x"), ""),
        (["inputs.x=null"], ("inputs", "x"), None),
        (["inputs.x='7'"], ("inputs", "x"), "7"),
        (["inputs.x=a=b"], ("inputs", "x"), "a=b"),
        (["command=echo a: b # c"], ("command",), "echo a: b # c"),
        (["command=*"], ("command",), "*"),
        (["command=- a"], ("command",), "- a"),
        (["extra[1].a=c"], ("extra", 1, "a"), "c"),
        (["extra.0=9"], ("extra", 0), 9),
        (["extra[3]=k"], ("extra",), [1, {"a": "b"}, None, "k"]),
        (["empty.a=1"], ("empty", "a"), 1),
        (["list[0].a=x"], ("list",), [{"a": "x"}]),
        ([r"properties.aml\.note=x"], ("properties", "aml.note"), "x"),
    ],
)
def test_set_puts_a_yaml_value_at_a_path(sets: list[str], pointer: tuple[str | int, ...], value: object) -> None:
    node = apply(document(), sets).node(pointer)
    assert node is not None
    assert node.data == value


def test_the_document_given_is_not_changed() -> None:
    before = document()
    apply(before, ["inputs.x=2", "extra[0]=5"])
    assert before.data == document().data


def test_set_below_a_reference_string_is_refused_in_azure_mls_words() -> None:
    message = "Cannot use '--set' on properties defined by reference strings: --set environment.image"
    with pytest.raises(AmlError, match=f"^{message}$"):
        apply(document("environment: azureml:a:1"), ["environment.image=x"])


@pytest.mark.parametrize(
    "assignment",
    ["inputs", "=3", "a..b=1", "a.=1", ".a=1", "a[x]=1", "a[99999999]=1", "extra.x=1", "inputs.x.y=2", "a=[1"],
)
def test_what_is_no_assignment_is_a_usage_error(assignment: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        apply(document(), [assignment])


def test_a_fault_of_a_flag_names_the_flag_and_points_at_the_file() -> None:
    it = apply(document(), ["resources.instance_count=many", "inputs.d={path: x, tpye: uri_file}"])
    found = {problem.path: problem for problem in problems(it) if problem.severity == "error"}
    assert "(from --set resources.instance_count)" in found["resources.instance_count"].message
    assert found["inputs.d.tpye"].line == 3  # `inputs`, the nearest parent in the file


def test_a_flag_completes_the_file_before_the_check() -> None:
    it = complete(document("command: ls"), environment="azureml:a:1", name="mine", display_name=None)
    spec = parse(it)
    assert isinstance(spec, CommandJob)
    assert (spec.name, spec.display_name, spec.environment) == ("mine", None, "azureml:a:1")


def test_a_fault_of_a_flag_is_named_after_the_flag() -> None:
    (problem,) = problems(complete(document("command: ls\nenvironment: azureml:a:1"), name="my job"))
    assert "(from --name)" in problem.message


def test_a_number_on_the_command_line_is_text_where_text_belongs() -> None:
    sets = ["experiment_name=1.10", "tags.version=1.10", "environment_variables.DEBUG=true", "inputs.x=0"]
    spec = parse(apply(document("command: ls\nenvironment: azureml:a:1"), sets))
    assert isinstance(spec, CommandJob)
    assert spec.experiment_name == "1.10"
    assert spec.tags == {"version": "1.10"}
    assert spec.environment_variables == {"DEBUG": "true"}
    assert spec.inputs == {"x": LiteralInput(0)}
