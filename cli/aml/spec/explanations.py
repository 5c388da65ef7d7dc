"""What each code of a problem means, with a spec that has the problem and one that has not.

A code is a file of codes/: a sentence, more about it, and the two specs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from aml.errors import NotFound
from aml.spec.wording import did_you_mean

_FOLDER = Path(__file__).parent / "codes"
_EXAMPLES = re.compile(
    r"(?P<about>.*?)\n## Bad\n\n```(?P<bad_language>\w+)\n(?P<bad>.*?)```\n"
    r"\n## Good\n\n```(?P<good_language>\w+)\n(?P<good>.*?)```\n",
    re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    language: str  # yaml: the text of job.yml; bash: what makes job.yml; text: a file that a workspace has to judge
    text: str


@dataclass(frozen=True)
class Explanation:
    code: str
    summary: str
    details: str
    bad: Example
    good: Example


def codes() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.md"))


def explain(code: str) -> Explanation:
    """Raises `NotFound` with the code that was meant."""
    path = _FOLDER / f"{code}.md"
    if code not in codes():
        meant = did_you_mean(code, codes())
        hint = f"Did you mean {meant}?" if meant else "`aml explain` lists the codes."
        raise NotFound(f"there is no code {code}", hint)
    found = _EXAMPLES.fullmatch(path.read_text("utf-8"))
    assert found is not None, path
    summary, _, details = found["about"].partition("\n")
    bad, good = Example(found["bad_language"], found["bad"]), Example(found["good_language"], found["good"])
    return Explanation(code, summary, details.strip(), bad, good)


def summary_of(code: str) -> str:
    """The sentence about a code; the code itself where none is known."""
    return explain(code).summary if code in codes() else code
