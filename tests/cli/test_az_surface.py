"""Every verb and flag of `az ml` is taken, or refused with a reason.

`az_surface.json` is the help of `az ml` of August 2026 as noun -> verb -> flags, without those that every verb has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aml.commands import _app, _azure_only
from cli.terminal import aml

SURFACE: dict[str, dict[str, list[str]]] = json.loads((Path(__file__).parent / "az_surface.json").read_text())
VERBS = [(noun, verb) for noun, verbs in SURFACE.items() for verb in verbs if noun in _app.NOUNS]


@pytest.mark.parametrize(("noun", "verb"), VERBS, ids=" ".join)
def test_a_verb_and_its_flags_are_taken_or_refused_with_a_reason(noun, verb):
    root = _app._root()
    with root.make_context("aml", [noun], resilient_parsing=True) as context:
        group: Any = root.get_command(context, noun)
        command = group.get_command(context, verb)
        if command is None:
            assert _azure_only.refusal(noun, verb.partition(" ")[0]), f"aml {noun} {verb} is missing"
            return
        with command.make_context(verb, [], parent=context, resilient_parsing=True) as inner:
            taken = {name for param in command.get_params(inner) for name in (*param.opts, *param.secondary_opts)}
    missing = [flag for flag in SURFACE[noun][verb] if not set(flag.split()) <= taken]
    assert missing == []


def test_what_is_refused_or_without_effect_is_a_verb_of_az():
    for noun, verbs in _azure_only.REFUSED_VERBS.items():
        assert {verb.partition(" ")[0] for verb in SURFACE[noun]} >= set(verbs)
    for command, flags in _azure_only.WITHOUT_EFFECT.items():
        noun, verb = command.split()
        assert {flag.rstrip("?*") for flag in flags} <= set(SURFACE[noun][verb])


def test_a_verb_that_is_azures_says_why_it_can_not_be_done():
    done = aml("job", "connect-ssh", "-n", "j")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ERROR: 'aml job connect-ssh' can't be done here\n  A job's processes run on this machine" in done.stderr
    assert aml("workspace", "outbound-rule", "list").returncode == 1


def test_a_flag_without_effect_is_taken_and_told_unless_nobody_wants_to_hear_it():
    flags = ("-n", "w", "--location", "eastus", "--tags", "a=1", "b=2", "-e", "--acquire-policy-token")
    done = aml("workspace", "create", *flags, check=True)
    assert "--enable-data-isolation, --location, --tags: without effect" in done.stderr
    quiet = aml("workspace", "delete", "-n", "w", "--yes", "--all-resources", "--only-show-errors", check=True)
    assert quiet.stderr == ""


def test_a_workspace_is_made_from_azures_file(tmp_path):
    (tmp_path / "ws.yml").write_text(
        "$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json\n"
        "name: from-file\nlocation: eastus\ndisplay_name: x\n"
    )
    assert (
        json.loads(aml("workspace", "create", "-f", str(tmp_path / "ws.yml"), check=True).stdout)["name"] == "from-file"
    )
    assert aml("workspace", "create").returncode == 2


def test_a_submitted_job_is_saved_as_a_file_that_can_be_submitted(tmp_path):
    (tmp_path / "job.yml").write_text(
        "command: echo ${{inputs.a}}\nenvironment: azureml:local@latest\ninputs: {a: 1}\ntags: {b: c}\n"
    )
    saved = tmp_path / "saved.yml"
    aml("job", "create", "-f", str(tmp_path / "job.yml"), "-n", "j", "-a", str(saved), "--skip-validation", check=True)
    again = json.loads(aml("job", "create", "-f", str(saved), "-n", "k", check=True).stdout)
    assert (again["name"], again["inputs"], again["tags"], again["display_name"]) == ("k", {"a": 1}, {"b": "c"}, "j")


def test_a_compute_takes_the_flags_of_az_and_keeps_them():
    made = json.loads(
        aml(
            *("compute", "create", "-n", "c1", "--type", "amlcompute", "--vnet-name", "v", "--subnet", "s"),
            *("--admin-username", "u", "--admin-password", "secret", "--enable-node-public-ip", "false"),
            check=True,
        ).stdout
    )
    assert made["network_settings"] == {"vnet_name": "v", "subnet": "s"}
    assert made["ssh_settings"] == {"admin_username": "u"}
    assert made["enable_node_public_ip"] is False
    changed = json.loads(aml("compute", "update", "-n", "c1", "--add", "tags", "a=1", check=True).stdout)
    assert changed["tags"] == {"a": "1"}
