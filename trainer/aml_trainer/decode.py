"""Files or bytes of images as uint8 squares: for training the whole image, for validation what the model sees."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

# What Pillow's decoders raise on damaged files, besides its own UnidentifiedImageError (an OSError).
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size when that is still twice what is asked for: a third of the time.
SCALED_DECODE = 2


@dataclass(frozen=True)
class Geometry:
    """How an image becomes a square.

    With `resize_size` its shorter side is resized to that and the centre of `side` pixels cut out; with 0 the
    whole image is squeezed into the square.
    """

    side: int  # pixels
    resize_size: int = 0  # pixels

    @property
    def key(self) -> str:
        return f"{self.side}-{self.resize_size}-{SCALED_DECODE}"


def decode(source: Path | bytes, geometry: Geometry) -> tuple[Tensor, float]:
    """uint8 [3, side, side] in RGB, and the width of the image as a multiple of its height. Raises `DAMAGED`."""
    with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
        wanted = SCALED_DECODE * max(geometry.side, geometry.resize_size)
        image.draft("RGB", (wanted, wanted))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    pixels = torch.frombuffer(bytearray(_square(upright, geometry).tobytes()), dtype=torch.uint8)
    return pixels.view(geometry.side, geometry.side, 3).permute(2, 0, 1), upright.width / upright.height


def _square(image: Image.Image, geometry: Geometry) -> Image.Image:
    side = geometry.side
    if not geometry.resize_size:
        return image.resize((side, side), Image.Resampling.BILINEAR)
    scale = geometry.resize_size / min(image.size)
    width, height = (max(round(length * scale), geometry.resize_size) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    return image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + side, top + side))


def reason(error: Exception) -> str:
    """One of `DAMAGED` in words that don't name the file."""
    return "no image format that Pillow knows" if isinstance(error, UnidentifiedImageError) else str(error)


@dataclass(frozen=True)
class Decoded:
    """n squares; `problems` says why a row could not be decoded; it is black."""

    images: Tensor  # uint8 [n, 3, side, side]
    aspects: Tensor  # float32 [n], width / height
    problems: dict[int, str]


def decode_all(files: Sequence[Path], geometry: Geometry) -> Decoded:
    """All files, on as many threads as this process may use cores: Pillow lets go of the interpreter's lock."""
    images = torch.zeros((len(files), 3, geometry.side, geometry.side), dtype=torch.uint8)
    aspects = torch.ones(len(files))
    problems: dict[int, str] = {}

    def into_row(row: int) -> None:
        try:
            square, aspects[row] = decode(files[row], geometry)
        except DAMAGED as error:
            problems[row] = reason(error)
        else:
            images[row] = square

    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None) as pool:
        for _ in pool.map(into_row, range(len(files))):
            pass
    return Decoded(images, aspects, dict(sorted(problems.items())))
