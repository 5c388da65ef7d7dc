"""The version of the installed distribution."""

from __future__ import annotations

DISTRIBUTION = "aml-local"


def version() -> str:
    """As installed; `0+source` where the code runs from a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(DISTRIBUTION)
    except PackageNotFoundError:
        return "0+source"
