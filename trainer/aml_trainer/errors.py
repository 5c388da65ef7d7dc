"""The errors the trainer means to show, each one sentence. `aml_trainer.__main__` prints them and exits.

The three with Azure's names are those that the designer's Train PyTorch Model ends with; the name leads the sentence.
"""

from __future__ import annotations

from typing import ClassVar


class TrainerError(Exception):
    """The data, the disk or the tracking server does not allow the training to go on."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        name, text = type(self).__name__, super().__str__()
        return f"{name}: {text}" if type(self) in _AZURE_NAMES else text


class ConfigError(TrainerError):
    """The arguments themselves are wrong."""

    exit_code = 2


class NotLabeledDatasetError(TrainerError):
    """The images are there, but no folders that say their classes."""


class InvalidDatasetError(TrainerError):
    """Training and validation images don't have the same classes, or too few of them."""


class InvalidModelDirectoryError(TrainerError):
    """A folder or file that should hold a PyTorch model holds none."""


class Stopped(TrainerError):
    """SIGTERM came; the state is saved and the training can go on from it."""

    exit_code = 143


_AZURE_NAMES = (NotLabeledDatasetError, InvalidDatasetError, InvalidModelDirectoryError)
