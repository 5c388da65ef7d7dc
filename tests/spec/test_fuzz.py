"""Whatever is in a file or a flag, nothing but aml's own errors leaves the reader, the checks and the binder.

AML_FUZZ_EXAMPLES says how long each fuzzer goes on; CI wants more than a run of the tests.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aml.errors import AmlError
from aml.spec.binding import bind, references, suspects
from aml.spec.convert import converted
from aml.spec.discover import is_azure_ml
from aml.spec.document import Document
from aml.spec.load import loads
from aml.spec.overrides import apply
from aml.spec.parse import parse
from aml.spec.targets import FolderSize, judge

SPECS = Path(__file__).parents[1] / "specs"
TEXTS = [path.read_text("utf-8") for path in sorted((SPECS / "valid").glob("*.yml"))]
DATA = [yaml.safe_load(text) for text in TEXTS]
WORDS = "command environment inputs outputs type path azureml:a:1 : { } [ ] , &a *a << !!int !x ' | > ? # @ % - é --- 1"
WORDS += " 0x 1e5 2026-01-01 2026-99-99 ~ yes .inf ${{inputs.a}} $[[ jobs trial component"
PIECES = st.sampled_from(
    [*WORDS.split(), ": ", "- ", '"', " ", "\n", "\n  ", "\n---\n", "\t", "\x00", "\ufeff", "\u2028"]
)
RUN = loads("command: echo\n", "a.runconfig", Path("/"))  # what a HyperDrive configuration samples
KEYS = sorted({str(key) for data in DATA for key in data} | {"type", "path", "value", "values", "name"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from(["9" * 5_000, "-1", "0x", "1_000", "\u0664"]),  # what looks like a number
    st.floats(),
    st.dates(),
    st.text(max_size=5),
    st.sampled_from(
        ["${{inputs.a}}", "${{parent.jobs.x.outputs.y}}", "azureml:a:1", "a@latest", "./x", "../..", "1e-3", "9" * 5000]
    ),
    st.sampled_from(KEYS),
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | SCALARS, below, max_size=3),
    max_leaves=6,
)

fuzzed = settings(
    max_examples=int(os.environ.get("AML_FUZZ_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def take(document: Document) -> None:
    """Everything that is done with a document of a stranger."""
    is_azure_ml(document)
    for target in ("azure", "local"):
        judge(document, target, lambda _: FolderSize(1, 1))
    with suppress(AmlError):
        parse(document)
    with suppress(AmlError):
        converted(document, document.folder, RUN, None)


@fuzzed
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(AmlError):
        take(loads(text, "job.yml", Path("/")))


@fuzzed
@given(st.data())
def test_a_spec_with_any_piece_put_in_or_cut_out_is_read_or_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(st.lists(PIECES, max_size=4).map("".join)) + text[end:]
    with suppress(AmlError):
        take(loads(text, "job.yml", SPECS / "valid"))


@fuzzed
@given(st.data())
def test_a_spec_with_any_values_is_read_or_refused(data: st.DataObject) -> None:
    changed = copy.deepcopy(data.draw(st.sampled_from(DATA)))
    for _ in range(data.draw(st.integers(1, 4))):
        holder = data.draw(st.sampled_from(list(holders(changed))))
        value = data.draw(VALUES)
        if isinstance(holder, list):
            holder.append(value)
        else:
            holder[data.draw(st.sampled_from([*sorted(holder, key=str), *KEYS]))] = value
    with suppress(AmlError):
        take(loads(yaml.safe_dump(changed, allow_unicode=True), "job.yml", SPECS / "valid"))


@fuzzed
@given(st.text(), st.text(max_size=8), st.text(max_size=8))
def test_any_flags_are_put_in_or_refused(value: str, key: str, below: str) -> None:
    document = loads("command: echo ${{inputs.a}}\nenvironment: azureml:a:1\n", "job.yml", Path("/"))
    sets = [f"command={value}", f"inputs.{key}={value}", f"inputs.a={value}", f"{key}.{below}={value}", f"code={value}"]
    for assignment in sets:
        with suppress(AmlError):
            take(apply(document, [assignment]))
    with suppress(AmlError):
        take(apply(document, sets))


@fuzzed
@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)), st.text(), st.booleans())
def test_any_text_is_bound(text: str, value: str, final: bool) -> None:
    references(text)
    suspects(text)
    bind(text, {"inputs.a": value}, {"inputs.b"}, final=final)


def holders(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from holders(item)
