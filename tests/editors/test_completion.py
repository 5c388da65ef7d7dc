"""Editors complete and explain the keys of specs with the exported schemas and the settings that the README shows."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from aml.errors import Pointer
from aml.spec.kinds import V1, kind_of
from aml.spec.load import load, loads
from aml.spec.parse import problems
from cli.terminal import aml
from editors.language_server import SERVER, LanguageServer

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and SERVER.exists()), reason="make install-node brings the YAML language server"
)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
VALID = ROOT / "tests" / "specs" / "valid"
EXAMPLES = [path for path in sorted(VALID.glob("*.yml")) if kind_of(load(path)) not in V1]  # v1 has no schema here
POSITIONS = 70
_TOLERATED = re.compile("Unused anchor|Value is not accepted")  # JSON Schema has no enum that ignores case
_CURSOR = "the_cursor"


class Position(NamedTuple):
    file: Path
    pointer: Pointer  # of the mapping
    key: str  # that is taken out of it, and should be offered
    text: str  # without that key
    line: int
    character: int


def mappings(value: Any, at: Pointer = ()) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    if isinstance(value, dict):
        yield at, value
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from mappings(below, (*at, key))


def renamed(data: Any, at: Pointer, key: str, name: str) -> Any:
    """A copy in which a key has another name."""
    if at:
        first, *rest = at
        items = data.items() if isinstance(data, dict) else enumerate(data)
        copied = {k: renamed(v, tuple(rest), key, name) if k == first else v for k, v in items}
        return copied if isinstance(data, dict) else list(copied.values())
    return {name if k == key else k: v for k, v in data.items()}


def is_fixed(data: Any, at: Pointer, key: str) -> bool:
    """Whether the schema says which keys there are: another name would be an error, or a doubt."""
    return "unknown-key" in codes(renamed(data, at, key, "zzzzzz"), (*at, "zzzzzz"))


def codes(data: Any, at: Pointer) -> set[str]:
    found = problems(loads(yaml.safe_dump(data, sort_keys=False), "a.yml", VALID))
    return {problem.code for problem in found if problem.pointer == at}


@pytest.fixture(scope="module")
def asked() -> list[Position]:
    found: list[Position] = []
    for file in EXAMPLES:
        data = yaml.safe_load(file.read_text("utf-8"))
        for at, mapping in mappings(data):
            # Nobody puts a key before the others of a list item, and the server has no answer there.
            first = 1 if at and isinstance(at[-1], int) else 0
            keys = [key for key in list(mapping)[first:] if isinstance(key, str) and key != "$schema"][::3]
            found += [position(file, data, at, key) for key in keys if is_fixed(data, at, key)]
    return found[:: max(1, len(found) // POSITIONS)]


def position(file: Path, data: Any, at: Pointer, key: str) -> Position:
    text = offline(yaml.safe_dump(renamed(cleared(data, (*at, key)), at, key, _CURSOR), sort_keys=False, width=1000))
    lines = text.splitlines()
    line = next(number for number, each in enumerate(lines) if _CURSOR in each)
    before = lines[line].partition(_CURSOR)[0]
    lines[line] = before
    return Position(file, at, key, "\n".join(lines) + "\n", line, len(before))


def offline(text: str) -> str:
    """With the line of the README for a file whose `$schema` would make the editor ask the network."""
    (line,) = re.findall(r"^    (# yaml-language-server: .*)$", README, re.MULTILINE)
    return f"{line}\n{text}" if "$schema" in text else text


def cleared(data: Any, at: Pointer) -> Any:
    """A copy with nothing at a place."""
    if not at:
        return None
    items = data.items() if isinstance(data, dict) else enumerate(data)
    copied = {key: cleared(value, at[1:]) if key == at[0] else value for key, value in items}
    return copied if isinstance(data, dict) else list(copied.values())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the two lines of the README were followed."""
    folder = tmp_path_factory.mktemp("project")
    (command,) = re.findall(r"^    aml (schema export \S+)", README, re.MULTILINE)
    (setting,) = re.findall(r'^    ("yaml\.schemas": \{.*\})', README, re.MULTILINE)
    aml(*command.split(), cwd=folder, check=True)
    (folder / ".vscode").mkdir(exist_ok=True)
    (folder / ".vscode" / "settings.json").write_text(f"{{{setting}}}")
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[LanguageServer]:
    settings = json.loads((project / ".vscode" / "settings.json").read_text())
    schemas = {(project / name).as_uri(): globs for name, globs in settings["yaml.schemas"].items()}
    off = {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True}
    started = LanguageServer(project, {"yaml": {"schemas": schemas, **off}})
    yield started
    started.stop()


def test_the_right_keys_are_offered_and_explained_at_nearly_all_positions(
    server: LanguageServer, asked: list[Position]
) -> None:
    assert len(asked) >= 50
    wrong = []
    for each in asked:
        offered = server.labels(each.text, each.line, each.character)
        if not offered.get(each.key):
            wrong.append((each.file.name, each.pointer, each.key, sorted(offered)))
    assert len(wrong) <= 0.05 * len(asked), wrong


def test_no_offered_key_is_one_that_the_checks_refuse(server: LanguageServer, asked: list[Position]) -> None:
    wrong = []
    for each in asked[::2]:
        data = yaml.safe_load(each.file.read_text("utf-8"))
        for label in server.labels(each.text, each.line, each.character):
            refused = {"unknown-key", "read-only-key"} & codes(
                renamed(data, each.pointer, each.key, label), (*each.pointer, label)
            )
            if refused:
                wrong.append((each.file.name, each.pointer, label))
    assert len(wrong) <= 0.05 * len(asked[::2]), wrong


def test_valid_specs_are_not_underlined(server: LanguageServer) -> None:
    underlined = {}
    for file in EXAMPLES:
        told = server.problems(offline(file.read_text("utf-8")))
        underlined[file.name] = [each for each in told if not _TOLERATED.search(each)]
    assert {name: found for name, found in underlined.items() if found} == {}


def test_what_is_wrong_is_underlined(server: LanguageServer) -> None:
    assert server.problems("command: a\nenvironment: azureml:a:1\nfoo: 1\n") == ["3: Property foo is not allowed."]
    schema = "$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json\n"
    assert "5: Property foo is not allowed." in server.problems(offline(f"{schema}type: sweep\ntrial:\n  foo: 1\n"))
