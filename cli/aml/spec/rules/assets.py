"""The rules of models, data and environments."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import environments, paths


def version(document: Document) -> Iterator[Problem]:
    """`latest` is what a reference calls the version that was made last."""
    if str(document.value("version")).lower() == "latest":
        message = f"`version` is '{document.value('version')}', which is the label of whatever version is the last one."
        hint = "Give a number, or leave the key out for the next one."
        yield document.problem("reserved-name", message, ("version",), hint=hint, severity="warning")


def named_version(document: Document) -> Iterator[Problem]:
    """Where the name may be left out, there is no version either."""
    if document.value("version") is not None and "name" not in document.mapping():
        message = "`version` needs the key `name` beside it."
        yield document.problem("missing-key", message, ("name",), hint="What it is a version of.")
    yield from version(document)


RULES = {
    "model": (version, paths.model),
    "data": (named_version, paths.data),
    "data-import": (version,),
    "environment": (version, environments.environment_asset, paths.environment_asset),
}
