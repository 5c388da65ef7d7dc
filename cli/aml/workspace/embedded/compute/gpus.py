"""NVIDIA devices of this machine, found without torch: nvidia-smi tells of them, else what the driver has in /proc."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aml.errors import BackendError

VARIABLE = "CUDA_VISIBLE_DEVICES"

_PROC = Path("/proc/driver/nvidia/gpus")
_TIMEOUT_S = 30.0  # without persistence mode a driver takes seconds to wake up a machine of eight
_MUCH = 0.5  # of a device's memory
_GPU = re.compile(r"GPU (?P<index>\d+): (?P<name>.+) \(UUID: (?P<uuid>GPU-[\w-]+)\)")
_MIG = re.compile(r"\s+MIG (?P<name>.+?)\s+Device\s+\d+: \(UUID: (?P<uuid>MIG-[\w/-]+)\)")


@dataclass(frozen=True)
class Device:
    uuid: str  # as CUDA_VISIBLE_DEVICES takes it
    index: int  # of the GPU; instances of a divided one share it
    name: str
    gpu_uuid: str  # of the GPU: another one only for an instance
    busy: bool = False  # somebody computes on it, or most of its memory is taken


def may_be_there() -> bool:
    """Whether it is worth asking; cheap."""
    return shutil.which("nvidia-smi") is not None or _PROC.is_dir()


def devices() -> tuple[Device, ...]:
    """In the order of the driver; empty on a machine without any. `BackendError` if the driver does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return _devices_in_proc()
    listed = _run([program, "-L"])
    if listed.returncode != 0 or "No devices" in listed.stdout:
        said = (listed.stdout + listed.stderr).strip() or "it said nothing"
        if "No devices" in said:
            return ()
        raise _broken(f"exit code {listed.returncode}: {said.splitlines()[0]}")
    found = _listed(listed.stdout)
    taken = _taken(program) if found else frozenset()
    return tuple(replace(device, busy=device.gpu_uuid in taken) for device in found)


def named(text: str | None, there: Sequence[Device]) -> tuple[Device, ...]:
    """The devices that a CUDA_VISIBLE_DEVICES names, by index or by the beginning of a UUID; all without one.

    As CUDA has it: what comes after one that is not there does not count.
    """
    if text is None:
        return tuple(there)
    found: list[Device] = []
    for each in (part.strip() for part in text.split(",")):
        meant = [one for one in there if (one.index == int(each) if each.isdecimal() else _begins(one, each))]
        if not meant:
            break
        found.append(meant[0])
    return tuple(dict.fromkeys(found))


def _begins(device: Device, text: str) -> bool:
    return bool(text) and device.uuid.startswith(text)


def _listed(text: str) -> list[Device]:
    """A GPU that is divided is not there itself, its instances are."""
    found: list[Device] = []
    gpu: Device | None = None
    for line in text.splitlines():
        if match := _GPU.match(line):
            gpu = Device(match["uuid"], int(match["index"]), match["name"], match["uuid"])
            found.append(gpu)
        elif gpu is not None and (match := _MIG.match(line)):
            found = [each for each in found if each != gpu]
            found.append(Device(match["uuid"], gpu.index, f"{gpu.name} MIG {match['name']}", gpu.uuid))
    return found


def _taken(program: str) -> frozenset[str]:
    """UUIDs of the GPUs that somebody uses."""
    load = _run([program, "--query-gpu=uuid,memory.used,memory.total", "--format=csv,noheader,nounits"]).stdout
    full = {row[0] for row in _rows(load) if len(row) == 3 and _number(row[1]) > _MUCH * (_number(row[2]) or 1)}
    processes = _run([program, "--query-compute-apps=gpu_uuid,pid", "--format=csv,noheader"]).stdout
    return frozenset(full | {row[0] for row in _rows(processes) if len(row) == 2})


def _rows(text: str) -> list[list[str]]:
    return [[field.strip() for field in line.split(",")] for line in text.splitlines()]


def _number(text: str) -> float:
    """0 for `[N/A]` and the like."""
    return float(text) if text.replace(".", "", 1).isdecimal() else 0.0


def _devices_in_proc() -> tuple[Device, ...]:
    if not _PROC.is_dir():
        return ()
    found = []
    for index, folder in enumerate(sorted(_PROC.iterdir())):
        pairs = (line.partition(":") for line in (folder / "information").read_text().splitlines())
        told = {key.strip(): value.strip() for key, _, value in pairs}
        uuid = told.get("GPU UUID", "")
        if not uuid.startswith("GPU-") or "?" in uuid:
            raise _broken(f"{folder / 'information'} has no UUID", program="the NVIDIA driver")
        found.append(Device(uuid, index, told.get("Model", "GPU"), uuid))
    return tuple(found)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise _broken(f"no answer in {_TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise _broken(str(error.strerror)) from error


def _broken(why: str, *, program: str = "nvidia-smi") -> BackendError:
    return BackendError(
        f"the GPUs of this machine can't be used: {program}: {why}",
        "Repair the driver, or submit to a compute of a size without GPUs.",
    )
