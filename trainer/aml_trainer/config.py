"""The arguments of a training as one value. A flag is the field's name: `batch_size` is `--batch-size`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from aml_trainer.errors import ConfigError
from aml_trainer.presets import PRESETS

SCHEDULES = ("cosine", "step", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
NORMALISATIONS = ("auto", "data", "imagenet")


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aml_trainer"


def _option(default: Any, metavar: str, text: str, *, choices: Sequence[str] = ()) -> Any:
    metadata = {"metavar": metavar, "help": text, "choices": choices}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """One training. The defaults are a recipe for a few thousand small images, from scratch."""

    data: str = _option(MISSING, "DATA", "folder, zip, tar or https address of train/<class>/* and val/<class>/*")
    output_dir: Path = _option(MISSING, "DIR", "for the model, metrics, plots and checkpoints; made when missing")
    preset: str = _option("", "NAME", "other defaults", choices=sorted(PRESETS))

    val_split: float = _option(0.0, "SHARE", "share of each class to validate with, where DATA has no val folder")
    skip_bad_images: bool = _option(False, "", "leave images out that can't be read, and count them")
    cache_dir: Path = _option(default_cache, "DIR", "for decoded images, shared by trainings")
    cache_size: float = _option(10.0, "GIB", "most that the cache may hold; 0 writes none")

    model: str = _option("resnet18", "NAME", "a torchvision model of the resnet or densenet family")
    weights: str = _option("none", "WEIGHTS", "to start from: imagenet, a FILE (state dict or safetensors) or none")
    allow_pickle: bool = _option(False, "", "load whole pickled models: their files run any code as you")
    freeze_backbone: bool = _option(False, "", "train the last layer only, on features computed once")
    zero_init_residual: bool = _option(False, "", "start a ResNet's residual branches at zero")
    memory_efficient: bool = _option(False, "", "recompute a DenseNet's layers to save memory")

    epochs: int = _option(10, "N", "passes over the training images")
    batch_size: int = _option(64, "N", "images per step, of all processes together; at least 2 each")
    lr: float = _option(0.02, "RATE", "peak learning rate of SGD")
    momentum: float = _option(0.9, "SHARE", "momentum, 0 to below 1")
    nesterov: bool = _option(True, "", "Nesterov's momentum")
    weight_decay: float = _option(5e-4, "SHARE", "L2, per step, on every parameter")
    schedule: str = _option("cosine", "NAME", "of the learning rate after the warm-up", choices=SCHEDULES)
    step_epochs: int = _option(7, "N", "epochs between two steps of --schedule step")
    step_factor: float = _option(0.1, "FACTOR", "what a step multiplies the learning rate by")
    warmup: float = _option(0.25, "SHARE", "share of all steps in which the rate rises")
    label_smoothing: float = _option(0.0, "SHARE", "label smoothing of the training loss")
    accumulate: int = _option(1, "N", "batches whose gradients make one step")
    clip_norm: float = _option(0.0, "NORM", "longest gradient of a step; 0 is any")
    patience: int = _option(0, "N", "stop after so many epochs without a lower validation loss; 0 is never")

    image_size: int = _option(224, "PIXELS", "side of the square that the model sees")
    resize_size: int = _option(0, "PIXELS", "shorter side before the centre is cut out; 0 squeezes the whole image in")
    random_crop: float = _option(0.0, "SHARE", "smallest area of a random crop of training images; 0 is no crop")
    flip: bool = _option(False, "", "mirror every other training image")
    rotate: float = _option(0.0, "DEGREES", "turn training images by up to this either way")
    shift: float = _option(0.0, "SHARE", "move training images by up to this share of their side")
    normalisation: str = _option(
        "auto", "NAME", "mean and deviation of data or imagenet; auto: as the weights", choices=NORMALISATIONS
    )
    seed: int = _option(1, "N", "seed of weights, order, split and augmentation")

    device: str = _option("auto", "NAME", "auto, cpu, cuda, cuda:1, mps; auto is the best there is")
    precision: str = _option("auto", "NAME", "of the arithmetic; auto: fast where it is safe", choices=PRECISIONS)
    channels_last: bool = _option(True, "", "memory layout that convolutions are fast in")
    reuse_memory: bool = _option(True, "", "keep what a step frees for the next one, on a CPU")
    tf32: bool = _option(True, "", "TF32 for float32 products on CUDA")
    compile: bool = _option(False, "", "torch.compile: a slow first step, faster ones after it")
    deterministic: bool = _option(False, "", "refuse operations that may differ between two runs")
    threads: int = _option(0, "N", "CPU threads; 0 is torch's choice")

    resume: str = _option("none", "WHERE", "go on from a checkpoint: auto (of DIR, if there is one), FILE or none")
    checkpoint_every: int = _option(1, "N", "epochs between two checkpoints; 0 is only when SIGTERM comes")
    log_dir: Path = _option(Path("azureml-logs"), "DIR", "for a log per process, where there are several")
    report: bool = _option(True, "", "model.onnx, MLmodel, plots and report at the end")

    def __post_init__(self) -> None:
        checks = {
            "--val-split": (0 <= self.val_split < 1, f"must be from 0 to below 1, not {self.val_split:g}"),
            "--cache-size": (self.cache_size >= 0, f"must be at least 0 GiB, not {self.cache_size:g}"),
            "--epochs": (self.epochs >= 1, f"must be at least 1, not {self.epochs}"),
            "--batch-size": (self.batch_size >= 2, f"must be at least 2, not {self.batch_size}"),
            "--lr": (0 < self.lr < float("inf"), f"must be a positive number, not {self.lr:g}"),
            "--momentum": (0 <= self.momentum < 1, f"must be from 0 to below 1, not {self.momentum:g}"),
            "--weight-decay": (0 <= self.weight_decay < 1, f"must be from 0 to below 1, not {self.weight_decay:g}"),
            "--step-epochs": (self.step_epochs >= 1, f"must be at least 1, not {self.step_epochs}"),
            "--step-factor": (0 < self.step_factor <= 1, f"must be above 0 and at most 1, not {self.step_factor:g}"),
            "--warmup": (0 <= self.warmup <= 1, f"must be from 0 to 1, not {self.warmup:g}"),
            "--label-smoothing": (
                0 <= self.label_smoothing < 1,
                f"must be from 0 to below 1, not {self.label_smoothing:g}",
            ),
            "--accumulate": (self.accumulate >= 1, f"must be at least 1, not {self.accumulate}"),
            "--clip-norm": (self.clip_norm >= 0, f"must be at least 0, not {self.clip_norm:g}"),
            "--patience": (self.patience >= 0, f"must be at least 0, not {self.patience}"),
            "--image-size": (self.image_size >= 8, f"must be at least 8 pixels, not {self.image_size}"),
            "--resize-size": (
                self.resize_size == 0 or self.resize_size >= self.image_size,
                f"must be 0 or at least --image-size {self.image_size}, not {self.resize_size}",
            ),
            "--random-crop": (0 <= self.random_crop <= 1, f"must be from 0 to 1, not {self.random_crop:g}"),
            "--rotate": (0 <= self.rotate <= 180, f"must be from 0 to 180 degrees, not {self.rotate:g}"),
            "--shift": (0 <= self.shift <= 1, f"must be from 0 to 1, not {self.shift:g}"),
            "--seed": (0 <= self.seed < 2**63, f"must be from 0 to 2**63 - 1, not {self.seed}"),
            "--threads": (self.threads >= 0, f"must be at least 0, not {self.threads}"),
            "--checkpoint-every": (self.checkpoint_every >= 0, f"must be at least 0, not {self.checkpoint_every}"),
        }
        problems = [f"{flag}: {problem}" for flag, (holds, problem) in checks.items() if not holds]
        if problems:
            raise ConfigError("; ".join(problems))


def parse(argv: Sequence[str]) -> Config:
    """The config of a command line. A malformed one prints the usage and exits 2, as argparse does."""
    parser = _parser()
    preset = parser.parse_args(argv).preset
    parser.set_defaults(**PRESETS.get(preset, {}))
    return Config(**vars(parser.parse_args(argv)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aml_trainer",
        description="Train an image classifier of torchvision on labelled images.",
        epilog="Logs parameters and metrics through MLflow when MLFLOW_TRACKING_URI is set. Several processes train "
        "one model when RANK and WORLD_SIZE, or Open MPI's variables, are set.",
        allow_abbrev=False,
    )
    for option in fields(Config):
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Field[Any]) -> None:
    flag = f"--{option.name.replace('_', '-')}"
    text, choices = str(option.metadata["help"]), option.metadata["choices"] or None
    if option.type == "bool":
        parser.add_argument(
            flag, action=argparse.BooleanOptionalAction, default=option.default, help=f"{text} (default: %(default)s)"
        )
        return
    required = option.default is MISSING and option.default_factory is MISSING
    default = option.default if option.default_factory is MISSING else option.default_factory()
    parser.add_argument(
        flag,
        type={"str": str, "int": int, "float": float, "Path": Path}[str(option.type)],
        metavar="|".join(choices or ()) or option.metadata["metavar"],
        required=required,
        default=None if required else default,
        choices=choices,
        help=text if required or default == "" else f"{text} (default: %(default)s)",
    )
