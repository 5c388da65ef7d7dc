from pathlib import Path

import pytest

from aml.errors import SpecError
from aml.spec.document import Document
from aml.spec.kinds import kind_of
from aml.spec.load import load, loads
from aml.spec.model import (
    CommandJob,
    Component,
    ComponentInput,
    Data,
    DataInput,
    Environment,
    LiteralInput,
    Model,
    Output,
    Resources,
)
from aml.spec.parse import parse, problems
from aml.spec.pipeline import ParallelComponent, PipelineComponent, PipelineJob
from aml.spec.sweep import (
    Choice,
    EarlyTermination,
    Normal,
    Objective,
    Randint,
    Sampling,
    SweepJob,
    SweepLimits,
    Uniform,
)

SPECS = Path(__file__).parents[1] / "specs"


def document(text: str, folder: Path = SPECS) -> Document:
    return loads(text, "job.yml", folder)


def job(text: str) -> CommandJob:
    spec = parse(document(f"command: ls\nenvironment: azureml:a:1\n{text}"))
    assert isinstance(spec, CommandJob)
    return spec


@pytest.fixture(scope="module")
def every_key() -> CommandJob:
    spec = parse(load(SPECS / "valid" / "every-key.yml"))
    assert isinstance(spec, CommandJob)
    return spec


def test_local_paths_are_absolute_and_the_others_as_written(every_key: CommandJob) -> None:
    assert every_key.code == str(SPECS / "src")
    paths = {name: value.path for name, value in every_key.inputs.items() if isinstance(value, DataInput)}
    assert paths == {
        "iris": str(SPECS / "data" / "iris.csv"),
        "folder": str(SPECS / "data"),
        "table": "azureml:table@latest",
        "start": "azureml://jobs/earlier/outputs/model/paths/best",
    }
    assert isinstance(every_key.environment, dict)
    assert every_key.environment["conda_file"] == str(SPECS / "conda.yml")


def test_zero_false_and_the_empty_text_are_values(every_key: CommandJob) -> None:
    assert every_key.inputs["value"] == LiteralInput(0)
    assert every_key.inputs["flag"] == LiteralInput(value=False)
    assert every_key.inputs["note"] == LiteralInput("")


def test_environment_variables_become_text(every_key: CommandJob) -> None:
    expected = {"EPOCHS": "3", "DEBUG": "True", "RATE": "0.5", "MODE": "fast", "EMPTY": ""}
    assert every_key.environment_variables == expected


def test_an_output_without_a_value_is_a_folder(every_key: CommandJob) -> None:
    assert every_key.outputs["plain"] == Output()


def test_a_version_is_kept_as_it_is_written(every_key: CommandJob) -> None:
    assert every_key.outputs["model"].version == "1.10"


def test_resources_and_limits(every_key: CommandJob) -> None:
    assert every_key.limits.timeout == 3600
    assert every_key.resources.docker_args == ("--ipc=host", "--ulimit=stack=67108864")
    assert job("").resources == Resources()


def test_enum_values_get_azure_mls_spelling() -> None:
    spec = parse(load(SPECS / "valid" / "enum-case.yml"))
    assert isinstance(spec, CommandJob)
    assert spec.inputs["data"] == DataInput(str(SPECS / "data"), "uri_folder", "ro_mount")
    assert spec.outputs["model"].type == "mlflow_model"
    assert spec.distribution == {"type": "pytorch"}
    assert spec.identity == {"type": "user_identity"}
    assert spec.queue_settings == {"job_tier": "spot"}


def test_numbers_in_quotes_are_numbers() -> None:
    spec = job('resources: {instance_count: "2"}\ndistribution: {type: mpi, process_count_per_instance: "4"}')
    assert spec.resources.instance_count == 2
    assert spec.distribution == {"type": "mpi", "process_count_per_instance": 4}


def test_a_build_folder_is_absolute() -> None:
    spec = parse(load(SPECS / "valid" / "build.yml"))
    assert isinstance(spec, CommandJob)
    assert spec.environment == {"build": {"path": str(SPECS / "docker"), "dockerfile_path": "Dockerfile"}}


def test_a_file_uri_is_a_local_path(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    data = job(f"inputs: {{x: {{path: 'file://{tmp_path}/x'}}}}").inputs["x"]
    assert isinstance(data, DataInput)
    assert data.path == str(tmp_path / "x")


def test_a_model_file_becomes_a_model() -> None:
    spec = parse(load(SPECS / "valid" / "model.yml"))
    assert isinstance(spec, Model)
    assert (spec.name, spec.version, spec.type) == ("digits.resnet-18", "1.0", "custom_model")
    assert spec.path == str(SPECS / "src")
    assert spec.tags == {"accuracy": "0.98", "checked": "true", "note": None}


def test_a_file_uri_may_have_its_blanks_encoded(tmp_path: Path) -> None:
    (tmp_path / "my data").mkdir()
    data = job(f"inputs: {{x: {{path: 'file://{tmp_path}/my%20data'}}}}").inputs["x"]
    assert isinstance(data, DataInput)
    assert data.path == str(tmp_path / "my data")


def test_a_data_file_becomes_data() -> None:
    assert parse(load(SPECS / "valid" / "data.yml")) == Data(
        path=str(SPECS / "data" / "iris.csv"),
        name="iris",
        version="1.10",
        type="uri_file",
        description="Measurements of flowers.",
        tags={"rows": "3", "clean": "true"},
    )


def test_an_environment_file_becomes_an_environment() -> None:
    assert parse(load(SPECS / "valid" / "environment.yml")) == Environment(
        name="train", version="3", image="python:3.11", conda_file=str(SPECS / "conda.yml"), tags={"team": "vision"}
    )
    inline = parse(load(SPECS / "valid" / "environment-with-packages.yml"))
    assert isinstance(inline, Environment)
    assert inline.conda_file == {"channels": ["defaults"], "dependencies": ["python=3.11", {"pip": ["numpy"]}]}


def test_a_component_file_becomes_a_component() -> None:
    spec = parse(load(SPECS / "valid" / "command-component.yml"))
    assert isinstance(spec, Component)
    assert (spec.name, spec.version, spec.is_deterministic) == ("train_iris", "1.10", False)
    assert spec.code == str(SPECS / "src")
    assert spec.additional_includes == (str(SPECS / "data" / "iris.csv"),)
    assert spec.inputs["rate"] == ComponentInput("number", default="1e-3", min=0, max=1)
    assert spec.inputs["epochs"] == ComponentInput("integer", optional=True, default=3)
    assert spec.inputs["kernel"].enum == ("linear", "rbf")
    assert spec.outputs["score"].type == "number"
    assert spec.resources.instance_count == 2


def test_a_sweep_file_becomes_a_sweep() -> None:
    spec = parse(load(SPECS / "valid" / "sweep.yml"))
    assert isinstance(spec, SweepJob)
    assert spec.trial.code == str(SPECS / "src")
    assert spec.trial.resources.instance_count == 2
    assert spec.objective == Objective("maximize", "accuracy")
    assert spec.limits == SweepLimits(20, 4, timeout=7200, trial_timeout=600)
    assert spec.sampling_algorithm == Sampling("random", seed=123, rule="sobol", logbase="e")
    assert spec.early_termination == EarlyTermination("bandit", 2, 5, slack_factor=0.1)
    space = spec.search_space
    assert space["rate"] == Uniform("loguniform", -6, -1)
    assert space["depth"] == Uniform("quniform", 2, 10, q=2)
    assert space["decay"] == Normal("lognormal", 0, 0.5)
    assert space["seed"] == Randint(100)
    nested = {"name": "rbf", "gamma": Uniform("uniform", 0.1, 1)}
    assert space["kernel"] == Choice(("linear", 3, 0.5, True, nested))


def test_a_sweep_draws_at_random_and_ends_no_trial_early_unless_it_says_so() -> None:
    spec = parse(load(SPECS / "valid" / "sweep-without-search-space.yml"))
    assert isinstance(spec, SweepJob)
    assert spec.sampling_algorithm == Sampling("random")
    assert spec.early_termination is None


def test_an_interval_of_zero_is_one() -> None:
    spec = parse(load(SPECS / "valid" / "sweep-enum-case.yml"))
    assert isinstance(spec, SweepJob)
    assert spec.early_termination == EarlyTermination("median_stopping", evaluation_interval=1)


@pytest.fixture(scope="module")
def pipeline() -> PipelineJob:
    spec = parse(load(SPECS / "valid" / "pipeline.yml"))
    assert isinstance(spec, PipelineJob)
    return spec


def test_a_pipeline_file_becomes_a_pipeline(pipeline: PipelineJob) -> None:
    assert pipeline.settings.default_compute == "azureml:cpu-cluster"
    assert not pipeline.settings.continue_on_step_failure
    assert pipeline.inputs["rate"] == LiteralInput("2e-3")
    assert {name: step.type for name, step in pipeline.jobs.items() if step.type != "command"} == {
        "tune": "sweep",
        "score": "parallel",
        "nested": "pipeline",
        "wrangle": "spark",
        "search": "automl",
    }


def test_a_step_needs_the_steps_that_it_reads_from(pipeline: PipelineJob) -> None:
    needs = {name: step.needs for name, step in pipeline.jobs.items() if step.needs}
    assert needs == {
        "train": ("prepare",),
        "count": ("train",),
        "tune": ("prepare",),
        "score": ("prepare", "tune"),
        "nested": ("prepare",),
        "judge": ("score", "nested"),
        "wrangle": ("prepare",),
        "search": ("prepare",),
    }


def test_a_step_that_is_written_out_has_a_component_of_its_own(pipeline: PipelineJob) -> None:
    step = pipeline.jobs["prepare"]
    assert isinstance(step.component, Component)
    assert (step.component.name, step.component.code) == ("prepare", str(SPECS / "src"))
    assert step.component.inputs == {"data": ComponentInput("uri_folder")}
    assert step.keys["limits"] == {"timeout": 600}
    assert "command" not in step.keys


def test_the_component_of_a_step_is_that_of_its_file(pipeline: PipelineJob) -> None:
    step = pipeline.jobs["train"]
    assert isinstance(step.component, Component)
    assert step.component.name == "train_iris"
    assert step.outputs["model"].path == "${{parent.outputs.model}}"
    assert step.inputs["rate"] == LiteralInput("${{parent.inputs.rate}}")
    assert step.keys["resources"] == {"instance_count": "${{parent.inputs.nodes}}"}
    assert pipeline.jobs["judge"].component == "azureml:judge@latest"


def test_pipelines_contain_pipelines(pipeline: PipelineJob) -> None:
    nested = pipeline.jobs["nested"].component
    assert isinstance(nested, PipelineComponent)
    assert nested.jobs["second"].needs == ("first",)
    assert isinstance(nested.jobs["second"].component, Component)


def test_the_task_of_a_parallel_step_is_found_beside_its_file(pipeline: PipelineJob) -> None:
    component = pipeline.jobs["score"].component
    assert isinstance(component, ParallelComponent)
    assert component.run.task["code"] == str(SPECS / "src")
    assert component.run.mini_batch_size == "5"
    assert component.inputs["model"].type == "mlflow_model"  # what the output that it is bound to is


def test_every_problem_is_in_the_error_and_the_first_in_its_message() -> None:
    with pytest.raises(SpecError) as caught:
        parse(document("command: ls\nenvironment: azureml:a\nlimits: {timeout: 0}\n"))
    assert [problem.path for problem in caught.value.problems] == ["environment", "limits.timeout"]
    assert str(caught.value).startswith("job.yml:2:14: `environment` is 'azureml:a'")
    assert str(caught.value).endswith("(and 1 more)")


def test_a_warning_refuses_nothing() -> None:
    text = "command: ls\nenvironment: azureml:a:1\ninputs: {x: 1}\n"
    assert [problem.severity for problem in problems(document(text))] == ["warning"]
    parse(document(text))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json", "command"),
        ("$schema: https://azuremlschemas.azureedge.net/latest/CommandJob.schema.json\ntype: pipeline", "command"),
        ("$schema: ../schemas/command.schema.json", "command"),
        ("$schema: https://example.com/model.schema.json", "model"),
        ("$schema: https://example.com/unheard-of.json\ntype: sweep", "sweep"),
        ("type: SWEEP", "sweep"),
        ("type: mlflow_model", "model"),
        ("type: amlcompute", "amlcompute"),
        ("type: comand\ncommand: ls", "command"),
        ("jobs: {}", "pipeline"),
        ("trial: {}", "sweep"),
        ("name: x\npath: y", "model"),
        ("command: ls", "command"),
        ("nothing: known", "command"),
        ("type: azure_bolb", "azure_blob"),
        ("type: kubernetes\nendpoint_name: x", "online-deployment"),
        ("type: pipeline\nendpoint_name: x", "batch-deployment"),
        ("type: kubernetes\nnamespace: x", "kubernetes"),
        ("name: x\ntraffic: {}", "online-endpoint"),
        ("- a", "command"),
    ],
)
def test_the_kind_is_told_by_schema_then_type_then_keys(text: str, kind: str) -> None:
    assert kind_of(document(text)) == kind


def test_a_caller_who_knows_the_kind_decides() -> None:
    assert isinstance(parse(document("name: x\npath: src\ndescription: y"), "model"), Model)
    assert problems(document("name: x\npath: src"), "command")[0].code == "unknown-key"
