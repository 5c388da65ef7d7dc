"""`aml schema` and `aml explain`."""

from __future__ import annotations

import json

from cli.terminal import Terminal, aml


def test_kinds_are_listed_and_shown():
    kinds = [each["kind"] for each in json.loads(aml("schema", "list", check=True).stdout)]
    assert {"command", "environment", "amlcompute"} <= set(kinds)
    shown = json.loads(aml("schema", "show", "command", check=True).stdout)
    assert "command" in shown["properties"]
    assert aml("schema", "show", "nosuch").returncode == 3


def test_schemas_are_exported_to_a_folder_that_is_made(tmp_path):
    written = json.loads(aml("schema", "export", "a/b", cwd=tmp_path, check=True).stdout)["written"]
    assert written == sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").touch()
    done = aml("schema", "export", "file/b", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "ERROR: file/b: the schemas can't be written: Not a directory.",
    )


def test_codes_are_listed_and_explained():
    codes = [each["code"] for each in json.loads(aml("explain", check=True).stdout)]
    assert {"unknown-key", "unknown-binding"} <= set(codes)
    assert json.loads(aml("explain", "[unknown-key]", check=True).stdout)["bad"].startswith("command:")
    assert aml("explain", "unknown").returncode == 3
    terminal = Terminal.run("explain", "unknown-key")
    assert terminal.wait() == 0
    assert "A key that a spec of this kind does not have." in terminal.text
