"""The learning rate of each step as a share of its peak."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A rise over `warmup` of all steps, then a cosine to 0, steps down, or the peak to the end."""

    kind: str  # cosine, step or constant
    steps: int  # of the whole training
    steps_per_epoch: int
    warmup: float = 0.0  # share of `steps`
    step_epochs: int = 7
    step_factor: float = 0.1

    def __call__(self, step: int) -> float:
        rise = self.warmup * self.steps
        if step < rise:
            return (step + 1) / (rise + 1)
        if self.kind == "cosine":
            return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(self.steps - rise, 1)))
        if self.kind == "step":
            return self.step_factor ** (step // self.steps_per_epoch // self.step_epochs)
        return 1.0
