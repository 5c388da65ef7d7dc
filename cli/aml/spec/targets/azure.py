"""What Azure ML's service would refuse, or do otherwise than this machine.

Source of the numbers: Azure ML's pages about service limits, and about snapshots of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from aml.errors import AmlError, Pointer, Problem
from aml.spec import reference
from aml.spec.binding import OptionalPart, Quoted, Reference, tokens
from aml.spec.document import Document
from aml.spec.kinds import V1
from aml.spec.rules import MOST
from aml.spec.rules.values import whole
from aml.spec.targets import Measure
from aml.spec.targets.texts import texts

MAX_SNAPSHOT_BYTES = 300 * 1024**2
MAX_BUILD_FILES, MAX_BUILD_BYTES = 100, 1024**2
MIN_TIMEOUT_S = 60
_JOBS = ("command", "sweep", "pipeline", "parallel", "spark", "automl")
_LENGTHS = {"display_name": 256, "experiment_name": 256, "description": 5_000}
_LABELS = {"tags": (50, 100, 1_000), "properties": (50, 100, 1_000)}  # how many, length of a key and of a value
_PORTS = {"inputs": 200, "outputs": 20}
_EXPERIMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_READABLE = ("azureml", "http", "https", "wasb", "wasbs", "abfs", "abfss", "adl", "file")
_OURS = re.compile(r"azureml:local([:@]|$)")
_RETIRED = re.compile(
    r"azureml:AzureML-(?:PyTorch|TensorFlow|Chainer|Scikit-learn|Minimal|Tutorial|Dask|Designer|Hyperdrive|pytorch-1\."
    r"|tensorflow-2\.[0-9]-|sklearn-0\.)"
)
_NAMED_FILE = re.compile(
    r"^\s*-\s*['\"]?(?:-[rce]|--requirement|--constraint|--editable)[\s=]+(?!\w+\+?\w*://)([^\s'\"]+)", re.MULTILINE
)
_RESERVED = ("azureml", "microsoft")


def check(document: Document, kind: str, measure: Measure) -> list[Problem]:
    if kind in V1:
        return []
    found = [_bindings(document), _environments(document, kind), _conda_files(document), _folders(document, measure)]
    if kind in _JOBS:
        found += [_lengths(document), _labels(document), _ports(document), _compute(document, kind), _timeout(document)]
    return [problem for rule in found for problem in islice(rule, MOST)]


def _bindings(document: Document) -> Iterator[Problem]:
    """Notations that are filled in here alone."""
    for pointer, text in texts(document):
        for token in _flat(text) if "$" in text else ():
            if isinstance(token, Reference) and token.text.startswith("$<<"):
                place = document.place_within(pointer, token.text, 0)
                message = f"Azure ML does not fill in {token.text}."
                hint = f"Write ${{{{{token.key}}}}}."
                yield document.problem("azure-binding", message, pointer, hint=hint, place=place)
            elif isinstance(token, Quoted):
                place = document.place_within(pointer, token.text, 0)
                message = f"Azure ML does not know the escape {token.text}."
                hint = "Put the text into a file of the code, or into an environment variable."
                yield document.problem("azure-binding", message, pointer, hint=hint, place=place)


def _flat(text: str) -> Iterator[str | Reference | Quoted]:
    for token in tokens(text):
        if isinstance(token, OptionalPart):
            yield from token.tokens
        else:
            yield token


def _environments(document: Document, kind: str) -> Iterator[Problem]:
    name = document.value("name")
    if kind == "environment" and isinstance(name, str) and name.lower().startswith(_RESERVED):
        hint = "Choose another beginning."
        message = "Azure ML keeps names that begin with AzureML or Microsoft for its own environments."
        yield document.problem("azure-environment", message, ("name",), hint=hint)
    for pointer, text in texts(document):
        if pointer[-1:] != ("environment",):
            continue
        if _OURS.match(text):
            hint = "Name one of the workspace, or give an image."
            message = f"`{text}` is the environment of this machine; Azure ML has none of that name."
            yield document.problem("azure-environment", message, pointer, hint=hint)
        elif _RETIRED.match(text):
            hint = "`az ml environment list --registry-name azureml` shows those that there are."
            message = f"`{text}` has the name of a curated environment that Azure ML no longer offers."
            yield document.problem("azure-environment", message, pointer, hint=hint, severity="warning")


def _conda_files(document: Document) -> Iterator[Problem]:
    """Files that a conda file names: Azure ML gets the conda file alone."""
    for pointer, text in texts(document):
        if pointer[-1:] != ("conda_file",) or not reference.is_local(text):
            continue
        try:
            content = Path(reference.absolute(text, document.folder)).read_text("utf-8")
        except (OSError, ValueError):
            continue  # that it is not there is said elsewhere
        for named in _NAMED_FILE.findall(content):
            hint = "Write what is in it into the conda file, or build the image from a folder."
            message = f"{Path(text).name} names {named}: Azure ML gets the conda file alone."
            yield document.problem("azure-environment", message, pointer, hint=hint)


def _folders(document: Document, measure: Measure) -> Iterator[Problem]:
    """Code that is too much for a snapshot, and build folders that are too much for an image."""
    for pointer, text in texts(document):
        is_build = pointer[-2:] == ("build", "path")
        if not (is_build or pointer[-1:] == ("code",)) or not reference.is_local(text):
            continue
        if not reference.exists(text, document.folder):
            continue
        try:
            found = measure(Path(reference.absolute(text, document.folder)))
        except AmlError as error:
            yield document.problem("unreadable", f"{error.message}.", pointer, hint=error.hint)
            continue
        if is_build and (found.files > MAX_BUILD_FILES or found.size_bytes > MAX_BUILD_BYTES):
            message = f"The build folder has {found.files:,} files and {_mib(found.size_bytes)}."
            hint = f"Azure ML takes {MAX_BUILD_FILES} files and {_mib(MAX_BUILD_BYTES)}."
            yield document.problem("azure-limit", message, pointer, hint=hint)
        elif not is_build and found.size_bytes > MAX_SNAPSHOT_BYTES:
            message = f"The code folder has {_mib(found.size_bytes)}; a snapshot can have {_mib(MAX_SNAPSHOT_BYTES)}."
            hint = "Name what the job does not need in .amlignore, and give data as an input."
            yield document.problem("azure-limit", message, pointer, hint=hint)


def _lengths(document: Document) -> Iterator[Problem]:
    for key, most in _LENGTHS.items():
        text = document.value(key)
        if isinstance(text, str) and len(text) > most:
            message = f"`{key}` has {len(text):,} characters; Azure ML takes {most:,}."
            yield document.problem("azure-limit", message, (key,))
    experiment = document.value("experiment_name")
    if isinstance(experiment, str) and experiment and not _EXPERIMENT.fullmatch(experiment):
        hint = "Use letters, digits, - and _, with a letter or digit first."
        message = f"Azure ML does not take '{experiment}' as the name of an experiment."
        yield document.problem("azure-name", message, ("experiment_name",), hint=hint)


def _labels(document: Document) -> Iterator[Problem]:
    for key, (most, key_length, value_length) in _LABELS.items():
        labels = document.mapping(key)
        if len(labels) > most:
            yield document.about_key("azure-limit", f"{len(labels)} {key}; Azure ML takes {most}.", (key,))
        for name, value in labels.items():
            if len(str(name)) > key_length or len(str(value)) > value_length:
                message = f"Azure ML takes {key} with {key_length} characters and values with {value_length:,}."
                yield document.about_key("azure-limit", message, (key, str(name)))


def _ports(document: Document) -> Iterator[Problem]:
    for namespace, most in _PORTS.items():
        ports = document.mapping(namespace)
        data = [name for name, value in ports.items() if namespace == "outputs" or isinstance(value, dict)]
        if len(data) > most:
            message = f"{len(data)} {namespace}; Azure ML takes {most} that are data."
            yield document.about_key("azure-limit", message, (namespace,))
    for pointer, path in texts(document):
        if pointer[-3:-2] in (("inputs",), ("outputs",)) and pointer[-1] == "path" and "${{" not in path:
            yield from _path(document, pointer, path)


def _path(document: Document, pointer: Pointer, path: str) -> Iterator[Problem]:
    scheme = reference.scheme(path)
    if pointer[-3] == "outputs" and scheme in (None, "file"):
        hint = "Write azureml://datastores/NAME/paths/PATH, or leave it out."
        message = "Azure ML writes an output to a datastore, not to a path of this machine."
        yield document.problem("azure-path", message, pointer, hint=hint)
    elif scheme is not None and scheme not in _READABLE:
        hint = "Copy it to a datastore and write azureml://datastores/NAME/paths/PATH."
        message = f"Azure ML does not read {scheme}: addresses for an input."
        yield document.problem("azure-path", message, pointer, hint=hint)


def _compute(document: Document, kind: str) -> Iterator[Problem]:
    hint = "Write azureml:NAME, or leave the key out for serverless compute."
    for pointer, text in texts(document):
        if pointer[-1:] not in (("compute",), ("default_compute",)) or text.lower() not in ("local", "azureml:local"):
            continue
        if kind == "command":
            message = "With `compute: local` az runs the job in docker on the machine that submits it, not in Azure."
            yield document.problem("azure-compute", message, pointer, hint=hint, severity="warning")
        else:
            message = f"Azure ML has no `compute: local` for the kind {kind}."
            yield document.problem("azure-compute", message, pointer, hint=hint)


def _timeout(document: Document) -> Iterator[Problem]:
    owners: list[Pointer] = [(), *(("jobs", name) for name in document.mapping("jobs"))]
    for owner in owners:
        for key in ("timeout", "trial_timeout"):
            timeout = whole(document.value(*owner, "limits", key))
            if timeout is not None and timeout < MIN_TIMEOUT_S:
                message = f"Azure ML makes {MIN_TIMEOUT_S} of a timeout of {timeout} s."
                yield document.problem("azure-limit", message, (*owner, "limits", key), severity="warning")


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.1f} MiB".replace(".0 ", " ")
