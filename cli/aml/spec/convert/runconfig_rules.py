"""What can be wrong in a run configuration. Source of the keys and values: v1's runconfig schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aml.errors import Problem
from aml.spec.convert.section import Section
from aml.spec.document import Document

FRAMEWORKS = ("Python", "PySpark", "CNTK", "TensorFlow", "PyTorch")
COMMUNICATORS = ("None", "ParameterServer", "OpenMpi", "Mpi", "IntelMpi", "Gloo", "Nccl")
MODES = ("Mount", "Download", "Upload")
FOLDERS = (".azureml", "aml_config")

_TOP = (
    *("script", "arguments", "command", "target", "framework", "communicator", "maxRunDurationSeconds", "nodeCount"),
    *("environment", "history", "spark", "hdi", "tensorflow", "mpi", "pyTorch", "dataReferences", "data"),
    *("outputData", "sourceDirectoryDataStore", "amlCompute", "batchAi", "containerInstance", "exposedPorts"),
    *("autoPrepareEnvironment", "prepareEnvironment", "jobName", "docker", "parallel", "priority", "identity"),
    *("credentialPassthrough", "environmentVariables", "applicationEndpoints", "services", "history"),
    *("kubernetesCompute", "cmk8sCompute", "itpCompute", "cmAksCompute", "globalJobDispatcher"),
)
_ENVIRONMENT = (
    *("name", "version", "python", "environmentVariables", "docker", "spark", "databricks", "r"),
    *("inferencingStackVersion", "assetId", "autoRebuild"),
)
_PYTHON = (
    *("userManagedDependencies", "interpreterPath", "condaDependenciesFile", "condaDependencies"),
    "baseCondaEnvironment",
)
_REFERENCE = ("dataStoreName", "pathOnDataStore", "mode", "overwrite", "pathOnCompute")


def project_of(file: Path) -> Path:
    """The folder that a run configuration's paths are relative to: the one that `.azureml` is in."""
    folder = file.absolute().parent
    return folder.parent if folder.name in FOLDERS else folder


def check(document: Document) -> Iterator[Problem]:
    if not isinstance(document.data, dict):
        message = "A run configuration is a mapping of keys and values."
        yield document.problem("wrong-type", message, ())
        return
    top = Section(document)
    yield from top.unknown(_TOP)
    yield from _run(top)
    yield from _environment(top.below("environment"))
    yield from _counts(top)
    yield from _data(top)


def _run(top: Section) -> Iterator[Problem]:
    yield from top.text("script")
    yield from top.text("target")
    yield from top.choice("framework", FRAMEWORKS)
    yield from top.choice("communicator", COMMUNICATORS)
    for key in ("environment", "dataReferences", "tensorflow", "mpi", "history"):
        yield from top.mapping(key)
    if not isinstance(top.get("arguments"), str):
        yield from top.listing("arguments")
    script = top.get("script")
    project = project_of(Path(top.document.folder) / Path(top.document.file).name)
    if isinstance(script, str) and script and not (project / script).is_file():
        hint = "It is relative to the folder that .azureml is in; the command line can name another one."
        yield top.doubt("missing-path", f"The script '{script}' does not exist.", "script", hint)
    if str(top.get("target")).lower() == "hdi" or str(top.get("framework")).lower() == "pyspark":
        hint = "Write a spark job: `aml schema show spark`."
        yield top.doubt("no-equivalent", "HDInsight and PySpark runs have no command job in v2.", "target", hint)


def _environment(environment: Section) -> Iterator[Problem]:
    python = environment.below("python")
    yield from environment.unknown(_ENVIRONMENT)
    for key in ("python", "docker", "environmentVariables"):
        yield from environment.mapping(key)
    yield from python.unknown(_PYTHON)
    yield from python.switch("userManagedDependencies")
    yield from python.text("condaDependenciesFile")
    docker = environment.below("docker")
    yield from docker.switch("enabled")
    yield from docker.text("baseImage")
    file = python.get("condaDependenciesFile")
    folder = environment.document.folder
    places = [folder, project_of(folder / "x"), *(project_of(folder / "x") / name for name in FOLDERS)]
    managed = python.get("userManagedDependencies")
    if isinstance(file, str) and file and not managed and not any((place / file).is_file() for place in places):
        yield python.problem("missing-path", f"The conda file '{file}' does not exist.", "condaDependenciesFile")


def _counts(top: Section) -> Iterator[Problem]:
    yield from top.whole("nodeCount")
    yield from top.whole("maxRunDurationSeconds")
    yield from top.below("mpi").whole("processCountPerNode")
    tensorflow = top.below("tensorflow")
    yield from tensorflow.whole("workerCount")
    yield from tensorflow.whole("parameterServerCount", 0)


def _data(top: Section) -> Iterator[Problem]:
    references = top.below("dataReferences")
    for name in references.keys.values():
        yield from references.mapping(name)
        reference = references.below(name)
        yield from reference.unknown(_REFERENCE)
        yield from reference.choice("mode", MODES)
        if str(reference.get("mode")).lower() == "upload":
            message = "A reference that uploads becomes an input here, which is only read."
            hint = "Write an output of the job in its place."
            yield reference.doubt("no-equivalent", message, "mode", hint)
