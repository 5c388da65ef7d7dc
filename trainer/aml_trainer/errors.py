"""The errors the trainer means to show, each one sentence. `aml_trainer.__main__` prints them and exits."""

from __future__ import annotations

from typing import ClassVar


class TrainerError(Exception):
    """The data, the disk or the tracking server does not allow the training to go on."""

    exit_code: ClassVar[int] = 1


class ConfigError(TrainerError):
    """The arguments themselves are wrong."""

    exit_code = 2
