from pathlib import Path

import pytest
import yaml

from aml.errors import AmlError, SpecError
from aml.spec.compose import MAX_DEPTH, MAX_NODES, MAX_TEXT
from aml.spec.document import Document, Place
from aml.spec.load import MAX_BYTES, load, loads
from aml.spec.parse import problems

HERE = Path.cwd()


def document(text: str) -> Document:
    return loads(text, "job.yml", HERE)


def refusal(text: str) -> tuple[str, int, int]:
    with pytest.raises(SpecError) as caught:
        document(text)
    problem = caught.value.problems[0]
    return problem.code, problem.line, problem.column


def test_values_are_those_of_pyyaml() -> None:
    text = "a: 1\nb: 1e-3\nc: yes\nd: 0.10\ne: ~\nf: 2026-01-31\ng: [1, {h: x}]\ni: 'yes'\nj: |\n  two\nk: 1_000\n"
    assert document(text).data == yaml.safe_load(text)


def test_json_is_read_as_it_is() -> None:
    assert document('{"a": [1, 2.5, null, true], "b": "\\u00e9"}').data == {"a": [1, 2.5, None, True], "b": "é"}


def test_every_node_has_the_place_of_its_key_and_of_its_value() -> None:
    it = document("a:\n  b: x\n  c:\n    - y\n    - {d: z}\n")
    assert it.key_place(("a", "b")) == Place(2, 3)
    assert it.place(("a", "b")) == Place(2, 6)
    assert it.place(("a", "c")) == Place(3, 3)  # what starts on a later line is found at its key
    assert it.place(("a", "c", 1, "d")) == Place(5, 11)
    assert it.place(("a", "missing")) == Place(1, 1)  # the key that should hold it


def test_a_text_in_a_folded_block_is_found_on_its_own_line() -> None:
    it = document("command: >-\n  one ${{inputs.x}}\n  two ${{inputs.x}} ${{inputs.x}}\n")
    places = [it.place_within(("command",), "${{inputs.x}}", occurrence) for occurrence in range(4)]
    assert places == [Place(2, 7), Place(3, 7), Place(3, 21), Place(1, 10)]


def test_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    it = document("\ufeffa: 1\r\nb:\r\n  c: 2\r\n")
    assert it.data == {"a": 1, "b": {"c": 2}}
    assert it.place(("b", "c")) == Place(3, 6)


def test_merge_keys_bring_in_what_is_not_there() -> None:
    it = document("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 0\n")
    assert it.data["z"] == {"a": 0, "b": 2, "c": 4}
    assert it.findings == ()


def test_a_duplicate_key_is_found_at_the_second() -> None:
    it = document("a: 1\nb:\n  c: 1\n  c: 2\n")
    (problem,) = it.findings
    assert (problem.code, problem.pointer, problem.line) == ("duplicate-key", ("b", "c"), 4)


def test_all_duplicates_and_faults_are_told_at_once() -> None:
    codes = [problem.code for problem in problems(document("command: a\ncommand: b\nenvironmnt: azureml:x:1\n"))]
    assert codes == ["duplicate-key", "unknown-key"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("", "empty-file", 1, 1),
        ("a: 1\n---\nb: 2\n", "several-documents", 2, 1),
        ("a: !!python/object/apply:os.system [x]\n", "tag-not-allowed", 1, 4),
        ("a: !!binary aGVsbG8=\n", "tag-not-allowed", 1, 4),
        ("a: &x [*x]\n", "recursive-alias", 1, 8),
        ("a: *x\n", "yaml-syntax", 1, 4),
        ("a:\n\tb: 1\n", "tab-indent", 2, 1),
        ("a: b: c\n", "yaml-syntax", 1, 5),
        ("? [a]\n: b\n", "yaml-syntax", 1, 3),
        ("a: 2026-99-99\n", "bad-value", 1, 4),
        ("a: 0x_\n", "bad-value", 1, 4),
        ("a: \x07\n", "control-character", 1, 4),
        ("a: 1\nb: x\x00y\n", "control-character", 2, 5),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    assert refusal(text) == (code, line, column)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: " + "x" * MAX_BYTES, "too-large"),
        ("[" * 10_000, "too-deep"),
        ("{a: " * 10_000, "too-deep"),
        ("- " * 10_000, "too-deep"),
        ("\n".join(f"k{i}: 1" for i in range(MAX_NODES)), "too-many-values"),
        ("a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [{f'*a{i},' * 9}]\n" for i in range(9)), "too-many-values"),
        ("a: " + "9" * 100_000, "bad-value"),
        ("a: " + "1:" * 50_000 + "1", "bad-value"),
        ("a: " + "x" * (MAX_TEXT + 1), "too-long"),
    ],
    ids=["scalar", "lists", "mappings", "blocks", "keys", "aliases", "digits", "base-60", "text"],
)
def test_hostile_files_are_refused_by_a_named_limit(text: str, code: str) -> None:
    assert refusal(text)[0] == code


def test_the_deepest_allowed_file_is_read() -> None:
    assert document("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).data


def test_an_alias_bomb_is_told_at_the_key_that_holds_it() -> None:
    bomb = "".join(f"  - &{name} [{','.join(['*' + chr(ord(name) - 1)] * 9)}]\n" for name in "bcdefgh")
    with pytest.raises(SpecError) as caught:
        document("command: x\ntags:\n  - &a [1,1,1,1,1,1,1,1,1]\n" + bomb)
    assert (caught.value.problems[0].pointer, caught.value.problems[0].line) == (("tags",), 2)


def test_bytes_that_are_not_utf8_are_found_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    path.write_bytes("a: 1\nb: {c: é}\n".encode("latin-1"))
    with pytest.raises(SpecError) as caught:
        load(path)
    problem = caught.value.problems[0]
    assert (problem.code, problem.pointer, problem.line, problem.column) == ("not-utf8", ("b", "c"), 2, 8)


def test_utf16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    path.write_bytes("a: 1\n".encode("utf-16"))
    with pytest.raises(SpecError, match="UTF-16"):
        load(path)


def test_a_missing_file_is_told_with_the_names_that_are_close(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("a: 1")
    with pytest.raises(AmlError, match="there is no such file") as caught:
        load(tmp_path / "jbo.yml")
    assert caught.value.hint == f"Did you mean {tmp_path / 'job.yml'}?"
    assert caught.value.exit_code == 1


def test_a_missing_file_in_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(AmlError) as caught:
        load(tmp_path / "no" / "job.yml")
    assert caught.value.hint == f"There is no folder {tmp_path / 'no'} either."


def test_a_folder_is_told_with_the_specs_in_it(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("a: 1")
    with pytest.raises(AmlError, match="is a folder") as caught:
        load(tmp_path)
    assert caught.value.hint == f"Spec files in it: {tmp_path / 'job.yml'}."


def test_an_endless_device_is_refused() -> None:
    with pytest.raises(SpecError, match="larger than"):
        load(Path("/dev/zero"))


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "job.yml").write_text("a: 1")
    monkeypatch.chdir(tmp_path)
    it = load(Path("specs/job.yml"))
    assert (it.file, it.folder) == ("specs/job.yml", tmp_path / "specs")


def test_pure_python_yaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert document("a: &x {b: [1, yes]}\nc: *x\n").data == {"a": {"b": [1, True]}, "c": {"b": [1, True]}}
    assert refusal("a: [1\nb: 2\n")[0] == "yaml-syntax"
    assert refusal("a:\n\tb: 1\n")[0] == "tab-indent"
