"""Labelled images as tensors: decoded once, uint8 until a batch is made, normalised on the device.

Train and validation squares differ: validation sees the model's square, training the whole image, of which a crop
takes its part anew in every epoch (`augment`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from aml_trainer.cache import GIB, decoded
from aml_trainer.config import Config
from aml_trainer.decode import Geometry
from aml_trainer.errors import InvalidDatasetError, TrainerError
from aml_trainer.listing import Listing, list_splits
from aml_trainer.source import fetch


@dataclass(frozen=True)
class ImageSet:
    """n images, or their features, with the number of their class."""

    images: Tensor  # uint8 [n, 3, side, side], RGB; or float32 [n, features]
    labels: Tensor  # int64 [n]
    aspects: Tensor  # float32 [n], width / height of the image in its file

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor | slice) -> ImageSet:
        return ImageSet(self.images[rows], self.labels[rows], self.aspects[rows])

    def to(self, device: torch.device) -> ImageSet:
        """On `device`, when it has room for it twice; else the images stay in memory and go there by batch."""
        images = self.images.to(device) if _has_room(device, 2 * self.images.nbytes) else self.images
        return ImageSet(images, self.labels.to(device), self.aspects.to(device))


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation per channel, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, images: Tensor) -> Normalisation:
        """Source: all pixels of `images`; a channel without contrast gets the std of one grey level."""
        counts = torch.zeros(3, 256, dtype=torch.float64)
        for part in torch.split(images, 1024):  # the counts of levels say all, and take no memory
            counts += torch.stack([torch.bincount(part[:, channel].flatten(), minlength=256) for channel in range(3)])
        levels, total = torch.arange(256, dtype=torch.float64) / 255, counts.sum(1)
        mean = (counts * levels).sum(1) / total
        variance = (counts * (levels - mean[:, None]) ** 2).sum(1) / (total - 1).clamp_min(1)
        std = variance.sqrt().clamp_min(1 / 255)
        return cls((float(mean[0]), float(mean[1]), float(mean[2])), (float(std[0]), float(std[1]), float(std[2])))

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 or float [n, 3, side, side] of 0 to 255 as float32 of the same shape, channels last."""
        shape = (1, 3, 1, 1)
        # one multiplication and one addition: (x / 255 - mean) / std
        scale = torch.tensor([1 / (255 * std) for std in self.std], device=images.device).view(shape)
        offset = torch.tensor(
            [-mean / std for mean, std in zip(self.mean, self.std, strict=True)], device=images.device
        ).view(shape)
        return images.to(torch.float32, memory_format=torch.channels_last).mul(scale).add_(offset)


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Data:
    """What a training reads: both sets, the names of the classes, and how many images were left out."""

    train: ImageSet
    val: ImageSet
    classes: list[str]
    skipped: int = 0


def load(config: Config) -> Data:
    """Both sets in memory, or mapped from the cache."""
    folder = fetch(config.data, config.cache_dir)
    train, val, classes = list_splits(folder, val_split=config.val_split, seed=config.seed)
    train_set, train_skipped = _decode(train, train_geometry(config), config)
    val_set, val_skipped = _decode(val, val_geometry(config), config)
    for name, images in (("training", train_set), ("validation", val_set)):
        if gone := sorted(set(range(len(classes))) - set(images.labels.tolist())):
            raise InvalidDatasetError(f"{folder}: no {name} image of {classes[gone[0]]!r} can be read")
    return Data(train_set, val_set, classes, train_skipped + val_skipped)


def train_geometry(config: Config) -> Geometry:
    """A random crop is taken of the whole image, squeezed: the crop knows its aspect and undoes that."""
    if config.random_crop and not config.freeze_backbone:
        return Geometry(config.resize_size or config.image_size)
    return val_geometry(config)


def val_geometry(config: Config) -> Geometry:
    return Geometry(config.image_size, config.resize_size)


def count_batches(count: int, batch_size: int) -> int:
    return max(1, count // batch_size)


def batches(count: int, batch_size: int, *, seed: int, epoch: int, first: int = 0) -> Iterator[Tensor]:
    """Rows of the batches of an epoch in random order, from batch `first` on.

    A short last batch is left out, a set smaller than a batch is one batch. The order depends on seed and epoch
    alone, so that a resumed epoch goes on in it.
    """
    order = torch.randperm(count, generator=generator(seed, epoch))
    size = min(batch_size, count)
    for number in range(first, count_batches(count, batch_size)):
        yield order[number * size : (number + 1) * size]


def generator(*numbers: int) -> torch.Generator:
    """A source of random numbers on the CPU that depends on `numbers` alone."""
    mixed = 0
    for number in numbers:  # splitmix64's step: neighbouring seeds give unlike streams
        mixed = (mixed + number + 0x9E3779B97F4A7C15) % 2**64
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        mixed ^= mixed >> 31
    return torch.Generator().manual_seed(mixed % 2**63)


def _decode(listing: Listing, geometry: Geometry, config: Config) -> tuple[ImageSet, int]:
    result = decoded(listing.files, geometry, cache_dir=config.cache_dir, limit_bytes=int(config.cache_size * GIB))
    everything = ImageSet(result.images, torch.tensor(listing.labels), result.aspects)
    if not result.problems:
        return everything, 0
    problems = [f"{listing.files[row]} can't be read as an image: {why}" for row, why in result.problems.items()]
    if not config.skip_bad_images:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise TrainerError(f"{problems[0]}{more}; --skip-bad-images leaves them out")
    for problem in problems:
        print(f"skipped: {problem}", file=sys.stderr)
    kept = torch.tensor([row for row in range(len(listing.files)) if row not in result.problems])
    return everything[kept], len(problems)


def _has_room(device: torch.device, size_bytes: int) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return size_bytes <= free
