"""Every command explains itself, and every spec that ships is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aml.commands._app import COMMANDS, NOUNS
from cli.terminal import aml

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").rglob("*.yml"))


def verbs(noun: str) -> list[str]:
    from importlib import import_module

    app = import_module(f"aml.commands.{noun}").app
    return [info.name or info.callback.__name__.rstrip("_").replace("_", "-") for info in app.registered_commands]


@pytest.mark.parametrize("command", [(), *((noun,) for noun in (*NOUNS, *COMMANDS))])
def test_every_noun_has_help(command):
    done = aml(*command, "--help", check=True)
    assert done.stdout.startswith("Usage: aml")


@pytest.mark.parametrize(("noun", "verb"), [(noun, verb) for noun in NOUNS for verb in verbs(noun)])
def test_every_verb_says_what_it_does_and_what_each_option_is(noun, verb):
    text = aml(noun, verb, "--help", check=True).stdout
    about = text.split("\n\n")[1].strip()
    assert about.endswith("."), about
    assert not re.findall(
        r"^  -(?:\w, -)?-[\w-]+(?: [A-Z=]+)?(?:  \[required\])?\n(?!   )", text, flags=re.MULTILINE
    ), "no help"
    assert f"\n  {verb} " in aml(noun, "--help").stdout


@pytest.mark.parametrize("spec", [path for path in SPECS if "conda" not in path.name], ids=str)
def test_every_spec_that_ships_is_valid_without_a_warning(spec):
    assert aml("validate", str(spec)).stdout == f"{spec}: valid\n"
