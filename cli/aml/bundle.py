"""Where the files that travel with `aml` are: schemas/, specs/ and trainer/.

In a checkout they stand beside cli/; in a wheel they are below aml/_bundle/.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """The folder that holds schemas/, specs/ and trainer/."""
    bundled = _PACKAGE / "_bundle"
    return bundled if bundled.is_dir() else _PACKAGE.parent.parent


def schemas() -> Path:
    return root() / "schemas"


def specs() -> Path:
    return root() / "specs"
