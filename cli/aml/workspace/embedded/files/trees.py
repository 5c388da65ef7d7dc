"""Copies of folders that a job wrote: whatever is in them, a copy ends, and holds no more than files and folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def copy_tree(source: Path, target: Path) -> None:
    """Copy the content of a folder into `target`, over what is there.

    A link is copied as what it leads to. Left out are links that lead nowhere or to a folder that they are in, and
    what has no content: pipes, sockets, devices. Files are written anew, never through a link that is in their place.
    """
    _copy_folder(source, target, {os.path.realpath(source)})


def _copy_folder(source: Path, target: Path, above: set[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            place = target / entry.name
            if _is(entry, folder=True):
                real = os.path.realpath(entry.path)
                if real not in above:
                    _copy_folder(Path(entry.path), place, above | {real})
            elif _is(entry, folder=False):
                copy_file(Path(entry.path), place)


def copy_file(source: Path, target: Path) -> None:
    """The content alone: the copy of a read-only file is its owner's to change."""
    if target.is_symlink():
        target.unlink()
    shutil.copyfile(source, target)


def _is(entry: os.DirEntry[str], *, folder: bool) -> bool:
    try:
        return entry.is_dir() if folder else entry.is_file()
    except OSError:  # a link that leads to itself
        return False
