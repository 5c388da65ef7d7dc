from pathlib import Path

import pytest

from aml.spec.load import loads
from aml.spec.model import ComputeInstance
from aml.spec.parse import parse, problems

INSTANCE = "name: mine\ntype: computeinstance\n"


def told(text: str) -> list[str]:
    found = problems(loads(text, "c.yml", Path.cwd()))
    return [f"{problem.severity} {problem.code} {problem.path}" for problem in found]


@pytest.mark.parametrize("duration", ["PT15M", "PT2H", "P3D", "PT1H30M", "P1DT2H", "PT3600S"])
def test_an_instance_may_be_idle_from_15_minutes_to_3_days(duration: str) -> None:
    assert told(f"{INSTANCE}idle_time_before_shutdown: {duration}") == []


@pytest.mark.parametrize(
    ("duration", "code"),
    [
        *(("PT14M", "out-of-range"), ("P3DT1S", "out-of-range"), ("P1W", "out-of-range"), ("PT0S", "out-of-range")),
        *(("P", "bad-format"), ("PT", "bad-format"), ("30", "wrong-type"), ("30M", "bad-format")),
        *(("P1Y", "bad-format"), ("PT1.5H", "bad-format"), ("pt15m", "bad-format"), ("PT\u0661\u0665M", "bad-format")),
    ],
)
def test_another_idle_time_is_refused(duration: str, code: str) -> None:
    assert told(f"{INSTANCE}idle_time_before_shutdown: {duration}") == [f"error {code} idle_time_before_shutdown"]


@pytest.mark.parametrize(("minutes", "is_fine"), [("15", True), ("4320", True), ("14", False), ("4321", False)])
def test_idle_minutes_have_the_same_bounds(minutes: str, is_fine: bool) -> None:
    expected = [] if is_fine else ["error out-of-range idle_time_before_shutdown_minutes"]
    assert told(f"{INSTANCE}idle_time_before_shutdown_minutes: {minutes}") == expected


@pytest.mark.parametrize("name", ["ci", "x" * 25, "ci-123", "my_instance", "1ci"])
def test_the_name_of_an_instance_is_shorter_than_that_of_a_cluster(name: str) -> None:
    assert "error bad-name name" in told(f"name: {name}\ntype: computeinstance")


@pytest.mark.parametrize("kind", ["amlcompute", "computeinstance", "kubernetes", "synapsespark"])
def test_a_user_assigned_identity_is_named(kind: str) -> None:
    text = f"name: mine\ntype: {kind}\nidentity: {{type: UserAssigned}}\n"
    text += {
        "kubernetes": "namespace: x",
        "synapsespark": "resource_id: /subscriptions/s/resourceGroups/g/providers/p/t/n",
    }.get(kind, "")
    assert told(text) == ["error missing-key identity.user_assigned_identities"]


def test_no_message_shows_a_password() -> None:
    found = problems(loads(f"{INSTANCE}ssh_settings: {{admin_password: [hush]}}", "c.yml", Path.cwd()), "amlcompute")
    assert found
    assert not any("hush" in f"{problem.message}{problem.hint}" for problem in found)


@pytest.mark.parametrize(("text", "is_fine"), [("'true'", True), ("'False'", True), ("'yes'", False), ("1", False)])
def test_true_and_false_may_be_in_quotes(text: str, is_fine: bool) -> None:
    assert told(f"{INSTANCE}enable_sso: {text}") == ([] if is_fine else ["error wrong-type enable_sso"])
    if is_fine:
        spec = parse(loads(f"{INSTANCE}enable_sso: {text}", "c.yml", Path.cwd()))
        assert isinstance(spec, ComputeInstance)
        assert spec.enable_sso is (text == "'true'")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("identity: {}", "identity.type"),
        ("create_on_behalf_of: {user_tenant_id: t}", "create_on_behalf_of.user_object_id"),
        ("custom_applications: [{name: a, image: {reference: x}}]", "custom_applications.0.endpoints"),
        (
            "schedules: {compute_start_stop: [{action: stop, trigger: {type: recurrence, frequency: day}}]}",
            "schedules.compute_start_stop.0.trigger.interval",
        ),
    ],
)
def test_what_azure_mls_sdk_can_not_do_without_is_called_for(text: str, path: str) -> None:
    assert told(f"{INSTANCE}{text}") == [f"error missing-key {path}"]


def test_a_version_of_nothing_is_refused() -> None:
    found = problems(loads("path: https://example.com/x.csv\nversion: 1", "d.yml", Path.cwd()), "data")
    assert [problem.path for problem in found] == ["name"]


@pytest.mark.parametrize("digits", ["9" * 5000, "0" * 5000 + "7", "\u0667"])
@pytest.mark.parametrize(
    "text",
    [
        "name: cpu\ntype: amlcompute\nmin_instances: '{}'",
        "name: inst\ntype: computeinstance\nidle_time_before_shutdown_minutes: '{}'",
        "name: inst\ntype: computeinstance\nidle_time_before_shutdown: 'PT{}M'",
        "name: digits\nauth_mode: key\ntraffic: {{blue: '{}'}}",
        "name: blue\nendpoint_name: digits\ninstance_type: x\nrequest_settings: {{request_timeout_ms: '{}'}}",
        "name: blue\nendpoint_name: digits\ncompute: azureml:c\nmini_batch_size: '{}'",
        "name: s\ncreate_job: azureml:j\ntrigger: {{type: cron, expression: '*/{} * * * *'}}",
        "command: ls\nenvironment: azureml:a:1\nresources: {{instance_count: '{}'}}",
        "command: ls\nenvironment: azureml:a:1\nlimits: {{timeout: '{}'}}",
    ],
)
def test_a_number_that_no_machine_counts_to_is_refused(text: str, digits: str) -> None:
    found = problems(loads(text.format(digits), "x.yml", Path.cwd()))
    assert [problem.severity for problem in found][:1] == ["error"]
    assert max(len(problem.message) for problem in found) < 500
