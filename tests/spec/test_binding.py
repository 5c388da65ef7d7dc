import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml.spec.binding import OptionalPart, Quoted, Reference, bind, literal_text, references, suspects, tokens

MARKS = "${{inputs.a}} $<<inputs.b>> $[[ ]] ] $ $$ {{ }} << >> [[ { ' ${{' '}} x é inputs.a"
PIECES = st.sampled_from([*MARKS.split(), "${{ outputs.c }}", " ", "\n"])
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def written(token: object) -> str:
    return token if isinstance(token, str) else token.text  # type: ignore[attr-defined]


def test_both_notations_are_one() -> None:
    values = {"inputs.lr": "0.1"}
    assert bind("${{inputs.lr}} ${{ inputs.lr }} $<<inputs.lr>>", values) == "0.1 0.1 0.1"


def test_a_reference_has_a_namespace_a_name_and_a_span() -> None:
    text = "a ${{parent.jobs.train.outputs.model}} $<<name>> $[[--x ${{inputs.x}}]]"
    found = references(text)
    assert [(ref.namespace, ref.name, ref.optional) for ref in found] == [
        ("parent", "jobs.train.outputs.model", False),
        ("", "name", False),
        ("inputs", "x", True),
    ]
    assert [text[ref.start : ref.end] for ref in found] == [ref.text for ref in found]


def test_what_has_no_value_stays_for_a_later_stage() -> None:
    assert bind("${{inputs.lr}} ${{outputs.m}} ${{inputs.lr}}", {"inputs.lr": "1"}) == "1 ${{outputs.m}} 1"


def test_an_optional_part_goes_away_when_its_input_is_absent() -> None:
    assert bind("run $[[--lr ${{inputs.lr}}]] end", {}, {"inputs.lr"}) == "run  end"


def test_an_optional_part_loses_its_brackets_when_all_is_known() -> None:
    assert bind("$[[--a ${{inputs.a}} --b $<<inputs.b>>]]", {"inputs.a": "1", "inputs.b": "x]]y"}) == "--a 1 --b x]]y"


def test_an_optional_part_waits_for_what_is_not_known_yet() -> None:
    half = bind("$[[--a ${{inputs.a}} --m ${{outputs.m}}]]", {"inputs.a": "]]"})
    assert bind(half, {"outputs.m": "/m"}, final=True) == "--a ]] --m /m"
    assert bind(half, {}, {"outputs.m"}) == ""


def test_in_the_last_stage_an_optional_part_without_a_value_goes_away() -> None:
    assert bind("a $[[--x ${{inputs.undeclared}} ]]b ${{inputs.other}}", {}, final=True) == "a b ${{inputs.other}}"


@pytest.mark.parametrize(
    "text", ["$[[ -f x ]]", "$[[--a ${{inputs.a}}", "$HOME $$ ${x} $(y) $((1 << 2)) $<5 {inputs.x}", ""]
)
def test_what_is_the_shells_is_left_alone(text: str) -> None:
    assert bind(text, {"inputs.x": "1"}, {"inputs.y"}, final=True) == text


def test_dollars_before_a_reference_are_no_escape() -> None:
    assert bind("$${{inputs.name}}", {"inputs.name": "HOME"}, final=True) == "$HOME"


def test_a_quoted_text_stands_for_itself_and_escapes_a_binding() -> None:
    text = "${{'${{'}}inputs.x}} ${{ '$<<' }}a>>"
    assert bind(text, {"inputs.x": "1"}) == text
    assert bind(text, {"inputs.x": "1"}, final=True) == "${{inputs.x}} $<<a>>"


def test_a_value_is_never_read_as_a_binding_by_a_later_stage() -> None:
    once = bind("echo ${{inputs.note}}", {"inputs.note": "${{outputs.secret}} $<<outputs.secret>>"})
    assert bind(once, {"outputs.secret": "!"}, final=True) == "echo ${{outputs.secret}} $<<outputs.secret>>"


def test_substitution_is_textual_and_quotes_nothing() -> None:
    assert bind("echo ${{inputs.a}}", {"inputs.a": "$(date); 'x'"}, final=True) == "echo $(date); 'x'"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), ("", ""), (False, "False"), (True, "True"), (0.001, "0.001"), (1e-7, "1e-07"), (None, ""), ("é", "é")],
)
def test_literals_are_written_as_azure_ml_writes_them(value: object, text: str) -> None:
    assert literal_text(value) == text


@pytest.mark.parametrize(
    ("text", "suspect"),
    [
        ("{inputs.x}", "{inputs.x}"),
        ("${inputs.x}", "${inputs.x}"),
        ("{{inputs.x}}", "{{inputs.x}}"),
        ("${{inputs.x}", "${{inputs.x}"),
        ("${{ 1 + 2 }}", "${{ 1 + 2 }}"),
        ("${{inputs.}}", "${{inputs.}}"),
    ],
)
def test_what_only_looks_like_a_binding_is_found(text: str, suspect: str) -> None:
    assert suspects(f"a {text} b") == [(suspect, 2)]
    assert references(text) == []


def test_nothing_else_is_suspected() -> None:
    assert suspects("${{inputs.x}} ${x} {x} ${{'a'}} $[[--a ${{inputs.a}}]] {'inputs': 1}") == []


def test_tokens_say_what_each_piece_is() -> None:
    kinds = [type(token) for token in tokens("a ${{inputs.x}} ${{'q'}} $[[${{inputs.y}}]]")]
    assert kinds == [str, Reference, str, Quoted, str, OptionalPart]


@given(st.text())
def test_any_text_without_bindings_comes_back_byte_for_byte(text: str) -> None:
    bare = re.sub(r"\$(?=\{\{|<<|\[\[)", "", text)
    for final in (False, True):
        assert bind(bare, {"inputs.a": "1"}, {"inputs.b"}, final=final) == bare


@given(TEXTS)
def test_a_text_whose_bindings_have_no_value_comes_back_byte_for_byte(text: str) -> None:
    assert bind(text, {"inputs.unknown": "1"}) == text
    assert "".join(written(token) for token in tokens(text)) == text


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_binding_in_two_stages_is_binding_in_one(text: str, a: str, b: str, c: str) -> None:
    early, late = {"inputs.a": a, "inputs.b": b}, {"outputs.c": c}
    assert bind(bind(text, early), late, final=True) == bind(text, early | late, final=True)
