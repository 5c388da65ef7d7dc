"""The rules of what runs on Spark: jobs, components and steps."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import bindings, environments, paths, ports
from aml.spec.rules.bindings import Scope
from aml.spec.rules.values import number_of
from aml.spec.wording import did_you_mean

_NEEDED = ("spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory")
_INSTANCES = "spark.executor.instances"
_DYNAMIC = "spark.dynamicAllocation.enabled"
_LEAST, _MOST = "spark.dynamicAllocation.minExecutors", "spark.dynamicAllocation.maxExecutors"


def run(document: Document, scope: Scope) -> Iterator[Problem]:
    """What a script of Spark needs, wherever it stands."""
    yield from bindings.in_texts(document, scope, (("args",),))
    yield from bindings.unused_in(document, document, (("args",),))
    for rule in (environments.environment, paths.code, paths.environment, configuration):
        yield from rule(document)


def job(document: Document) -> Iterator[Problem]:
    yield from run(document, Scope(document, "job"))


def component(document: Document) -> Iterator[Problem]:
    yield from run(document, Scope(document, "component"))


def configuration(document: Document) -> Iterator[Problem]:
    """Cores, memory and executors; as many as dynamic allocation says, or a number."""
    conf = document.mapping("conf")
    if not conf:
        return
    dynamic = str(conf.get(_DYNAMIC)).lower() == "true"
    for key in (*_NEEDED, *((_LEAST, _MOST) if dynamic else (_INSTANCES,))):
        short = key.removeprefix("spark.").replace(".", "_")  # Azure takes driver_cores too
        if key not in conf and short not in conf:
            hint = "It says how large the job is; serverless Spark takes no default."
            yield document.problem("missing-key", f"`conf` needs the key `{key}`.", ("conf", key), hint=hint)
    least, most = number_of(conf.get(_LEAST)), number_of(conf.get(_MOST))
    if dynamic and least is not None and most is not None and least > most:
        message = f"`{_LEAST}` is {least:g}, more than `{_MOST}`, which is {most:g}."
        yield document.problem("out-of-range", message, ("conf", _LEAST))


def size(document: Document) -> Iterator[Problem]:
    """A pool of the workspace, or serverless nodes."""
    if "compute" in document.data and "resources" in document.data:
        message = "`compute` and `resources` exclude each other."
        hint = "Keep one: a Spark pool that is attached, or the size of serverless nodes."
        yield document.about_key("exclusive-keys", message, ("resources",), hint)
    elif "compute" not in document.data and "resources" not in document.data:
        keys = ("compute", "resources")
        if not any(did_you_mean(str(key), keys) for key in document.data):
            hint = "Size of the serverless nodes: instance_type and runtime_version."
            message = "A spark job needs the key `resources`, or `compute`."
            yield document.problem("missing-key", message, ("resources",), hint=hint)


def modes(document: Document) -> Iterator[Problem]:
    """Spark reads and writes data where it is."""
    for namespace in ports.PORTS:
        for name, about in document.mapping(namespace).items():
            mode = about.get("mode") if isinstance(about, dict) else None
            if isinstance(mode, str) and mode.lower() in ("ro_mount", "rw_mount", "mount", "download", "upload"):
                message = f"The mode {mode.lower()} is not for spark."
                yield document.problem("not-allowed", message, (namespace, name, "mode"), hint="Write mode: direct.")


RULES = {
    "spark": (job, size, modes, ports.names, bindings.output_paths, paths.inputs),
}
