"""Whatever is in a file, nothing but aml's own errors leaves the reader and the checks, and soon."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml.errors import AmlError
from aml.spec.binding import bind, references, suspects
from aml.spec.load import loads
from aml.spec.overrides import apply
from aml.spec.parse import problems

WORDS = "command environment inputs outputs type path azureml:a:1 : { } [ ] , &a *a << !!int !x ' | > ? # @ % - é --- 1"
WORDS += " 0x 1e5 2026-01-01 2026-99-99 ~ yes .inf ${{inputs.a}} $[["
PIECES = st.sampled_from(
    [*WORDS.split(), ": ", "- ", '"', " ", "\n", "\n  ", "\n---\n", "\t", "\x00", "\ufeff", "\u2028"]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(AmlError):
        problems(loads(text, "job.yml", Path("/")))


@given(st.text())
def test_any_command_is_read_or_refused(command: str) -> None:
    with suppress(AmlError):
        document = loads("{}", "job.yml", Path("/"))
        problems(apply(document, [f"command={command}", f"inputs.{command}=1", f"code={command}"]))


HOSTILE = {
    "open brackets": "$[[" * 300_000,
    "open brackets with references": "$[[${{a.b}}" * 90_000,
    "optional parts": "$[[${{a.b}}]]" * 70_000,
    "references": "${{inputs.a}}" * 70_000,
    "open braces": "${{" * 300_000,
    "open quotes": "${{'" * 200_000,
    "blanks": "${{" + " " * 900_000,
    "dots": "${{a" + ".a" * 400_000,
    "single braces": "{inputs.x" * 100_000,
}


@pytest.mark.parametrize("read", [references, suspects, lambda text: bind(text, {"a.b": "]"})])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_bindings_is_read_in_linear_time(text: str, read: Callable[[str], object]) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 5  # a quadratic reader needs hours


def test_a_file_made_of_faults_is_judged_at_once() -> None:
    keys = "\n".join(f"key{i}: 1" for i in range(3_000))
    references = " ".join(f"${{{{inputs.key{i}x}}}}" for i in range(3_000))
    inputs = "\n".join(f"  key{i}: 1" for i in range(4_000))
    started = time.process_time()
    found = problems(loads(f"command: {references}\ninputs:\n{inputs}\n{keys}\n", "job.yml", Path("/")))
    assert time.process_time() - started < 5
    assert len(found) < 500
