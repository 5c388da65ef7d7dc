"""torchvision's classifiers by name, the weights they start from, and their last layer."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models

from aml_trainer.config import Config
from aml_trainer.errors import ConfigError, InvalidModelDirectoryError, TrainerError

FAMILIES = ("resnet*", "resnext*", "wide_resnet*", "densenet*")
WEIGHT_SUFFIXES = (".pt", ".pth", ".bin", ".safetensors")
IMAGENET_CLASSES = 1000

StateDict = Mapping[str, Tensor]


def build(config: Config, classes: int) -> nn.Module:
    """The model of `config` with a last layer for `classes` and its start weights."""
    if config.weights == "none":
        return make(config.model, classes, **_options(config))
    if config.weights == "imagenet":
        model = make(config.model, IMAGENET_CLASSES, **_options(config))
        model.load_state_dict(_imagenet(config.model))
        _replace_head(model, classes)
        return model
    model = make(config.model, classes, **_options(config))
    path = weights_file(Path(config.weights))
    _load(model, read_weights(path, allow_pickle=config.allow_pickle), path, config.model)
    return model


def make(name: str, classes: int, **options: bool) -> nn.Module:
    """The architecture `name` with random weights."""
    known = models.list_models(module=models, include=FAMILIES)
    if name not in known:
        raise ConfigError(f"--model: {name!r} is none of {', '.join(known)}")
    model: nn.Module = models.get_model(name, weights=None, num_classes=classes, **options)
    return model


def head_name(model: nn.Module) -> str:
    return "classifier" if hasattr(model, "classifier") else "fc"


def head_of(model: nn.Module) -> nn.Linear:
    """The last layer: features -> one number per class."""
    head = getattr(model, head_name(model))
    assert isinstance(head, nn.Linear)
    return head


def weights_file(path: Path) -> Path:
    """`path`, or the one file of weights in it when it is a folder: model.pt before any other."""
    if not path.exists():
        raise ConfigError(f"--weights: there is no file {path}; give a FILE, imagenet or none")
    if not path.is_dir():
        return path
    found = sorted(entry for entry in path.iterdir() if entry.suffix in WEIGHT_SUFFIXES)
    preferred = [entry for entry in found if entry.name in {"model.pt", "model.safetensors"}]
    if not (preferred or len(found) == 1):
        names = ", ".join(entry.name for entry in sorted(path.iterdir())[:5]) or "nothing"
        raise InvalidModelDirectoryError(f"{path} must hold one PyTorch model, model.pt; it holds {names}")
    return (preferred or found)[0]


def read_weights(path: Path, *, allow_pickle: bool = False) -> StateDict:
    """The state dict in `path`: a safetensors file, one of torch, or, when it is allowed, a whole pickled model."""
    loaded = read_torch(path, allow_pickle=allow_pickle)
    if isinstance(loaded, nn.Module):
        return loaded.state_dict()
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not (isinstance(loaded, dict) and loaded and all(isinstance(value, Tensor) for value in loaded.values())):
        raise InvalidModelDirectoryError(f"{path} holds a {type(loaded).__name__}, no state dict of a PyTorch model")
    return {name.removeprefix("module."): value for name, value in loaded.items()}


def read_torch(path: Path, *, allow_pickle: bool) -> Any:
    """What a file of torch or safetensors holds. Only `allow_pickle` lets it run code."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=not allow_pickle)
    except ImportError as error:
        raise TrainerError(f"{path}: reading it needs safetensors: pip install safetensors") from error
    except pickle.UnpicklingError as error:
        raise InvalidModelDirectoryError(
            f"{path} is no file of tensors alone. If it is a whole model, as torch.save(model) writes, --allow-pickle "
            "loads it: that runs whatever code the file holds, so do it with files of your own only"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, AttributeError, KeyError) as error:
        raise InvalidModelDirectoryError(f"{path} is no PyTorch model: {str(error).splitlines()[0]}") from error
    except Exception as error:
        if type(error).__name__ == "SafetensorError":
            raise InvalidModelDirectoryError(f"{path} is no safetensors file: {error}") from error
        raise


def _options(config: Config) -> dict[str, bool]:
    densenet = config.model.startswith("densenet")
    if config.memory_efficient and not densenet:
        raise ConfigError(f"--memory-efficient: only a DenseNet has it, not {config.model}")
    if config.zero_init_residual and densenet:
        raise ConfigError(f"--zero-init-residual: only a ResNet has it, not {config.model}")
    chosen = {"memory_efficient": config.memory_efficient, "zero_init_residual": config.zero_init_residual}
    return {name: True for name, value in chosen.items() if value}


def _imagenet(name: str) -> StateDict:
    try:
        state: StateDict = models.get_model_weights(name).DEFAULT.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", error)
        raise TrainerError(
            f"--weights imagenet: {name} is not in torchvision's cache ({torch.hub.get_dir()}) and can't be downloaded:"
            f" {reason}; give --weights FILE of a downloaded state dict, or --weights none to start at random"
        ) from error
    return state


def _replace_head(model: nn.Module, classes: int) -> None:
    setattr(model, head_name(model), nn.Linear(head_of(model).in_features, classes))


def _load(model: nn.Module, state: StateDict, path: Path, name: str) -> None:
    """All weights but, for another number of classes, the last layer's, which stays random and is named."""
    own, head = model.state_dict(), head_name(model)
    fitting = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
    # buffers that count batches are missing in older files
    odd = [key for key in own if key not in fitting and not key.endswith("num_batches_tracked")]
    wrong = [key for key in odd if not key.startswith(f"{head}.")] or sorted(state.keys() - own.keys())
    if wrong:
        raise InvalidModelDirectoryError(
            f"{path} holds no weights of {name}: {wrong[0]} {'differs' if wrong[0] in own else 'is unknown to it'}; "
            "--model names the architecture"
        )
    model.load_state_dict(fitting, strict=False)
    if odd:
        print(f"{path}: its last layer has other classes, so {', '.join(odd)} start at random", file=sys.stderr)
