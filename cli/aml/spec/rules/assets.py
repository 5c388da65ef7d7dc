"""The rules of models, data and environments."""

from __future__ import annotations

from aml.spec.rules import environments, paths

RULES = {
    "model": (paths.model,),
    "data": (paths.data,),
    "data-import": (),
    "environment": (environments.environment_asset, paths.environment_asset),
}
