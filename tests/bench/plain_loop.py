"""What the trainer is measured against: the transfer learning loop as PyTorch's tutorial teaches it, and its recipe.

A DataLoader whose workers start anew in each epoch and decode each image, float32 in the default memory layout, a loss
read after each batch: the usual way, which the trainer has to beat without another result.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WORKERS = 4  # as the tutorial has it


@dataclass(frozen=True)
class Recipe:
    """What both loops train by; the defaults are the tutorial's."""

    model: str = "resnet18"
    epochs: int = 30
    batch_size: int = 4
    lr: float = 0.001
    momentum: float = 0.9
    step_epochs: int = 7
    image_size: int = 224
    resize_size: int = 256
    smallest_crop: float = 0.08
    flip: bool = True
    freeze: bool = False
    seed: int = 1

    def arguments(self) -> list[str]:
        """The same recipe for the trainer."""
        named = {
            "model": self.model,
            "epochs": self.epochs,
            "batch-size": self.batch_size,
            "lr": self.lr,
            "momentum": self.momentum,
            "step-epochs": self.step_epochs,
            "image-size": self.image_size,
            "resize-size": self.resize_size,
            "random-crop": self.smallest_crop,
            "seed": self.seed,
        }
        flags = ["--flip" if self.flip else "--no-flip", *(["--freeze-backbone"] if self.freeze else [])]
        return [
            "--preset",
            "fowl",
            *(str(part) for name, value in named.items() for part in (f"--{name}", value)),
            *flags,
        ]


@dataclass(frozen=True)
class Epoch:
    """What an epoch of the loop was like."""

    val_acc: float
    wall_s: float


def train(data: Path, recipe: Recipe, device: torch.device) -> Iterator[Epoch]:
    """The loop, an epoch at each step of the iterator."""
    torch.manual_seed(recipe.seed)
    loaders = {split: _loader(data / split, split, recipe) for split in ("train", "val")}
    classes = len(loaders["train"].dataset.classes)  # type: ignore[attr-defined]
    model = models.get_model(recipe.model, weights=None)
    if recipe.freeze:
        for parameter in model.parameters():
            parameter.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, classes)
    model = model.to(device)
    trained = model.fc.parameters() if recipe.freeze else model.parameters()
    optimizer = torch.optim.SGD(trained, lr=recipe.lr, momentum=recipe.momentum)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, recipe.step_epochs, 0.1)
    best_acc, best = -1.0, copy.deepcopy(model.state_dict())
    for _ in range(recipe.epochs):
        began = time.perf_counter()
        _pass(model, loaders["train"], device, optimizer)
        scheduler.step()
        accuracy = _pass(model, loaders["val"], device, None)
        if accuracy > best_acc:
            best_acc, best = accuracy, copy.deepcopy(model.state_dict())
        yield Epoch(accuracy, time.perf_counter() - began)
    model.load_state_dict(best)


def _pass(model: nn.Module, loader: DataLoader, device: torch.device, optimizer: torch.optim.Optimizer | None) -> float:
    model.train(optimizer is not None)
    loss_sum, correct, seen = 0.0, 0, 0
    for batch, labels in loader:
        inputs, targets = batch.to(device), labels.to(device)
        with torch.set_grad_enabled(optimizer is not None):
            outputs = model(inputs)
            loss = nn.functional.cross_entropy(outputs, targets)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += int((outputs.argmax(1) == targets).sum())
        seen += len(labels)
    return correct / seen


def _loader(folder: Path, split: str, recipe: Recipe) -> DataLoader:
    found = images(folder, split, recipe)
    # forked, as they are by default, also where this process was spawned: each would import torch anew
    return DataLoader(found, recipe.batch_size, shuffle=True, num_workers=WORKERS, multiprocessing_context="fork")


def images(folder: Path, split: str, recipe: Recipe) -> datasets.ImageFolder:
    """A split with the tutorial's transforms, each image decoded whenever it is asked for."""
    if split == "train":
        steps = [transforms.RandomResizedCrop(recipe.image_size, scale=(recipe.smallest_crop, 1.0))]
        steps += [transforms.RandomHorizontalFlip()] if recipe.flip else []
    else:
        steps = [transforms.Resize(recipe.resize_size), transforms.CenterCrop(recipe.image_size)]
    steps += [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    return datasets.ImageFolder(folder, transforms.Compose(steps))
