"""The model for others: ONNX, and a folder that `mlflow.pyfunc.load_model` loads."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import warnings
from pathlib import Path

import torch
from torch import nn

from aml_trainer import files

OPSET = 17


def write_onnx(network: nn.Module, image_size: int, path: Path) -> None:
    """`images` [batch, 3, image_size, image_size], normalised, to `logits` [batch, classes]; any batch size.

    Without the package onnx there is no file, which is said and fails nothing.
    """
    if importlib.util.find_spec("onnx") is None:
        print("model.onnx is not written: pip install onnx", file=sys.stderr)
        return
    model = network.cpu().float().eval()
    example = torch.zeros(2, 3, image_size, image_size)
    with files.replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is said to go; its successor needs more packages and 2 s
        torch.onnx.export(
            model,
            (example,),
            temporary,
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        )


def write_mlmodel(folder: Path) -> None:
    """MLmodel and, in code/, this package: the folder is a model of MLflow's python_function flavor by itself."""
    package = Path(__file__).parent
    shutil.copytree(
        package, folder / "code" / package.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    lines = (
        "flavors:",
        "  python_function:",
        "    loader_module: aml_trainer.pyfunc",
        "    code: code",
        "    data: .",
        "    env:",
        "      virtualenv: python_env.yaml",
        f"    python_version: {platform.python_version()}",
    )
    files.write(folder / "MLmodel", "\n".join(lines) + "\n")
    requirements = ("torch", "torchvision", "pillow", "pandas")
    files.write(folder / "requirements.txt", "\n".join(requirements) + "\n")
    environment = f"python: {platform.python_version()}\ndependencies:\n  - -r requirements.txt\n"
    files.write(folder / "python_env.yaml", environment)
