"""What of a command line is rewritten, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml.commands._argv import Flag, Takes, expand
from aml.errors import UsageError

FLAGS = [
    Flag(("--file", "-f"), Takes.ONE),
    Flag(("--name", "-n"), Takes.ONE),
    Flag(("--experiment-name",), Takes.ONE),
    Flag(("--endpoint", "--endpoint-name", "-e"), Takes.ONE),
    Flag(("--output", "-o"), Takes.ONE),
    Flag(("--output-path",), Takes.ONE),
    Flag(("--stream", "-s"), Takes.NOTHING),
    Flag(("--web", "-w"), Takes.NOTHING),
    Flag(("--set",), Takes.SEVERAL),
    Flag(("--tags", "-t"), Takes.SEVERAL),
]


@pytest.mark.parametrize(
    ("line", "expanded"),
    [
        ("--exp e1", "--experiment-name e1"),
        ("--exp=e1", "--experiment-name e1"),
        ("--f job.yml", "--file job.yml"),
        ("--str", "--stream"),
        ("--output tsv", "--output tsv"),
        ("--output-p x", "--output-path x"),
        ("--end x", "--endpoint x"),
        ("--endpoint-n x", "--endpoint-name x"),
        ("--set a=1 b.c=2 --set d=3", "--set a=1 --set b.c=2 --set d=3"),
        ("--set a=-1 b= -s", "--set a=-1 --set b= -s"),
        ("--set=a=1 file", "--set a=1 file"),
        ("-t a=b c=d -n x", "-t a=b -t c=d -n x"),
        ("--set a=1 - -s", "--set a=1 --set - -s"),
        ("-o=tsv -n=x=y", "-o tsv -n x=y"),
        ("-otsv", "-o tsv"),
        ("-sw", "-s -w"),
        ("-swn x", "-s -w -n x"),
        ("-sf job.yml --web", "-s -f job.yml --web"),
    ],
)
def test_a_line_is_expanded(line: str, expanded: str) -> None:
    assert expand(line.split(), FLAGS) == expanded.split()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-",
        "a b c",
        "--name --exp-not-an-option",
        "--name -5",
        "-- --exp e1 --set a b -o=tsv",
        "--name x -- -sw",
        "--nope x --nope=y",
        "-x -sx",
        "--",
        "--=x",
        "--stream=yes",
        "-s- -s-x",
    ],
)
def test_a_line_is_left_alone(line: str) -> None:
    assert expand(line.split(), FLAGS) == line.split()


def test_values_that_look_like_abbreviations_are_values() -> None:
    assert expand(["--name", "--exp", "-n", "--str=x", "-f", ""], FLAGS) == [
        "--name",
        "--exp",
        "-n",
        "--str=x",
        "-f",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--out x", "--out is ambiguous: it could be --output, --output-path."),
        ("--e x", "--e is ambiguous: it could be --experiment-name, --endpoint, --endpoint-name."),
        ("--set", "--set needs at least one value."),
        ("--set -s", "--set needs at least one value."),
        ("--set a=1 --set", "--set needs at least one value."),
        ("--name", "--name needs a value."),
        ("--name -s", "--name needs a value."),
        ("--name --set a=1", "--name needs a value."),
        ("-n --file=x", "-n needs a value."),
        ("-n --", "-n needs a value."),
    ],
)
def test_a_line_that_cannot_be_meant_is_a_usage_error(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand(line.split(), FLAGS)
    assert caught.value.message == message


def test_before_a_subcommand_the_first_word_ends_the_work() -> None:
    line = ["--out", "--exp", "e1", "show", "--exp", "e2", "--set", "a", "b"]
    flags = [Flag(("--output",), Takes.NOTHING), Flag(("--experiment-name",), Takes.ONE)]
    assert expand(line, flags, interspersed=False) == ["--output", "--experiment-name", *line[2:]]


WORDS = st.sampled_from(
    ["--name", "-n", "x", "--set", "a=1", "b=2", "--str", "-s", "--", "-sw", "-", "", "--exp=1", "-o=tsv", "--nope"]
)


@given(st.lists(WORDS, max_size=8))
def test_expanding_twice_is_expanding_once(words: list[str]) -> None:
    try:
        once = expand(words, FLAGS)
    except UsageError:
        return
    assert expand(once, FLAGS) == once


@given(st.lists(WORDS, max_size=8))
def test_what_follows_two_dashes_is_never_touched(words: list[str]) -> None:
    assert expand(["x", "--", *words], FLAGS) == ["x", "--", *words]
