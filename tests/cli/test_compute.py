"""`aml compute` as people and scripts use it."""

from __future__ import annotations

import json
import re

import pytest

from cli.terminal import Terminal, aml

CLUSTER = ("--type", "amlcompute", "--size", "Standard_DS3_v2", "--min-instances", "0", "--max-instances", "2")


def show(name: str) -> dict:
    return json.loads(aml("compute", "show", "-n", name, check=True).stdout)


def test_a_cluster_is_made_by_the_flags_that_scripts_give():
    made = json.loads(aml("compute", "create", "--name", "cpu-cluster", *CLUSTER, check=True).stdout)
    assert made == show("cpu-cluster")
    told = {key: made[key] for key in ("name", "type", "size", "min_instances", "max_instances", "tier")}
    assert told == {
        "name": "cpu-cluster",
        "type": "amlcompute",
        "size": "Standard_DS3_v2",
        "min_instances": 0,
        "max_instances": 2,
        "tier": "dedicated",
    }
    assert made["idle_time_before_scale_down"] == 120
    assert made["provisioning_state"] == "Succeeded"


def test_a_file_and_flags_make_one_together(tmp_path):
    (tmp_path / "cluster.yml").write_text("name: cpu\ntype: amlcompute\nmax_instances: 3\n")
    arguments = ("--tier", "LowPriority", "-d", "60", "--set", "tags.team=vision")
    aml("compute", "create", "-f", "cluster.yml", *arguments, cwd=tmp_path, check=True)
    made = show("cpu")
    assert made["max_instances"] == 3
    assert made["tier"] == "low_priority"
    assert made["idle_time_before_scale_down"] == 60
    assert made["tags"] == {"team": "vision"}


def test_update_changes_what_is_given_and_checks_the_rest():
    aml("compute", "create", "-n", "cpu", *CLUSTER, check=True)
    aml("compute", "update", "-n", "cpu", "--max-instances", "5", check=True)
    assert (show("cpu")["max_instances"], show("cpu")["size"]) == (5, "Standard_DS3_v2")
    done = aml("compute", "update", "-n", "cpu", "--min-instances", "6")
    assert done.returncode == 1
    assert "`min_instances` is 6, more than `max_instances`, which is 5" in done.stderr


def test_an_instance_is_stopped_and_started():
    aml("compute", "create", "-n", "mine", "-t", "computeinstance", check=True)
    for verb, state in (("stop", "Stopped"), ("start", "Running"), ("restart", "Running")):
        assert json.loads(aml("compute", verb, "-n", "mine", "--no-wait", check=True).stdout)["state"] == state


def test_delete_asks_people_and_wants_yes_of_scripts():
    aml("compute", "create", "-n", "cpu", *CLUSTER, check=True)
    done = aml("compute", "delete", "-n", "cpu")
    assert done.returncode == 1
    assert "Say so with --yes." in done.stderr
    terminal = Terminal.run("compute", "delete", "-n", "cpu")
    terminal.read_until("Delete the compute cpu?")
    terminal.interrupt()
    assert terminal.wait() == 130
    aml("compute", "delete", "--yes", "--name", "cpu", check=True)
    assert aml("compute", "show", "-n", "cpu").returncode == 3


def test_lists_are_tables_and_documents():
    aml("compute", "create", "-n", "cpu", *CLUSTER, check=True)
    assert aml("compute", "list", "--query", "[].name", "-o", "tsv").stdout.split() == ["local", "cpu"]
    assert aml("compute", "list", "--type", "AmlCompute", "--query", "[].name", "-o", "tsv").stdout == "cpu\n"
    query = "[?name=='Standard_NC6s_v3'].[v_cp_us, gpus]"
    assert aml("compute", "list-sizes", "--query", query, "-o", "tsv").stdout == "6\t1\n"
    assert json.loads(aml("compute", "list-nodes", "-n", "cpu").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "-n", "k8s", "-t", "kubernetes"), 1, "a compute of the type kubernetes can't be used here"),
        (("create", "-n", "a b", *CLUSTER), 1, "is not a compute name"),
        (("create", "-n", "cpu"), 1, "needs the key `type`"),
        (("create", "-n", "local", *CLUSTER), 1, "local is always there"),
        (("update", "-n", "local", "--max-instances", "2"), 1, "can't be changed"),
        (("show", "-n", "nobody"), 3, "there is no compute named nobody"),
    ],
)
def test_mistakes_have_azs_exit_codes(arguments, code, said):
    done = aml("compute", *arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_a_size_that_is_not_known_is_taken_and_said():
    done = aml("compute", "create", "-n", "cpu", "-t", "amlcompute", "--size", "Standard_X1", check=True)
    assert "the size Standard_X1 is not one of `aml compute list-sizes`" in done.stderr


def test_a_job_on_an_unknown_compute_is_not_found(tmp_path):
    (tmp_path / "job.yml").write_text("command: ls\nenvironment: azureml:local@latest\ncompute: azureml:gpu\n")
    done = aml("job", "create", "-f", "job.yml", cwd=tmp_path)
    assert done.returncode == 3
    assert "there is no compute named gpu" in done.stderr
    assert "aml compute create -n gpu" in done.stderr


TOO_MUCH = {
    "nodes": (
        "resources:\n  instance_count: 3\n",
        r"job\.yml:5:\d+: `resources\.instance_count` is 3, but the compute cpu",
    ),
    "processes": (
        "distribution:\n  type: pytorch\n  process_count_per_instance: 5\n",
        r"job\.yml:6:\d+: The distribution starts 5 processes on a node, but Standard_DS3_v2.*has 4 vCPUs and no GPU",
    ),
    "an unknown distribution": (
        "distribution:\n  type: ray\n",
        r"job\.yml:5:\d+: A distribution of the type ray can't",
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_job_that_asks_for_too_much_is_refused_at_its_line(what, tmp_path):
    text, said = TOO_MUCH[what]
    aml("compute", "create", "-n", "cpu", *CLUSTER, check=True)
    (tmp_path / "job.yml").write_text(f"command: ls\nenvironment: azureml:local@latest\ncompute: azureml:cpu\n{text}")
    done = aml("job", "create", "-f", "job.yml", cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(said, done.stderr), done.stderr
    assert json.loads(aml("job", "list").stdout) == []
