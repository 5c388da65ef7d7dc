"""SIGTERM, noticed between two steps by all processes at the same one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import cast

import torch
from torch import distributed

from aml_trainer.distributed import Layout


class StopSignal:
    """Whether the training is to stop; `seen` is a meeting of all processes, so each must ask as often."""

    def __init__(self, layout: Layout) -> None:
        self._came = False
        # on the CPU also where the training talks by nccl: a device would have to be waited for
        self._group = (
            None if layout.is_alone else cast("distributed.ProcessGroup", distributed.new_group(backend="gloo"))
        )

    def catch(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True

    def seen(self) -> bool:
        if self._group is None:
            return self._came
        came = torch.tensor(int(self._came))
        distributed.all_reduce(came, distributed.ReduceOp.MAX, group=self._group)
        return bool(came)


@contextmanager
def stop_signal(layout: Layout) -> Iterator[StopSignal]:
    stop = StopSignal(layout)
    before = signal.signal(signal.SIGTERM, stop.catch)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
