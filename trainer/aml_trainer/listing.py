"""Labelled image folders as lists of files: train/<class>/* and val/<class>/*, or <class>/* that is split here."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aml_trainer.errors import ConfigError, InvalidDatasetError, NotLabeledDatasetError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"))
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Listing:
    """The files of one split, in the order of their classes, with the number of each one's class."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]


def list_splits(data: Path, *, val_split: float, seed: int) -> tuple[Listing, Listing, list[str]]:
    """Training files, validation files and the names of the classes, in the order of their numbers."""
    if (data / "train").is_dir() and ((data / "val").is_dir() or not val_split):
        train, val = _class_folders(data, "train"), _class_folders(data, "val")
        _check_same_classes(data, train, val)
    elif val_split:
        train, val = _split(_classes_of(data / "train" if (data / "train").is_dir() else data), val_split, seed)
    else:
        raise _no_split(data)
    if len(train) < 2:
        raise InvalidDatasetError(
            f"{data}: only one class, {next(iter(train))!r}, was found; a classifier needs at least two"
        )
    return _listing(train), _listing(val), list(train)


def list_classes(folder: Path) -> tuple[Listing, list[str]]:
    """The files of <class>/* and the names of the classes, in the order of their numbers."""
    if not folder.is_dir():
        raise ConfigError(f"--data: there is no folder {folder}")
    found = _classes_of(folder)
    return _listing(found), list(found)


def images_in(folder: Path) -> list[Path]:
    # A name with a leading dot is a leftover of an editor or of macOS, whatever its suffix says.
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def _no_split(data: Path) -> NotLabeledDatasetError | ConfigError:
    if _has_class_folders(data):
        found = ", ".join(sorted(entry.name for entry in data.iterdir() if entry.is_dir())[:5])
        return ConfigError(
            f"--data: {data} has no folder 'train'; expected train/<class>/* and val/<class>/*. It holds the folders "
            f"{found}: if they are classes, say which share to validate with, --val-split 0.2"
        )
    if loose := images_in(data):
        return _unlabelled(data, loose)
    return NotLabeledDatasetError(f"{data} has no folder 'train'; expected train/<class>/* and val/<class>/*")


def _has_class_folders(data: Path) -> bool:
    return any(entry.is_dir() and images_in(entry) for entry in data.iterdir() if entry.name not in SPLITS)


def _unlabelled(folder: Path, images: list[Path]) -> NotLabeledDatasetError:
    return NotLabeledDatasetError(
        f"{folder} holds {len(images)} images, {images[0].name} first, and no folder for each class that labels them"
    )


def _check_same_classes(data: Path, train: Mapping[str, object], val: Mapping[str, object]) -> None:
    if missing := sorted(train.keys() ^ val.keys()):
        where = [f"{name!r} only in {'train' if name in train else 'val'}" for name in missing]
        raise InvalidDatasetError(f"{data}: train and val must hold the same classes, found {', '.join(where)}")


def _class_folders(data: Path, split: str) -> dict[str, list[Path]]:
    folder = data / split
    if not folder.is_dir():
        raise NotLabeledDatasetError(
            f"{data} has no folder {split!r}; expected train/<class>/* and val/<class>/*, "
            "or a share to validate with, --val-split 0.2"
        )
    return _classes_of(folder)


def _classes_of(folder: Path) -> dict[str, list[Path]]:
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        if loose := images_in(folder):
            raise _unlabelled(folder, loose)
        raise NotLabeledDatasetError(f"{folder} has no folders of images; expected one for each class")
    found = {entry.name: images_in(entry) for entry in classes}
    if empty := [name for name, files in found.items() if not files]:
        raise InvalidDatasetError(f"{folder / empty[0]} has no images ({', '.join(sorted(SUFFIXES))})")
    return found


def _split(
    classes: Mapping[str, list[Path]], val_split: float, seed: int
) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Each class on its own, so that both parts hold all of them; at least one image stays on each side."""
    train, val = {}, {}
    for name, files in classes.items():
        if len(files) < 2:
            raise InvalidDatasetError(f"{files[0].parent} has one image; --val-split needs at least two of each class")
        shuffled = random.Random(f"{seed} {name}").sample(files, len(files))  # noqa: S311 - a split, no secret
        count = min(max(round(len(files) * val_split), 1), len(files) - 1)
        train[name], val[name] = sorted(shuffled[count:]), sorted(shuffled[:count])
    return train, val


def _listing(classes: Mapping[str, list[Path]]) -> Listing:
    files = tuple(path for paths in classes.values() for path in paths)
    labels = tuple(number for number, paths in enumerate(classes.values()) for _ in paths)
    return Listing(files, labels)
