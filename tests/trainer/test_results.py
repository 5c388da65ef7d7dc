from __future__ import annotations

import base64
import io
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn import metrics

from aml_trainer import endpoint
from aml_trainer import evaluate as evaluation
from aml_trainer import score as scoring
from aml_trainer.__main__ import main
from aml_trainer.classification import Classification, area_under_roc
from aml_trainer.predictor import Predictor

from .conftest import TRAINER


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells red from blue, with all its files, and the images beside it."""
    folder = tmp_path_factory.mktemp("trained")
    for split in ("train", "val"):
        for name, colour in (("blue", (20, 40, 220)), ("red", (220, 40, 20))):
            (folder / "data" / split / name).mkdir(parents=True)
            for number in range(8):
                image = Image.new("RGB", (40, 32), tuple(level + number for level in colour))
                image.save(folder / "data" / split / name / f"{number}.jpg")
    arguments = ["--data", str(folder / "data"), "--output-dir", str(folder / "out"), "--cache-size", "0"]
    recipe = ["--epochs", "6", "--batch-size", "4", "--image-size", "32", "--lr", "0.005"]
    assert main([*arguments, *recipe]) == 0
    return folder


@pytest.fixture
def jpeg(trained: Path) -> bytes:
    return (trained / "data" / "val" / "red" / "0.jpg").read_bytes()


def test_a_training_leaves_all_its_results(trained: Path):
    results = {"metrics.jsonl", "model.json", "model.onnx", "model.pt"}
    results |= {"MLmodel", "code", "python_env.yaml", "requirements.txt"}
    results |= {"report.md", "curves.png", "confusion_matrix.png"}
    assert {path.name for path in (trained / "out").iterdir()} == results
    lines = [json.loads(line) for line in (trained / "out" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["best_val_acc"] == 1.0
    for name in ("curves.png", "confusion_matrix.png"):
        with Image.open(trained / "out" / name) as image:
            assert min(image.size) > 300
    report = (trained / "out" / "report.md").read_text()
    assert report.startswith("# resnet18 on 2 classes\n\nAccuracy 1.0000 ")
    assert "| red | 8 | 1.0000 | 1.0000 | 1.0000 | 1.0000 |" in report
    assert "`--epochs 6`" in report


@pytest.mark.parametrize("batch", [1, 5])
def test_the_onnx_model_says_what_torch_says_for_any_batch(trained: Path, batch: int):
    inputs = torch.randn(batch, 3, 32, 32, generator=torch.Generator().manual_seed(batch))
    session = onnxruntime.InferenceSession(trained / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": inputs.numpy()})
    assert np.abs(logits - Predictor.load(trained / "out").logits(inputs).numpy()).max() < 1e-4


def test_mlflow_loads_the_folder_in_a_process_that_has_no_trainer(trained: Path):
    script = (
        "import sys, mlflow.pyfunc, pandas\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "table = model.predict(pandas.DataFrame({'image': sys.argv[2:]}))\n"
        "print(list(table['Scored Labels']), round(float(table.iloc[0, 1:].sum()), 6), list(table.columns))\n"
    )
    images = [str(trained / "data" / "val" / name / "3.jpg") for name in ("red", "blue")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(trained / "out"), *images],
        env=environment,
        cwd=trained,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    columns = ["Scored Labels", "Scored Probabilities_blue", "Scored Probabilities_red"]
    assert done.stdout.splitlines()[-1] == f"['red', 'blue'] 1.0 {columns}"


def test_score_writes_a_row_per_image(trained: Path, tmp_path: Path):
    data = trained / "data" / "val"
    assert (
        scoring.main(["--model", str(trained / "out"), "--data", str(data), "--output", str(tmp_path / "s.csv")]) == 0
    )
    table = pd.read_csv(tmp_path / "s.csv")
    assert len(table) == 16
    assert list(table["Scored Labels"]) == [Path(image).parent.name for image in table["image"]]
    assert table[["Scored Probabilities_blue", "Scored Probabilities_red"]].sum(axis=1).to_list() == pytest.approx(
        [1] * 16
    )


def test_score_names_a_bad_image_or_leaves_it_out(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "bad.jpg").write_text("no image")
    arguments = ["--model", str(trained / "out"), "--data", str(tmp_path)]
    assert scoring.main(arguments) == 1
    assert "bad.jpg can't be read as an image: no image format that Pillow knows;" in capsys.readouterr().err
    assert scoring.main([*arguments, "--skip-bad-images"]) == 0
    assert capsys.readouterr().err.endswith("images left out: 1\n")


def test_evaluate_prints_and_writes_the_scores(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["--model", str(trained / "out"), "--data", str(trained / "data")]
    assert evaluation.main([*arguments, "--output", str(tmp_path / "m" / "scores.json")]) == 0
    assert capsys.readouterr().out.startswith("accuracy 1.0000  loss ")
    assert json.loads((tmp_path / "m" / "scores.json").read_text())["confusion"] == [[8, 0], [0, 8]]


def test_classes_that_the_model_does_not_know_are_an_invalid_dataset(
    trained: Path, colours: Path, capsys: pytest.CaptureFixture[str]
):
    (colours / "val" / "red").rename(colours / "val" / "rot")
    assert evaluation.main(["--model", str(trained / "out"), "--data", str(colours)]) == 1
    assert "InvalidDatasetError: " in (error := capsys.readouterr().err)
    assert "holds images of rot; the model knows blue, red" in error


def test_a_folder_without_a_model_is_an_invalid_model_directory(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "notes.txt").write_text("")
    assert scoring.main(["--model", str(tmp_path), "--data", str(trained / "data")]) == 1
    assert f"InvalidModelDirectoryError: {tmp_path / 'model.pt'} is missing" in capsys.readouterr().err
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"weights": 1}))
    assert scoring.main(["--model", str(tmp_path), "--data", str(trained / "data")]) == 1
    assert "InvalidModelDirectoryError: " in capsys.readouterr().err


def test_the_scores_are_those_of_scikit_learn():
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(3, (200,), generator=generator)
    logits = torch.randn(200, 3, generator=generator).round(decimals=1) + 2 * torch.nn.functional.one_hot(labels, 3)
    judged = Classification.of(logits, labels, ["a", "b", "c"])
    predicted, probabilities = logits.argmax(1).numpy(), logits.double().softmax(1).numpy()
    precision, recall, f1, images = metrics.precision_recall_fscore_support(labels.numpy(), predicted)
    assert judged.accuracy == metrics.accuracy_score(labels.numpy(), predicted)
    assert [list(row) for row in judged.confusion] == metrics.confusion_matrix(labels.numpy(), predicted).tolist()
    for number, score in enumerate(judged.classes):
        auc = metrics.roc_auc_score(labels.numpy() == number, probabilities[:, number])
        assert (score.precision, score.recall, score.f1, score.images, score.auc) == pytest.approx(
            (precision[number], recall[number], f1[number], images[number], auc)
        )


def test_a_tie_counts_half_and_one_class_alone_has_no_area():
    assert area_under_roc(torch.tensor([0.5, 0.5]), torch.tensor([True, False])) == 0.5
    assert area_under_roc(torch.tensor([0.1, 0.9]), torch.tensor([True, True])) is None


@pytest.fixture
def served(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(trained))
    endpoint.init()
    return trained


def test_the_endpoint_answers_a_jpeg_a_batch_of_base64_and_the_tutorials_tensor(served: Path, jpeg: bytes):
    blue = (served / "data" / "val" / "blue" / "0.jpg").read_bytes()
    (raw,) = endpoint.run(jpeg)
    assert raw["label"] == "red"
    assert sum(raw["scores"].values()) == pytest.approx(1)
    texts = [base64.b64encode(image).decode() for image in (jpeg, blue)]
    assert [answer["label"] for answer in endpoint.run(json.dumps({"images": texts}))] == ["red", "blue"]
    tensor = Predictor.load(served / "out").inputs([blue, jpeg])
    assert [answer["label"] for answer in endpoint.run(json.dumps({"data": tensor.tolist()}))] == ["blue", "red"]
    (alone,) = endpoint.run(json.dumps({"data": tensor[1].tolist()}))
    assert alone["scores"] == pytest.approx(raw["scores"], abs=1e-5)


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        (b"\xff\xd8\xff no jpeg", "an image can't be read: no image format that Pillow knows"),
        ("{", "the request is no JSON: "),
        ("3", "the request must be a JSON object, not int"),
        ('{"picture": 1}', "expected an image, "),
        ('{"images": 3}', '"images" must be base64, or a list of it'),
        ('{"images": []}', "a request holds 1 to 256 images, not 0"),
        ('{"images": ["&&&"]}', "an image is neither a path nor base64: "),
        ('{"data": [[1, 2], [3]]}', '"data" is no tensor of numbers: '),
        ('{"data": [1, 2]}', '"data" must have the shape [n, 3, 32, 32], not [2]'),
        ('{"data": "x"}', '"data" is no tensor of numbers: '),
    ],
)
def test_a_bad_request_is_answered_and_the_next_one_is_served(
    served: Path, jpeg: bytes, request_body: str | bytes, message: str
):
    answer = endpoint.run(request_body)
    assert answer["error"].startswith(message)
    assert endpoint.run(jpeg)[0]["label"] == "red"


def test_a_request_with_a_number_that_is_none_is_refused(served: Path):
    data = torch.full((3, 32, 32), float("nan")).tolist()
    assert endpoint.run({"data": data}) == {"error": '"data" holds numbers that are not finite'}


def test_the_scoring_script_stands_at_the_root_of_the_code(served: Path, jpeg: bytes):
    script = "import sys, score; score.init(); print(score.run(sys.stdin.buffer.read())[0]['label'])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TRAINER, input=jpeg, capture_output=True, env={**os.environ}
    )
    assert done.stdout.decode() == "red\n", done.stderr.decode()


def test_a_whole_pickled_model_is_served_only_when_that_is_asked_for(
    trained: Path, jpeg: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.save(Predictor.load(trained / "out").model, tmp_path / "model.pt")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    with pytest.raises(Exception, match=r"--allow-pickle loads it: that runs whatever code the file holds"):
        endpoint.init()
    monkeypatch.setenv("AML_TRAINER_ALLOW_PICKLE", "1")
    monkeypatch.setenv("AML_TRAINER_CLASSES", "blue,red")
    endpoint.init()
    assert set(endpoint.run(jpeg)[0]["scores"]) == {"blue", "red"}


def test_an_image_of_a_palette_with_transparency_is_scored(served: Path):
    content = io.BytesIO()
    Image.new("RGBA", (20, 20), (220, 40, 20, 255)).convert("P").save(content, "PNG")
    assert endpoint.run(content.getvalue())[0]["label"] == "red"
