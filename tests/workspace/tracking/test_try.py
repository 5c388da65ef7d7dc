import time, sys
def test_x(mlflow, served, tmp_path):
    e=mlflow.set_experiment("exp")
    with mlflow.start_run() as r:
        mlflow.log_param("a",1); mlflow.log_metric("m",float('nan'),step=3); mlflow.log_metric("m",float('inf'),step=4)
        mlflow.log_params({"x":1,"y":"z"})
        mlflow.log_text("hello","d/t.txt"); mlflow.log_dict({"a":1},"a.json")
        with mlflow.start_run(nested=True): mlflow.log_metric("q",1)
        print(mlflow.artifacts.list_artifacts(run_id=r.info.run_id), mlflow.artifacts.list_artifacts(run_id=r.info.run_id, artifact_path="d"))
        print(mlflow.artifacts.load_text(r.info.artifact_uri+"/d/t.txt"))
    c=mlflow.MlflowClient()
    print(c.get_run(r.info.run_id))
    from mlflow.entities import Metric
    t=time.time()
    for i in range(10): c.log_batch(r.info.run_id,[Metric('loss',j*.1,1000+j,j) for j in range(i*1000,i*1000+1000)])
    print("10k", time.time()-t)
    t=time.time()
    for i in range(200): mlflow.MlflowClient().log_metric(r.info.run_id,"one",i,step=i)
    print("per log_metric ms", (time.time()-t)*5)
    print(len(c.get_metric_history(r.info.run_id,"loss")))
    for r2 in c.search_runs([e.experiment_id], "metrics.loss > 5 and params.a = '1'", order_by=["metrics.loss DESC"]): print(r2.info.run_name)
    class M(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None): return [x*2 for x in model_input]
    with mlflow.start_run() as r:
        info=mlflow.pyfunc.log_model(name="model", python_model=M(), registered_model_name="dbl", pip_requirements=[])
    print(info.model_uri, info.artifact_path)
    print(mlflow.pyfunc.load_model("models:/dbl/1").predict([1,2]))
    print(mlflow.pyfunc.load_model(f"runs:/{r.info.run_id}/model").predict([1,2]))
    mlflow.register_model(f"runs:/{r.info.run_id}/model","dbl")
    print(c.search_model_versions("name='dbl'"))
    print(mlflow.artifacts.list_artifacts(run_id=r.info.run_id), mlflow.artifacts.list_artifacts(run_id=r.info.run_id, artifact_path="model"))
