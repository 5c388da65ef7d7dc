"""A training script that knows nothing of us: what it needs is in MLFLOW_* variables."""

import math

import mlflow

mlflow.set_experiment("birds")
with mlflow.start_run():
    mlflow.log_params({"lr": 0.1, "momentum": 0.9})
    for step in range(5):
        mlflow.log_metrics({"loss": 1 / (step + 1), "acc": 1 - 1 / (step + 2)}, step=step)
    mlflow.log_metric("diverged", math.nan)
    mlflow.set_tags({"note": "done"})
    mlflow.log_text("confusion", "report/matrix.txt")
    with mlflow.start_run(nested=True, run_name="fold 1"):
        mlflow.log_metric("acc", 0.5)
    mlflow.log_text("flavors:\n  text: {}\n", "net/MLmodel")
    uri = mlflow.get_artifact_uri("net")
    run_id = mlflow.active_run().info.run_id
version = mlflow.register_model(f"runs:/{run_id}/net", "birds-net")
print(f"registered {version.name} {version.version} from {uri}")
