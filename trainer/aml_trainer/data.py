"""Labelled image folders as tensors: every image is decoded once, and stays uint8 until its batch is made."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from aml_trainer.errors import TrainerError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"))

# What Pillow's decoders raise on damaged files, besides its own UnidentifiedImageError (an OSError).
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class ImageSet:
    """n images with the number of their class."""

    images: Tensor  # uint8 [n, 3, side, side], RGB
    labels: Tensor  # int64 [n]

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> ImageSet:
        return ImageSet(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation per channel of the training images, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, images: Tensor) -> Normalisation:
        """Source: all pixels of `images`; a channel without contrast gets the std of one grey level."""
        pixels = images.transpose(0, 1).flatten(1).double() / 255
        mean, std = pixels.mean(1), pixels.std(1).clamp_min(1 / 255)
        return cls((float(mean[0]), float(mean[1]), float(mean[2])), (float(std[0]), float(std[1]), float(std[2])))

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [n, 3, side, side] as float32 of the same shape, channels last."""
        shape = (1, 3, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).view(shape)
        std = torch.tensor(self.std, device=images.device).view(shape)
        scaled = images.to(torch.float32, memory_format=torch.channels_last) / 255
        return (scaled - mean) / std


def load(data: Path, image_size: int) -> tuple[ImageSet, ImageSet, list[str]]:
    """The training set, the validation set and the names of the classes, in the order of their numbers."""
    train, val = _class_folders(data, "train"), _class_folders(data, "val")
    if missing := sorted(train.keys() ^ val.keys()):
        where = [f"{name!r} only in {'train' if name in train else 'val'}" for name in missing]
        raise TrainerError(f"{data}: train and val must hold the same classes, found {', '.join(where)}")
    if len(train) < 2:
        raise TrainerError(f"{data}: only one class, {next(iter(train))!r}, was found; a classifier needs at least two")
    return _decode_all(train, image_size), _decode_all(val, image_size), list(train)


def count_batches(images: ImageSet, batch_size: int) -> int:
    return max(1, len(images) // batch_size)


def batches(images: ImageSet, batch_size: int) -> Iterator[ImageSet]:
    """One epoch in random order. A short last batch is left out, a set smaller than a batch is one batch."""
    size = min(batch_size, len(images))
    order = torch.randperm(len(images)).to(images.labels.device)
    for number in range(count_batches(images, batch_size)):
        picked = order[number * size : (number + 1) * size]
        yield ImageSet(images.images[picked], images.labels[picked])


def augment(images: Tensor, *, rotate: float, shift: float) -> Tensor:
    """Each image turned by up to `rotate` degrees and moved by up to `shift` of its side; edges repeat outwards."""
    if not (rotate or shift):
        return images
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * math.radians(rotate)
    move = (torch.rand(n, 2) * 2 - 1) * 2 * shift  # affine_grid measures a side as 2
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack([cos, -sin, move[:, 0], sin, cos, move[:, 1]], dim=1).view(n, 2, 3).to(images.device)
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved.contiguous(memory_format=torch.channels_last)


def _class_folders(data: Path, split: str) -> dict[str, list[Path]]:
    folder = data / split
    if not folder.is_dir():
        raise TrainerError(f"{data} has no folder {split!r}; expected train/<class>/* and val/<class>/*")
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise TrainerError(f"{folder} has no folders of images; expected one for each class")
    found = {entry.name: _images_in(entry) for entry in classes}
    if empty := [name for name, files in found.items() if not files]:
        raise TrainerError(f"{folder / empty[0]} has no images ({', '.join(sorted(SUFFIXES))})")
    return found


def _images_in(folder: Path) -> list[Path]:
    # A name with a leading dot is a leftover of an editor or of macOS, whatever its suffix says.
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def _decode_all(classes: dict[str, list[Path]], image_size: int) -> ImageSet:
    files = [path for paths in classes.values() for path in paths]
    images = torch.empty((len(files), 3, image_size, image_size), dtype=torch.uint8)
    for row, path in zip(images, files, strict=True):
        row.copy_(_decode(path, image_size))
    counts = torch.tensor([len(paths) for paths in classes.values()])
    return ImageSet(images, torch.arange(len(classes)).repeat_interleave(counts))


def _decode(path: Path, image_size: int) -> Tensor:
    try:
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR)
    except _DAMAGED as error:
        raise TrainerError(f"{path} can't be read as an image: {error}") from error
    pixels = torch.frombuffer(bytearray(resized.tobytes()), dtype=torch.uint8)
    return pixels.view(image_size, image_size, 3).permute(2, 0, 1)
