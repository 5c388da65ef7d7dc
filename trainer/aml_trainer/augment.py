"""Random crop, mirror, turn and move of a whole batch, as one resampling on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

ASPECTS = (3 / 4, 4 / 3)  # of a random crop, as torchvision's RandomResizedCrop
TRIES = 10  # to find a crop that fits, as there


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; all of it off is the image itself."""

    side: int  # pixels of the result
    crop: float = 0.0  # smallest share of the image's area; 0 is no crop
    flip: bool = False
    rotate: float = 0.0  # degrees either way
    shift: float = 0.0  # share of the side, either way

    def __bool__(self) -> bool:
        return bool(self.crop or self.flip or self.rotate or self.shift)

    def draw(self, aspects: Tensor, random: torch.Generator) -> Tensor:
        """Affine maps [n, 2, 3] from the result to the image, both measured from -1 to 1.

        Drawn on the CPU for the whole batch: the numbers are the same on every device and for any number of processes.
        """
        n = len(aspects)
        angle = (torch.rand(n, generator=random) * 2 - 1) * math.radians(self.rotate)
        move = (torch.rand(n, 2, generator=random) * 2 - 1) * 2 * self.shift  # a side is 2 long
        mirror = 1 - 2 * torch.randint(2, (n,), generator=random) if self.flip else torch.ones(n)
        scale, centre = self._boxes(aspects.cpu(), random) if self.crop else (torch.ones(n, 2), torch.zeros(n, 2))
        cos, sin = angle.cos(), angle.sin()
        first = torch.stack([cos * mirror * scale[:, 0], -sin * scale[:, 0], move[:, 0] + centre[:, 0]], dim=1)
        second = torch.stack([sin * mirror * scale[:, 1], cos * scale[:, 1], move[:, 1] + centre[:, 1]], dim=1)
        return torch.stack([first, second], dim=1)

    def _boxes(self, aspects: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Half sides and centres [n, 2] of crops, x before y, in units of each image's own half sides.

        Area and aspect are drawn as by torchvision's RandomResizedCrop, of the image as it was before it was squeezed.
        """
        n = len(aspects)
        area = torch.empty(TRIES, n).uniform_(self.crop, 1, generator=random)
        aspect = torch.empty(TRIES, n).uniform_(*map(math.log, ASPECTS), generator=random).exp()
        width, height = (area * aspect / aspects).sqrt(), (area / aspect * aspects).sqrt()
        fits = (width <= 1) & (height <= 1)
        first = fits.to(torch.uint8).argmax(0, keepdim=True)  # the first try that fits
        # where none does: the centre, with its aspect clamped to what is allowed
        clamped = aspects.clamp(*ASPECTS)
        whole = torch.stack([(clamped / aspects).clamp_max(1), (aspects / clamped).clamp_max(1)], dim=1)
        picked = torch.stack([width.gather(0, first)[0], height.gather(0, first)[0]], dim=1)
        found = fits.any(0)
        scale = torch.where(found[:, None], picked, whole)
        free = (1 - scale) * found[:, None]
        return scale, (torch.rand(n, 2, generator=random) * 2 - 1) * free


def resample(images: Tensor, maps: Tensor, side: int) -> Tensor:
    """float [n, 3, s, s] as [n, 3, side, side], channels last, seen through affine `maps`; edges repeat outwards."""
    grid = affine_grid(maps.to(images.device), [len(images), 3, side, side], align_corners=False)
    moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved.contiguous(memory_format=torch.channels_last)
