"""Parameters and metrics to MLflow, when MLFLOW_TRACKING_URI says where. Without it mlflow is not imported."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from aml_trainer.errors import TrainerError

LogMetrics = Callable[[Mapping[str, float], int], object]
"""Log metrics by name at a step; steps are epochs and count from 1."""


@contextmanager
def tracked_run(params: Mapping[str, object], *, active: bool = True) -> Iterator[LogMetrics]:
    """The run of MLFLOW_RUN_ID, or a new one, with `params` logged; it ends FAILED when the block raises. One
    process of several is `active`: it alone records.

    Raises TrainerError when the server can't be used, after mlflow's own retries.
    """
    if not (active and os.environ.get("MLFLOW_TRACKING_URI")):
        yield lambda *_: None
        return
    # Before the import: mlflow decides then, and the tracking server is the only address a training contacts.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise TrainerError("MLFLOW_TRACKING_URI is set, but mlflow is missing: pip install mlflow-skinny") from error
    try:
        with mlflow.start_run():
            mlflow.log_params(dict(params))
            yield lambda metrics, step: mlflow.log_metrics(dict(metrics), step=step)
    except MlflowException as error:
        raise TrainerError(f"the MLflow tracking server did not take the run's records: {error}") from error
