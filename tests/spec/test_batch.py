from pathlib import Path

import pytest

from aml.spec.load import loads
from aml.spec.parse import problems

VALID = Path(__file__).parents[1] / "specs" / "valid"
BLUE = "name: blue\nendpoint_name: digits\n"
MODEL = f"{BLUE}type: model\nmodel: azureml:m:1\ncompute: azureml:c\n"
PIPELINE = f"{BLUE}type: pipeline\ncomponent: azureml:p:1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MODEL, []),
        (PIPELINE, []),
        (f"{BLUE}type: pipelin\ncomponent: azureml:p:1", ["not-allowed type"]),
        (f"{BLUE}type: model\nmodel: azureml:m:1", ["missing-key compute"]),
        (f"{BLUE}type: model\nmodel: azureml:m:1\ncompte: azureml:c", ["unknown-key compte"]),
        (f"{BLUE}type: pipeline", ["missing-key component"]),
        (f"{BLUE}type: pipeline\njob_definition: azureml:j", []),
        (f"{BLUE}component: ./nowhere.yml", ["missing-path component"]),
        (f"{BLUE}component: 'azureml:'", ["bad-reference component"]),
        (f"{PIPELINE}model: azureml:m:1", ["not-allowed model"]),
        (f"{PIPELINE}settings: {{output_action: append_row}}", ["not-allowed settings.output_action"]),
        (f"{MODEL}settings: {{error_threshold: -1, mini_batch_size: 1}}", []),
        (f"{MODEL}settings: {{error_threshold: -2}}", ["out-of-range settings.error_threshold"]),
        (f"{MODEL}settings: {{output_action: append}}", ["not-allowed settings.output_action"]),
        (f"{MODEL}settings: {{logging_level: INFO}}", []),
        (f"{MODEL}settings: {{retry_settings: {{timeout: 0}}}}", ["out-of-range settings.retry_settings.timeout"]),
        (f"{MODEL}code_configuration: {{code: ../src}}", ["missing-key code_configuration.scoring_script"]),
    ],
)
def test_a_batch_deployment_is_judged(text: str, expected: list[str]) -> None:
    found = problems(loads(text, "d.yml", VALID), "batch-deployment")
    assert [f"{problem.code} {problem.path}" for problem in found] == expected
