"""A report as SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from aml.errors import Problem
from aml.spec.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: Report, *, version: str, summary_of: Callable[[str], str]) -> str:
    """The text of the log. `version` is the program's; `summary_of` says in a sentence what a code means."""
    codes = sorted({problem.code for file in report.files for problem in file.problems})
    rules = [_rule(code, summary_of(code)) for code in codes]
    results = [_result(file.file, problem, codes) for file in report.files for problem in file.problems]
    run = {
        "tool": {"driver": {"name": "aml", "version": version, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, summary: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": summary}, "help": {"text": f"aml explain {code}"}}


def _result(file: str, problem: Problem, codes: list[str]) -> dict[str, Any]:
    message = f"{problem.message} {problem.hint}" if problem.hint else problem.message
    region = {"startLine": problem.line, "startColumn": problem.column}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}
    if problem.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path, "kind": "member"}]
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": problem.severity,
        "message": {"text": message},
        "locations": [location],
    }


def _uri(file: str) -> str:
    """Relative paths stay relative: the reader knows the root of its checkout."""
    path = file.replace(os.sep, "/")
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)
