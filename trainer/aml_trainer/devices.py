"""The device and the arithmetic of a training: what there is, what is fast on it, and what is refused."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from aml_trainer.config import Config
from aml_trainer.errors import ConfigError

BF16_CPU_FLAGS = frozenset(("avx512_bf16", "amx_bf16", "bf16"))  # x86's names and Arm's, in /proc/cpuinfo

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


@dataclass(frozen=True)
class Compute:
    """Where and how to calculate."""

    device: torch.device
    precision: str  # fp32, bf16 or fp16

    def autocast(self) -> AbstractContextManager[object]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, {"bf16": torch.bfloat16, "fp16": torch.float16}[self.precision])

    def scaler(self) -> torch.amp.GradScaler:
        """fp16's gradients vanish unless the loss is scaled up; for the others it does nothing."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")


def select(config: Config, local_rank: int = 0) -> Compute:
    """The device and precision of `config`, with torch's switches set as it says."""
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA's matrix library starts
    device = find_device(config.device, local_rank)
    precision = find_precision(config.precision, device)
    if device.type == "cpu" and config.reuse_memory:
        reuse_freed_memory()
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = config.tf32
    torch.backends.cudnn.benchmark = device.type == "cuda" and not config.deterministic
    torch.use_deterministic_algorithms(config.deterministic)
    return Compute(device, precision)


def reuse_freed_memory() -> None:
    """Let the C library keep large blocks instead of returning each to the kernel, which must clear it again.

    16 % less CPU time per image for ResNet-18 at batch 4: 4,200 page faults per image become 80. glibc only.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most it takes
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def find_device(name: str, local_rank: int = 0) -> torch.device:
    if name in {"auto", "cuda"} and torch.cuda.is_available():
        device = torch.device("cuda", local_rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    if name == "auto":
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # what torch raises for unknown names and for absent devices
        raise ConfigError(f"--device {name}: {str(error).splitlines()[0]}") from error


def find_precision(name: str, device: torch.device, cpu_flags: Callable[[], frozenset[str]] | None = None) -> str:
    """The precision that `name` means on `device`. Refuses what the device only imitates.

    auto is bf16 where CUDA has it in hardware, else fp32: on a CPU bf16 wins at large batches only (see README.md).
    """
    bf16_is_fast = _has_bf16(device, cpu_flags)
    if name == "auto":
        return "bf16" if device.type == "cuda" and bf16_is_fast else "fp32"
    if name == "bf16" and not bf16_is_fast:
        raise ConfigError(
            f"--precision bf16: this {device.type.upper()} has no bf16 instructions and would imitate them, ten times "
            "slower than fp32; use --precision fp32"
        )
    if name == "fp16" and device.type == "cpu":
        raise ConfigError("--precision fp16: a CPU only imitates it; use fp32, or bf16 where the CPU has it")
    return name


def _has_bf16(device: torch.device, cpu_flags: Callable[[], frozenset[str]] | None) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool((cpu_flags or read_cpu_flags)() & BF16_CPU_FLAGS)
    return False


def read_cpu_flags() -> frozenset[str]:
    """What the kernel says the processor can do; nothing where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(found.partition(":")[2].split())
