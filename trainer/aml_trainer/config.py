"""The arguments of a training as one value. A flag is the field's name: `batch_size` is `--batch-size`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from aml_trainer.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """One training. The defaults are a recipe for a few thousand small images, from scratch."""

    data: Path  # folder with train/<class>/* and val/<class>/*
    output_dir: Path  # folder for model.pt and model.json, made when missing
    model: str = "resnet18"  # torchvision's name, of the resnet and densenet families
    epochs: int = 10  # passes over the training images
    batch_size: int = 64  # images per step, at least 2: batch normalisation needs two
    lr: float = 0.02  # peak learning rate of SGD with Nesterov momentum
    momentum: float = 0.9  # 0 to below 1
    weight_decay: float = 5e-4  # L2, per step, on every parameter
    warmup: float = 0.25  # share of all steps in which the rate rises; a cosine to 0 follows
    label_smoothing: float = 0.0  # 0 to below 1
    rotate: float = 0.0  # degrees, training images turn by up to this either way
    shift: float = 0.0  # share of the image's side, training images move by up to this either way
    image_size: int = 224  # pixels, the side of the square that every image is resized to
    seed: int = 1  # of weights, order and augmentation
    device: str = "auto"  # auto is cuda where there is one, else cpu

    def __post_init__(self) -> None:
        checks = {
            "--data": (self.data.is_dir(), f"there is no folder {self.data}"),
            "--epochs": (self.epochs >= 1, f"must be at least 1, not {self.epochs}"),
            "--batch-size": (self.batch_size >= 2, f"must be at least 2, not {self.batch_size}"),
            "--lr": (0 < self.lr < float("inf"), f"must be a positive number, not {self.lr:g}"),
            "--momentum": (0 <= self.momentum < 1, f"must be from 0 to below 1, not {self.momentum:g}"),
            "--weight-decay": (0 <= self.weight_decay < 1, f"must be from 0 to below 1, not {self.weight_decay:g}"),
            "--warmup": (0 <= self.warmup <= 1, f"must be from 0 to 1, not {self.warmup:g}"),
            "--label-smoothing": (
                0 <= self.label_smoothing < 1,
                f"must be from 0 to below 1, not {self.label_smoothing:g}",
            ),
            "--rotate": (0 <= self.rotate <= 180, f"must be from 0 to 180 degrees, not {self.rotate:g}"),
            "--shift": (0 <= self.shift <= 1, f"must be from 0 to 1, not {self.shift:g}"),
            "--image-size": (self.image_size >= 8, f"must be at least 8 pixels, not {self.image_size}"),
            "--seed": (0 <= self.seed < 2**63, f"must be from 0 to 2**63 - 1, not {self.seed}"),
        }
        problems = [f"{flag}: {problem}" for flag, (holds, problem) in checks.items() if not holds]
        if problems:
            raise ConfigError("; ".join(problems))


def parse(argv: Sequence[str]) -> Config:
    """The config of a command line. A malformed one prints the usage and exits 2, as argparse does."""
    return Config(**vars(_parser().parse_args(argv)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aml_trainer",
        description="Train an image classifier from scratch on a folder of labelled images.",
        epilog="Logs parameters and metrics through MLflow when MLFLOW_TRACKING_URI is set.",
    )
    default = {field.name: field.default for field in fields(Config)}

    def add(flag: str, kind: type, metavar: str, text: str) -> None:
        value = default[flag.removeprefix("--").replace("-", "_")]
        parser.add_argument(flag, type=kind, metavar=metavar, default=value, help=f"{text} (default: %(default)s)")

    parser.add_argument("--data", type=Path, metavar="DIR", required=True, help="train/<class>/* and val/<class>/*")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", required=True, help="for model.pt and model.json")
    add("--model", str, "NAME", "a torchvision model of the resnet or densenet family")
    add("--epochs", int, "N", "passes over the training images")
    add("--batch-size", int, "N", "images per step")
    add("--lr", float, "RATE", "peak learning rate of SGD with Nesterov momentum")
    add("--momentum", float, "SHARE", "momentum")
    add("--weight-decay", float, "SHARE", "L2 weight decay")
    add("--warmup", float, "SHARE", "share of the steps in which the rate rises; a cosine to 0 follows")
    add("--label-smoothing", float, "SHARE", "label smoothing of the training loss")
    add("--rotate", float, "DEGREES", "turn training images by up to this either way")
    add("--shift", float, "SHARE", "move training images by up to this share of their side")
    add("--image-size", int, "PIXELS", "side of the square that images are resized to")
    add("--seed", int, "N", "seed of weights, order and augmentation")
    add("--device", str, "NAME", "auto, cpu, cuda, cuda:1, mps; auto is cuda where there is one")
    return parser
