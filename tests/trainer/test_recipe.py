from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from aml_trainer import models
from aml_trainer.__main__ import main
from aml_trainer.augment import Augmentation, resample
from aml_trainer.config import Config, parse
from aml_trainer.devices import find_precision, select
from aml_trainer.distributed import Layout
from aml_trainer.errors import ConfigError, InvalidModelDirectoryError, TrainerError
from aml_trainer.schedule import Schedule
from aml_trainer.setup import prepare

QUICK = ["--epochs", "1", "--batch-size", "4", "--image-size", "32", "--no-report"]


def _config(data: Path, *more: str) -> Config:
    return parse(["--data", str(data), "--output-dir", str(data.parent / "out"), *QUICK, *more])


def _metrics(output_dir: Path) -> list[str]:
    return (output_dir / "metrics.jsonl").read_text().splitlines()


def test_the_designers_preset_has_the_designers_defaults(colours: Path):
    config = parse(["--data", str(colours), "--output-dir", "out", "--preset", "designer"])
    assert (config.epochs, config.batch_size, config.lr, config.seed, config.patience) == (5, 16, 0.001, 1, 3)


def test_the_tutorials_preset_has_its_recipe_and_a_flag_beside_it_wins(colours: Path):
    config = parse(["--data", str(colours), "--output-dir", "out", "--epochs", "2", "--preset", "fowl"])
    assert (config.batch_size, config.lr, config.momentum, config.step_epochs) == (4, 0.001, 0.9, 7)
    assert (config.schedule, config.step_factor, config.random_crop, config.epochs) == ("step", 0.1, 0.08, 2)


def test_a_cosine_rises_to_its_peak_and_falls_to_nearly_nothing():
    rate = Schedule("cosine", 40, 5, warmup=0.25)
    rates = [rate(step) for step in range(40)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert Schedule("cosine", 1, 1, warmup=1.0)(0) == 0.5


def test_steps_go_down_every_seven_epochs_and_a_constant_stays():
    rate = Schedule("step", 300, 10, step_epochs=7, step_factor=0.1)
    assert [rate(step) for step in (0, 69, 70, 139, 140)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert {Schedule("constant", 300, 10)(step) for step in range(300)} == {1.0}


def test_a_move_reaches_no_further_than_it_was_told():
    image = torch.zeros(64, 3, 16, 16)
    image[:, :, 8, 8] = 1
    maps = Augmentation(16, shift=2 / 16).draw(torch.ones(64), torch.Generator().manual_seed(0))
    reached = resample(image, maps, 16).sum(dim=(0, 1)).nonzero()
    assert reached.min() >= 8 - 2
    assert reached.max() <= 8 + 2
    assert len(reached) > 1
    assert not Augmentation(16)


def test_a_mirrored_image_is_its_mirror():
    image = torch.rand(32, 3, 8, 8)
    mirrored = resample(image, Augmentation(8, flip=True).draw(torch.ones(32), torch.Generator().manual_seed(1)), 8)
    same = [torch.allclose(new, old, atol=1e-5) for new, old in zip(mirrored, image, strict=True)]
    turned = [torch.allclose(new, old.flip(2), atol=1e-5) for new, old in zip(mirrored, image, strict=True)]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert 8 < sum(turned) < 24


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.5, 6.0])
def test_a_random_crop_has_the_area_and_aspect_of_torchvisions(aspect: float):
    maps = Augmentation(224, crop=0.08).draw(torch.full((4000,), aspect), torch.Generator().manual_seed(2))
    half, centre = maps[:, [0, 1], [0, 1]], maps[:, :, 2]
    assert (half > 0).all()
    assert ((half + centre.abs()) <= 1 + 1e-5).all()  # it lies within the image
    area, crop_aspect = half.prod(1), half[:, 0] / half[:, 1] * aspect
    assert area.min() >= 0.08 - 1e-5
    assert crop_aspect.min() > 0.75 - 1e-4
    assert crop_aspect.max() < 4 / 3 + 1e-4
    if aspect == 1.0:  # most first tries fit then, and the mean area is near that of the even draw
        assert area.mean().item() == pytest.approx(0.5, abs=0.04)


def test_patience_ends_a_training_whose_validation_loss_rises(few_digits: Path):
    arguments = ["--data", str(few_digits), "--output-dir", str(few_digits.parent / "out"), *QUICK]
    assert main([*arguments, "--epochs", "30", "--lr", "1e-7", "--patience", "1", "--schedule", "constant"]) == 0
    assert 1 < len(_metrics(few_digits.parent / "out")) < 30


def test_two_accumulated_batches_are_one_of_twice_the_size(few_digits: Path):
    """But for batch normalisation, which sees each batch alone: so a frozen backbone is compared."""

    def head(name: str, *more: str) -> torch.Tensor:
        out = few_digits.parent / name
        more = (*more, "--freeze-backbone", "--output-dir", str(out), "--epochs", "2", "--warmup", "0")
        assert main(["--data", str(few_digits), *QUICK, *more]) == 0
        weight: torch.Tensor = torch.load(out / "model.pt", weights_only=True)["state_dict"]["fc.weight"]
        return weight

    assert torch.allclose(head("a", "--batch-size", "16"), head("b", "--batch-size", "8", "--accumulate", "2"))


def test_a_clipped_gradient_takes_a_step_of_its_length(few_digits: Path):
    config = _config(few_digits, "--clip-norm", "0.001", "--momentum", "0", "--weight-decay", "0", "--warmup", "0")
    out = few_digits.parent / "out"
    before = prepare(config, select(config), Layout()).network.state_dict()
    assert main(["--data", str(few_digits), "--output-dir", str(out), *QUICK, "--batch-size", "48", *_recipe()]) == 0
    after = torch.load(out / "model.pt", weights_only=True)["state_dict"]
    step = torch.cat([(after[name] - before[name]).flatten() for name in after if name.endswith(("weight", "bias"))])
    assert step.norm().item() == pytest.approx(0.001 * 0.02, rel=0.05)


def _recipe() -> list[str]:
    return ["--clip-norm", "0.001", "--momentum", "0", "--weight-decay", "0", "--warmup", "0"]


def test_a_frozen_backbone_keeps_its_weights_and_its_head_learns(colours: Path):
    config = _config(colours, "--freeze-backbone", "--epochs", "20", "--lr", "0.01")
    before = prepare(config, select(config), Layout()).network.state_dict()
    out = colours.parent / "out"
    more = ("--freeze-backbone", "--epochs", "20", "--lr", "0.01", "--normalisation", "data")
    assert main(["--data", str(colours), "--output-dir", str(out), *QUICK, *more]) == 0
    saved = torch.load(out / "model.pt", weights_only=True)
    assert saved["val_acc"] == 1.0
    assert all(torch.equal(before[name], saved["state_dict"][name]) for name in before if not name.startswith("fc."))
    assert not torch.equal(before["fc.weight"], saved["state_dict"]["fc.weight"])


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_training_starts_from_the_weights_of_a_file(colours: Path, tmp_path: Path, suffix: str):
    start = {name: value.clone() for name, value in models.make("resnet18", 2).state_dict().items()}
    path = tmp_path / f"start.{suffix}"
    save_file(start, path) if suffix == "safetensors" else torch.save(start, path)
    config = _config(colours, "--weights", str(path))
    loaded = models.build(config, 2).state_dict()
    assert all(torch.equal(start[name], loaded[name]) for name in start)


def test_weights_of_other_classes_keep_all_but_the_last_layer(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    start = models.make("densenet121", 7).state_dict()
    torch.save({"state_dict": {f"module.{name}": value for name, value in start.items()}}, tmp_path / "start.pt")
    config = _config(colours, "--model", "densenet121", "--weights", str(tmp_path / "start.pt"))
    loaded = models.build(config, 2).state_dict()
    assert torch.equal(start["features.conv0.weight"], loaded["features.conv0.weight"])
    assert "classifier.weight, classifier.bias start at random" in capsys.readouterr().err


def test_imagenet_weights_come_out_of_torchvisions_cache(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    start = models.make("resnet18", 1000).state_dict()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(start, tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    model = models.build(_config(colours, "--weights", "imagenet"), 2)
    assert torch.equal(model.state_dict()["conv1.weight"], start["conv1.weight"])
    assert models.head_of(model).out_features == 2


def test_without_cache_and_network_the_error_names_the_other_weights(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(
        TrainerError, match=r"resnet18 is not in torchvision's cache .* --weights FILE .* --weights none"
    ):
        models.build(_config(colours, "--weights", "imagenet"), 2)


def test_files_that_hold_no_such_model_are_an_invalid_model_directory(colours: Path, tmp_path: Path):
    def build(name: str) -> None:
        models.build(_config(colours, "--weights", str(tmp_path / name)), 2)

    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModelDirectoryError, match=r"must hold one PyTorch model, model.pt; it holds nothing"):
        build("empty")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InvalidModelDirectoryError, match="holds a list, no state dict of a PyTorch model"):
        build("list.pt")
    torch.save(models.make("resnet34", 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(InvalidModelDirectoryError, match=r"holds no weights of resnet18: .* --model names"):
        build("other.pt")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(InvalidModelDirectoryError, match=r"text.pt is no "):
        build("text.pt")
    (tmp_path / "text.safetensors").write_text("weights")
    with pytest.raises(InvalidModelDirectoryError, match=r"text.safetensors is no safetensors file"):
        build("text.safetensors")


def test_a_whole_pickled_model_starts_a_training_only_when_that_is_asked_for(colours: Path, tmp_path: Path):
    whole = models.make("resnet18", 2)
    torch.save(whole, tmp_path / "whole.pt")
    with pytest.raises(InvalidModelDirectoryError, match="--allow-pickle loads it: that runs whatever code"):
        models.build(_config(colours, "--weights", str(tmp_path / "whole.pt")), 2)
    loaded = models.build(_config(colours, "--weights", str(tmp_path / "whole.pt"), "--allow-pickle"), 2)
    assert torch.equal(loaded.state_dict()["conv1.weight"], whole.state_dict()["conv1.weight"])


def test_bf16_is_refused_on_a_cpu_that_would_imitate_it():
    cpu = torch.device("cpu")
    assert find_precision("bf16", cpu, lambda: frozenset(["avx512_bf16"])) == "bf16"
    assert find_precision("auto", cpu, lambda: frozenset(["avx512_bf16"])) == "fp32"
    with pytest.raises(ConfigError, match="this CPU has no bf16 instructions and would imitate them"):
        find_precision("bf16", cpu, lambda: frozenset(["avx2"]))
    with pytest.raises(ConfigError, match="a CPU only imitates it"):
        find_precision("fp16", cpu)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--zero-init-residual", "--model", "densenet121"], "only a ResNet has it, not densenet121"),
        (["--memory-efficient"], "only a DenseNet has it, not resnet18"),
        (["--weights", "nowhere.pt"], "--weights: there is no file nowhere.pt"),
        (["--resize-size", "16"], "--resize-size: must be 0 or at least --image-size 32, not 16"),
    ],
)
def test_an_option_that_does_not_fit_is_named(
    colours: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert main(["--data", str(colours), "--output-dir", str(colours.parent / "out"), *QUICK, *arguments]) == 2
    assert message in capsys.readouterr().err
