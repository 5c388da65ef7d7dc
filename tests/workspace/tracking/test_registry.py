"""Logged and registered models through the real MLflow client, on the workspace's own model store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException, RestException

from aml.workspace.embedded.tracking.runs import insert_run


@dataclass(frozen=True)
class Info:
    model_id: str
    model_uri: str
    artifact_path: str


def log_model(mlflow: Any, content: str = "1 2 3", name: str = "model", register: str | None = None) -> Info:
    """The requests of a flavor's log_model(), which itself can't be imported without pandas."""
    client = mlflow.MlflowClient()
    model = mlflow.initialize_logged_model(name=name, source_run_id=mlflow.active_run().info.run_id)
    client.log_outputs(model.source_run_id, [LoggedModelOutput(model.model_id, step=0)])
    with TemporaryDirectory() as folder:
        (Path(folder) / "weights.txt").write_text(content)
        (Path(folder) / "MLmodel").write_text("flavors:\n  text: {data: weights.txt}\n")
        client.log_model_artifacts(model.model_id, folder)
    mlflow.finalize_logged_model(model.model_id, "READY")
    if register is not None:
        mlflow.register_model(f"models:/{model.model_id}", register)
    return Info(model.model_id, f"models:/{model.model_id}", model.artifact_location)


def read(mlflow: Any, uri: str) -> str:
    return (Path(mlflow.artifacts.download_artifacts(uri)) / "weights.txt").read_text()


def test_a_logged_model_is_registered_and_read_back(mlflow: Any, served: Any) -> None:
    with mlflow.start_run() as run:
        info = log_model(mlflow, register="digits")
    for uri in (
        info.model_uri,
        "models:/digits/1",
        "models:/digits/latest",
        f"runs:/{run.info.run_id}/model",
        info.artifact_path,
    ):
        assert read(mlflow, uri) == "1 2 3", uri
    stored = served.models.get("digits", "1")
    assert (stored.type, stored.created_by) == ("mlflow_model", "ada")
    assert stored.flavors == {"text": {"data": "weights.txt"}}
    assert (stored.path / "weights.txt").read_text() == "1 2 3"
    version = mlflow.MlflowClient().get_model_version("digits", "1")
    assert (version.run_id, version.source, version.status) == (run.info.run_id, info.model_uri, "READY")


def test_a_logged_models_files_are_where_its_runs_artifacts_are(mlflow: Any, served: Any) -> None:
    with mlflow.start_run() as run:
        first, second = log_model(mlflow, "1"), log_model(mlflow, "2")
    folder = served.paths.run_artifacts(run.info.run_id)
    assert (folder / "model" / "weights.txt").read_text() == "1"
    assert (folder / f"model-{second.model_id}" / "weights.txt").read_text() == "2"
    assert [read(mlflow, info.model_uri) for info in (first, second)] == ["1", "2"]
    listed = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="model")
    paths = [file.path for file in listed]
    assert len(paths) == len(set(paths)) == 2
    outputs = mlflow.get_run(run.info.run_id).outputs.model_outputs
    assert {output.model_id for output in outputs} == {first.model_id, second.model_id}


def test_a_model_does_not_mix_with_artifacts_of_its_name(mlflow: Any) -> None:
    with mlflow.start_run():
        mlflow.log_text("mine", "model/weights.txt")
        info = log_model(mlflow, "its own")
    assert read(mlflow, info.model_uri) == "its own"


def test_a_logged_model_has_params_tags_metrics_and_a_status(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="net", model_type="cnn", params={"lr": "0.1"}, tags={"a": "1"})
        assert str(model.status) == "PENDING"
        mlflow.finalize_logged_model(model.model_id, "READY")
        mlflow.log_metric("acc", 0.9, model_id=model.model_id, step=1)
        mlflow.log_model_params({f"p{number}": "x" for number in range(150)}, model_id=model.model_id)
        client.set_logged_model_tags(model.model_id, {"b": "2"})
        client.delete_logged_model_tag(model.model_id, "a")
    found = client.get_logged_model(model.model_id)
    assert (found.name, found.model_type, str(found.status)) == ("net", "cnn", "READY")
    assert (found.source_run_id, len(found.params)) == (run.info.run_id, 151)
    assert found.tags == {"b": "2", **{key: found.tags[key] for key in found.tags if key.startswith("mlflow.")}}
    assert [(metric.key, metric.value) for metric in found.metrics] == [("acc", 0.9)]
    for text in ("name = 'net' AND metrics.acc > 0.5", "params.lr = '0.1'", "tags.b = '2' AND status = 'READY'"):
        (searched,) = mlflow.search_logged_models(["0"], text, output_format="list")
        assert searched.model_id == model.model_id
    client.delete_logged_model(model.model_id)
    with pytest.raises(RestException) as caught:
        client.get_logged_model(model.model_id)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.search_logged_models(["0"], output_format="list") == []


def test_a_model_without_a_run_has_a_folder_of_its_own(mlflow: Any, served: Any, tmp_path: Path) -> None:
    model = mlflow.MlflowClient().create_logged_model("0", name="alone")
    (tmp_path / "note.txt").write_text("x")
    mlflow.MlflowClient().log_model_artifact(model.model_id, str(tmp_path / "note.txt"))
    assert (served.paths.run_artifacts(model.model_id) / "note.txt").read_text() == "x"


def test_a_folder_of_a_run_is_registered(mlflow: Any, served: Any) -> None:
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        mlflow.log_text("1 2 3", "net/weights.txt")
        mlflow.log_text("flavors:\n  text: {data: weights.txt}\n", "net/MLmodel")
    first = mlflow.register_model(f"runs:/{run.info.run_id}/net", "digits", tags={"from": "run"})
    assert (first.version, first.tags, first.run_id) == ("1", {"from": "run"}, run.info.run_id)
    second = client.create_model_version("digits", f"{run.info.artifact_uri}/net", description="again")
    third = client.create_model_version("digits", f"runs:/{run.info.run_id}/net/weights.txt", run.info.run_id)
    assert (second.version, second.description, third.version) == ("2", "again", "3")
    assert served.models.get("digits", "2").type == "mlflow_model"
    assert served.models.get("digits", "3").type == "custom_model"
    mlflow.MlflowClient().log_text(run.info.run_id, "changed", "net/weights.txt")
    assert read(mlflow, "models:/digits/2") == "1 2 3"
    single = mlflow.artifacts.download_artifacts("models:/digits/3")
    assert (Path(single) / "weights.txt").read_text() == "1 2 3"


def test_a_version_is_copied_to_another_model(mlflow: Any) -> None:
    with mlflow.start_run():
        log_model(mlflow, register="digits")
    copied = mlflow.MlflowClient().copy_model_version("models:/digits/1", "champion")
    assert (copied.name, copied.version) == ("champion", "1")
    assert read(mlflow, "models:/champion/1") == "1 2 3"


def test_a_job_is_told_with_what_it_registered(mlflow: Any, served: Any) -> None:
    with served.database.transaction() as write:
        write.execute(
            "INSERT INTO job (name, type, status, experiment_name, display_name, document, created_at, created_by) "
            "VALUES ('calm_fox', 'command', 'Running', 'birds', 'x', '{}', '', 'ada')"
        )
        insert_run(write, run_id="calm_fox", experiment_name="birds", display_name="x", created_ms=1, user="ada")
    with mlflow.start_run("calm_fox"):
        log_model(mlflow, register="own")
        with mlflow.start_run(nested=True):
            log_model(mlflow, register="childs")
    assert served.models.get("own", "1").job_name == "calm_fox"
    assert served.models.get("childs", "1").job_name == "calm_fox"
    assert [model.name for model in served.models.made_by("calm_fox")] == ["own", "childs"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("/etc", "can't be registered from"),
        ("file:///etc", "can't be registered from"),
        ("s3://bucket/model", "can't be registered from"),
        ("http://evil.example/api/2.0/other", "can't be registered from"),
        ("runs:/nobody/model", "Run with id=nobody not found"),
        ("runs:/{run_id}/nothing", "There is nothing at"),
        ("runs:/{run_id}/../../secret", "Invalid path"),
        ("mlflow-artifacts:/runs/{run_id}/%2e%2e/secret", "Invalid path"),
        ("mlflow-artifacts:/etc/passwd", "is not the address of an artifact"),
        ("models:/m-none", "not found"),
        ("models:/none/1", "no version 1 of the model none"),
        ("models:/digits@none", "alias none not found"),
    ],
)
def test_a_source_that_is_none_is_refused(mlflow: Any, served: Any, source: str, reason: str) -> None:
    client = mlflow.MlflowClient()
    client.create_registered_model("digits")
    run_id = client.create_run("0").info.run_id
    body = {"name": "digits", "source": source.format(run_id=run_id)}
    status, answer = served.request("POST", "/api/2.0/mlflow/model-versions/create", body)
    assert status in (400, 404)
    assert reason in answer["message"]
    assert served.models.versions("digits") == []


def test_models_have_descriptions_tags_and_aliases(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    client.create_registered_model("digits", tags={"team": "a"}, description="numbers")
    with pytest.raises(RestException) as caught:
        client.create_registered_model("digits")
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    with mlflow.start_run():
        log_model(mlflow, register="digits")
        log_model(mlflow, "4", name="other", register="digits")
    client.update_registered_model("digits", description="handwritten")
    client.set_registered_model_tag("digits", "owner", "ada")
    client.delete_registered_model_tag("digits", "team")
    client.set_registered_model_alias("digits", "best", "1")
    client.set_registered_model_alias("digits", "best", "2")
    client.set_registered_model_alias("digits", "old", "1")
    model = client.get_registered_model("digits")
    assert (model.description, model.tags) == ("handwritten", {"owner": "ada"})
    assert model.aliases == {"best": "2", "old": "1"}
    assert [version.version for version in model.latest_versions] == ["2"]
    assert client.get_model_version_by_alias("digits", "best").aliases == ["best"]
    assert read(mlflow, "models:/digits@best") == "4"
    client.delete_registered_model_alias("digits", "old")
    with pytest.raises(RestException, match="alias old not found"):
        client.get_model_version_by_alias("digits", "old")
    for alias in ("latest", "v1", "a b"):
        with pytest.raises(MlflowException):
            client.set_registered_model_alias("digits", alias, "1")
    with pytest.raises(RestException, match="NOT_IMPLEMENTED"):
        client.rename_registered_model("digits", "numbers")


@pytest.mark.filterwarnings("ignore:.*deprecated since 2.9.0:FutureWarning")  # stages, which scripts still use
def test_versions_have_stages_descriptions_and_tags(mlflow: Any, served: Any) -> None:
    client = mlflow.MlflowClient()
    with mlflow.start_run():
        for number in range(3):
            log_model(mlflow, str(number), name=f"n{number}", register="digits")
    client.transition_model_version_stage("digits", "1", "production")
    client.transition_model_version_stage("digits", "2", "Production", archive_existing_versions=True)
    stages = [client.get_model_version("digits", version).current_stage for version in "123"]
    assert stages == ["Archived", "Production", "None"]
    assert read(mlflow, "models:/digits/Production") == "1"
    latest = client.get_latest_versions("digits", ["Production", "None"])
    assert [version.version for version in latest] == ["3", "2"]
    client.transition_model_version_stage("digits", "2", "None")
    assert served.models.get("digits", "2").stage is None
    with pytest.raises(MlflowException, match="Invalid Model Version stage"):
        client.transition_model_version_stage("digits", "2", "Nowhere")
    client.update_model_version("digits", "3", "the third")
    client.set_model_version_tag("digits", "3", "a", "1")
    client.set_model_version_tag("digits", "3", "b", "2")
    client.delete_model_version_tag("digits", "3", "a")
    version = client.get_model_version("digits", "3")
    assert (version.description, version.tags) == ("the third", {"b": "2"})
    assert served.models.get("digits", "3").tags == {"b": "2"}


def test_models_and_versions_are_searched_and_deleted(mlflow: Any, served: Any, tmp_path: Path) -> None:
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        for number, name in enumerate(("beta", "alpha", "beta")):
            log_model(mlflow, str(number), name=f"n{number}", register=name)
    (tmp_path / "net.pt").write_bytes(b"x")
    served.models.create("Other", tmp_path / "net.pt", type="custom_model", created_by="ada")  # not by MLflow
    assert [model.name for model in client.search_registered_models()] == ["alpha", "beta", "Other"]
    assert [model.name for model in client.search_registered_models("name LIKE 'b%'")] == ["beta"]
    first = client.search_registered_models(max_results=2, order_by=["name DESC"])
    rest = client.search_registered_models(max_results=2, order_by=["name DESC"], page_token=first.token)
    assert [model.name for model in [*first, *rest]] == ["beta", "alpha", "Other"]

    def versions(text: str) -> list[tuple[str, str]]:
        return [(version.name, version.version) for version in client.search_model_versions(text)]

    assert versions("name = 'beta'") == [("beta", "2"), ("beta", "1")]
    assert versions(f"run_id = '{run.info.run_id}' AND version_number > 1") == [("beta", "2")]
    assert (Path(mlflow.artifacts.download_artifacts("models:/Other/1")) / "net.pt").read_bytes() == b"x"
    client.set_registered_model_alias("beta", "best", "2")
    client.delete_model_version("beta", "2")
    assert versions("name = 'beta'") == [("beta", "1")]
    assert client.get_registered_model("beta").aliases == {}
    client.delete_registered_model("beta")
    for missing in (lambda: client.get_registered_model("beta"), lambda: client.get_model_version("beta", "1")):
        with pytest.raises(RestException) as caught:
            missing()
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert served.models.list("beta") == []


@pytest.mark.parametrize("name", ["my model", "a/b", "-a", "a" * 256, "../up", "ä"])
def test_a_name_that_azure_would_not_take_is_refused(served: Any, mlflow: Any, name: str) -> None:
    status, answer = served.request("POST", "/api/2.0/mlflow/registered-models/create", {"name": name})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_registered_models_files_can_not_be_changed(mlflow: Any, served: Any) -> None:
    with mlflow.start_run():
        log_model(mlflow, register="digits")
    address = "/api/2.0/mlflow-artifacts/artifacts/registry/digits/1"
    for method in ("PUT", "DELETE"):
        assert served.request(method, f"{address}/weights.txt")[0] == 403
    assert served.request("GET", f"{address}/../../../secret")[0] == 400
    assert read(mlflow, "models:/digits/1") == "1 2 3"


def test_a_python_model_is_loaded_by_its_registered_name(mlflow: Any) -> None:
    pytest.importorskip("pandas", reason="mlflow.pyfunc needs it")

    class Double(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
        def predict(self, context: Any, model_input: list[int], params: Any = None) -> list[int]:
            return [2 * value for value in model_input]

    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model(
            name="model", python_model=Double(), registered_model_name="double", pip_requirements=[]
        )
    for uri in ("models:/double/1", f"runs:/{run.info.run_id}/model"):
        assert mlflow.pyfunc.load_model(uri).predict([1, 2]) == [2, 4]
