"""Azure's VM sizes that computes are usually made of; vm_sizes.csv has them.

Source: Azure's documentation of each series.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from aml.workspace.records import VmSize


@cache
def vm_sizes() -> Mapping[str, VmSize]:
    """By name in lower case: Azure takes any case."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = [VmSize(row["name"], int(row["v_cp_us"]), float(row["memory_gb"]), int(row["gpus"])) for row in rows]
    return {size.name.lower(): size for size in sizes}


def vm_size(name: str | None) -> VmSize | None:
    """None for a size that the table does not have."""
    return None if name is None else vm_sizes().get(name.lower())
