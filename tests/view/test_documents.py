"""The formats of `-o` and `--query`, against knack, the library that prints az's output."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import jmespath
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from knack.cli import CLI  # type: ignore[import-untyped]
from knack.commands import CLICommand, CLICommandsLoader  # type: ignore[import-untyped]
from knack.output import OutputProducer  # type: ignore[import-untyped]
from knack.util import CommandResultItem, todict  # type: ignore[import-untyped]

from aml.errors import UsageError
from aml.view import documents, table
from aml.view.documents import Format

FORMATS: tuple[Format, ...] = get_args(Format)
UNCOLORED: tuple[Format, ...] = ("json", "yaml", "table", "tsv", "none")

JOBS: list[dict[str, Any]] = [
    {
        "name": "gray_pig_1",
        "id": "/jobs/1",
        "type": "command",
        "status": "Completed",
        "tags": {},
        "inputs": {"lr": 0.1},
        "exit_code": 0,
        "archived": False,
        "parent": None,
        "created_at": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    },
    {
        "name": "blå_räv",
        "status": "Failed",
        "tags": {"a": "1"},
        "services": [1, 2, 3],
        "Zeta": "x",
        "note": "two\nlines",
    },
]

DOCUMENTS: list[Any] = [
    {},
    [],
    [{}],
    [{}, {"a": 1}],
    [[]],
    "text",
    "",
    True,
    False,
    0,
    1.5,
    float("nan"),
    [True, False, None, "a", 1, 1e-7, [1, 2], {"k": 1}],
    [[True, None, [1, 2], {"k": 1}], ["a", "b"]],
    {"flag": True, "none": None, "list": [1, {"a": 2}], "nested": {"b": [], "a": {}}, "empty": ""},
    {"name": "x", "id": "1", "type": "t", "etag": "e"},
    {"id": "1", "type": "t"},
    {"name": "  padded  ", "multi": "one\ntwo\r\nthree", "tab": "a\tb"},
    [{"b": 1, "a": 2}, {"c": 3, "a": None}, {"b": "longer than its header"}],
    [{"status": None}, {"status": None}],
    ["none", None, "null", "yes", "1", "~"],
    {"a": [1, 2], "B": "upper", "b": "lower"},
    [{"note": " \n "}, {"note": ""}],
    {"unicode": "日本語 é 🐔", "quote": "a \"b\" 'c' \\ : # -", "long": "word " * 60},
    JOBS,
    JOBS[0],
]

QUERIES = [
    "@",
    "name",
    "missing",
    "[].name",
    "[0]",
    "[].{Name:name, Status:status, At:created_at}",
    "[].{z:name, a:status, id:id, type:type}",
    "[].[name, tags, services, archived]",
    "[?status=='Completed'].name | [0]",
    "[?contains(name, 'pig')]",
    "length(@)",
    "[].archived",
    "[0].{b:tags, a:archived, c:services}",
    "{first: [0], same: [0]}",
    "[[0], [0]]",
    "sort_by(@, &name)[].name",
]


def as_knack(document: Any, output: Format, query: str | None = None) -> str:
    """What an az command that returns this document would print."""
    result = todict(document)
    if query is not None:
        result = jmespath.search(query, result, jmespath.Options(dict_cls=OrderedDict))
    if result is None:
        return ""
    item = CommandResultItem(result, is_query_active=query is not None)
    return str(OutputProducer._FORMAT_DICT[output](item))


@pytest.mark.parametrize("output", UNCOLORED)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: ascii(document)[:40])
def test_a_document_is_printed_as_az_prints_it(document: Any, output: Format) -> None:
    assert documents.render(document, output=output) == as_knack(document, output)


@pytest.mark.parametrize("output", UNCOLORED)
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_on_a_list_is_printed_as_az_prints_it(query: str, output: Format) -> None:
    assert documents.render(JOBS, output=output, query=query) == as_knack(JOBS, output, query)


class JobLoader(CLICommandsLoader):  # type: ignore[misc]
    def load_command_table(self, args: Any) -> Any:
        self.command_table["show"] = CLICommand(self.cli_ctx, "show", lambda arguments: JOBS)
        return self.command_table


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("query", [None, *QUERIES])
def test_a_whole_command_of_knack_prints_the_same(query: str | None, output: Format, tmp_path: Path) -> None:
    printed = io.StringIO()
    cli = CLI(cli_name="oracle", config_dir=str(tmp_path), commands_loader_cls=JobLoader)
    arguments = ["show", "-o", output, *(["--query", query] if query else [])]
    assert cli.invoke(arguments, out_file=printed) == 0
    ours = io.StringIO()
    documents.write(JOBS, output=output, query=query, stream=ours)
    assert ours.getvalue() == printed.getvalue()


# Control characters other than line breaks have meanings of their own to terminals and to tabulate.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12) | st.text("ab \n\r\t-:#'\"", max_size=6)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
KEYS = st.text("abcXYZ_ é", max_size=5) | st.sampled_from(["id", "type", "etag", "name"])
VALUES = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS, children, max_size=4),
    max_leaves=12,
)
ROWS = st.lists(st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=2), max_size=4), max_size=4)


@given(VALUES | ROWS, st.sampled_from(UNCOLORED))
@example([{"a": "x\x85y\nz"}, {"a": ""}], "table")
@example([{"a\nb": "x"}, {"a\nb": "longer\r\nthan"}], "table")
def test_any_document_is_printed_as_az_prints_it(document: Any, output: Format) -> None:
    assert documents.render(document, output=output) == as_knack(document, output)


@given(
    ROWS, st.sampled_from(UNCOLORED), st.sampled_from(["[].{b:name, a:id}", "[].[id, name]", "[]", "[0]", "[-1].id"])
)
def test_any_query_result_is_printed_as_az_prints_it(rows: Any, output: Format, query: str) -> None:
    assert documents.render(rows, output=output, query=query) == as_knack(rows, output, query)


@given(VALUES)
def test_json_and_yaml_give_back_the_document(document: Any) -> None:
    if document is None:
        return
    expected = json.dumps(document, sort_keys=True)
    assert json.dumps(json.loads(documents.render(document)), sort_keys=True) == expected
    assert json.dumps(yaml.safe_load(documents.render(document, output="yaml")), sort_keys=True) == expected


def test_tsv_writes_null_lists_mappings_and_booleans_as_az_does() -> None:
    row = {"a": None, "b": True, "c": [1, 2, 3], "d": {"k": 1}, "e": "text"}
    assert documents.render([row, True, False], output="tsv") == "None\tTrue\t3\t\ttext\ntrue\nfalse\n"


def test_tsv_of_an_empty_list_is_nothing() -> None:
    assert documents.render([], output="tsv") == ""


def test_a_query_keeps_its_own_order_of_columns_in_tables_and_tsv() -> None:
    query = "[].{Status:status, Name:name}"
    assert documents.render(JOBS, output="tsv", query=query).splitlines()[0] == "Completed\tgray_pig_1"
    assert documents.render(JOBS, output="table", query=query).splitlines()[0] == "Status     Name"


def test_a_table_has_the_columns_that_its_command_chose_unless_there_is_a_query() -> None:
    columns = {"Name": "name", "State": "status", "Rate": "inputs.lr", "Of": "inputs.missing.deeper"}
    chosen = documents.render(JOBS[:1], output="table", columns=columns)
    assert chosen == (
        "Name        State      Rate    Of\n----------  ---------  ------  ----\ngray_pig_1  Completed  0.1\n"
    )
    assert documents.render(JOBS[:1], output="table", columns=columns, query="[].name").startswith("Result\n")


def test_times_enums_paths_and_tuples_become_plain_values() -> None:
    class Color(StrEnum):
        RED = "Red"

    document = {"at": datetime(2026, 1, 2, tzinfo=UTC), "color": Color.RED, "path": Path("a/b"), "pair": (1, 2)}
    expected = {"at": "2026-01-02T00:00:00+00:00", "color": "Red", "path": "a/b", "pair": [1, 2]}
    assert documents.plain(document) == expected
    assert type(documents.plain(document)["color"]) is str
    assert yaml.safe_load(documents.render(document, output="yaml")) == expected


@pytest.mark.parametrize(
    ("query", "what", "column"),
    [
        ("[?a=='b'", "it ends too early", 9),
        ("a.[", "it ends too early", 4),
        ("a b", "unexpected 'b'", 3),
        ("a[0..1]", "unexpected '.'", 4),
        ("name #", "Unknown token #", 6),
        ("'open", "Unclosed", 1),
    ],
)
def test_an_invalid_query_is_a_usage_error_that_names_the_column(query: str, what: str, column: int) -> None:
    with pytest.raises(UsageError) as caught:
        documents.render(JOBS, query=query)
    assert what in caught.value.message
    assert f"at column {column}." in caught.value.message
    assert caught.value.hint == f"{query}\n{' ' * (column - 1)}^"


@pytest.mark.parametrize("query", ["", "lenght(@)", "length(`1`)", "join(',')"])
def test_a_query_that_cannot_be_applied_is_a_usage_error(query: str) -> None:
    with pytest.raises(UsageError, match="--query"):
        documents.render(JOBS, query=query)


def test_keys_become_text() -> None:
    assert documents.render({1: "a", "b": 2}) == '{\n  "1": "a",\n  "b": 2\n}\n'


def test_a_table_pads_to_its_widest_cell_and_ends_lines_without_blanks() -> None:
    assert table.simple([{"A": "long cell", "B": None}, {"B": 1}]) == (
        "A          B\n---------  ---\nlong cell\n           1"
    )
    assert table.simple([]) == table.simple([{}]) == ""


@pytest.mark.parametrize(("colored", "uncolored"), [("jsonc", "json"), ("yamlc", "yaml")])
def test_colour_is_for_terminals_alone(colored: Format, uncolored: Format) -> None:
    stream = io.StringIO()
    documents.write(JOBS[0], output=colored, stream=stream)
    assert stream.getvalue() == documents.render(JOBS[0], output=uncolored)


@pytest.mark.parametrize("output", ["jsonc", "yamlc"])
def test_colour_on_a_terminal_changes_nothing_but_the_colour(output: str) -> None:
    document = {"name": "x", "long": "word " * 60, "n": 1, "on": True}
    script = f"from aml.view import documents; documents.write({document!r}, output={output!r})"
    shown = on_terminal([sys.executable, "-c", script])
    assert "\x1b[" in shown
    plain = on_terminal([sys.executable, "-c", script], NO_COLOR="1")
    assert "\x1b[" not in plain
    assert without_color(shown) == plain.replace("\r\n", "\n")


def test_nothing_is_printed_for_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    for output in FORMATS:
        documents.write(JOBS, output=output, query="missing")
    assert capsys.readouterr().out == ""


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = "from aml.view import documents; documents.write([{'n': i} for i in range(100_000)])"
    done = subprocess.run(
        f"{sys.executable} -c '{script.replace(chr(39), chr(34))}' | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_stdout_is_one_error() -> None:
    script = (
        "from aml.view import documents; from aml.errors import BackendError\n"
        "try: documents.write({'a': 1})\nexcept BackendError as error: raise SystemExit(error.message)"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "The output can't be written: No space left on device.\n")


def test_what_the_encoding_lacks_becomes_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    documents.write("blå \udc80", output="tsv", stream=stream)
    assert raw.getvalue() == b"bl? ?\n"


def test_importing_the_module_loads_no_library() -> None:
    script = "import sys, aml.view.documents; print(*sorted({'json', 'yaml', 'rich', 'jmespath'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def on_terminal(argv: list[str], **environment: str) -> str:
    """What a process prints whose stdout is a terminal."""
    controller, terminal = os.openpty()
    process = subprocess.Popen(argv, stdout=terminal, env={**os.environ, "TERM": "xterm", **environment})
    os.close(terminal)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    os.close(controller)
    assert process.wait() == 0
    return shown.decode()


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # Linux tells so that the last process has closed the terminal
        return b""


def without_color(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")
