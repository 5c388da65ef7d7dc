"""The scoring script that a deployment names when this folder is its code."""

from __future__ import annotations

from aml_trainer.endpoint import init, run

__all__ = ["init", "run"]
