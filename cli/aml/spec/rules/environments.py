"""An environment: image or build, one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aml.errors import Pointer, Problem
from aml.spec.document import Document
from aml.spec.wording import did_you_mean


def environment(document: Document) -> Iterator[Problem]:
    """The inline environment of a job; with nothing but a name it refers to one that is registered."""
    inline = document.mapping("environment")
    if inline:
        yield from _image_or_build(document, inline, ("environment",), refers="name" in inline)


def environment_asset(document: Document) -> Iterator[Problem]:
    yield from _image_or_build(document, document.mapping(), (), refers=False)


def _image_or_build(
    document: Document, environment: Mapping[str, Any], at: Pointer, *, refers: bool
) -> Iterator[Problem]:
    """image or build, one of them; conda_file goes with image."""
    if "image" in environment and "build" in environment:
        hint = "Keep one: an image that exists, or a build that makes one."
        message = "`image` and `build` exclude each other."
        yield document.about_key("exclusive-keys", message, (*at, "build"), hint)
    elif "conda_file" in environment and "image" not in environment:
        message = "`conda_file` needs the key `image` beside it."
        hint = "The packages are installed into a copy of the image."
        yield document.problem("missing-key", message, (*at, "image"), hint=hint)
    elif not refers and not any(
        key in ("image", "build") or did_you_mean(str(key), ["image", "build"]) for key in environment
    ):
        message = f"{'`environment`' if at else 'An environment'} needs the key `image`, or `build`."
        yield document.problem("missing-key", message, (*at, "image"))
