"""What the names of images and of Azure's own environments tell of what is in them."""

from __future__ import annotations

import re

from aml.workspace.embedded.environments.conda_file import Requirements

_DISTRIBUTIONS = {
    "lightgbm": "lightgbm",
    "pytorch": "torch",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
}
_FRAMEWORK = re.compile(rf"({'|'.join(_DISTRIBUTIONS)})-(\d+(?:\.\d+)+)")
_PYTHON = re.compile(r"(?:^|-)py3(\d+)(?:-|$)")
_FRAMEWORK_IMAGE = re.compile(r"(?:^|/)(pytorch|tensorflow)/\1:v?(\d+(?:\.\d+)+)")
_PYTHON_IMAGE = re.compile(r"(?:^|/)python:(3\.\d+)")
_AZURES_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(?:curated/)?([^:@]+)")


def of_azures_name(name: str) -> Requirements:
    """What the name of a curated environment tells: AzureML-acpt-pytorch-2.8-cuda12.6 has torch 2.8."""
    packages = [f"{_DISTRIBUTIONS[each]}=={version}.*" for each, version in _FRAMEWORK.findall(name.lower())]
    python = _PYTHON.search(name.lower())
    return Requirements(f"==3.{python[1]}.*" if python else "", tuple(packages))


def of_image(image: str) -> Requirements:
    """What the name of an image tells: pytorch/pytorch:2.1.0-cuda12.1 has torch 2.1.0."""
    if match := _FRAMEWORK_IMAGE.search(image):
        return Requirements(packages=(f"{_DISTRIBUTIONS[match[1]]}=={match[2]}",))
    if match := _PYTHON_IMAGE.search(image):
        return Requirements(f"=={match[1]}.*")
    if match := _AZURES_IMAGE.match(image):
        return of_azures_name(match[1])
    return Requirements()
