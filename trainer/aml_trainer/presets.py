"""Recipes by name: `--preset NAME` changes the defaults, a flag beside it still wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRESETS: Final[Mapping[str, Mapping[str, object]]] = {
    # Azure ML designer's Train PyTorch Model: its defaults. Its module does not say how images become squares;
    # these are the usual steps of its image modules.
    "designer": {
        "epochs": 5,
        "batch_size": 16,
        "lr": 0.001,
        "seed": 1,
        "patience": 3,
        "schedule": "constant",
        "warmup": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "resize_size": 256,
        "flip": True,
    },
    # Azure ML's tutorial of chickens and turkeys, after PyTorch's transfer learning tutorial.
    "fowl": {
        "model": "resnet18",
        "epochs": 30,
        "batch_size": 4,
        "lr": 0.001,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 0.0,
        "schedule": "step",
        "step_epochs": 7,
        "step_factor": 0.1,
        "warmup": 0.0,
        "resize_size": 256,
        "random_crop": 0.08,
        "flip": True,
        "normalisation": "imagenet",
    },
}
