"""One report in every format."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft7Validator

from aml.errors import Problem
from aml.spec.report import FileReport, Report
from aml.view.junit import junit
from aml.view.reports import documents, github, skipped, text
from aml.view.sarif import sarif

SARIF_SCHEMA = (
    Path(__file__)
    .parents[1]
    .joinpath("node", "node_modules", "@microsoft", "jest-sarif", "lib", "schemas", "sarif-2.1.0-rtm.5.json")
)

BAD = FileReport(
    "a b/job.yml",
    (
        Problem("unknown-key", "`x` is 100 % wrong,\nhere: \x00.", ("inputs", "x"), 3, 5, "Remove it."),
        Problem("unused", "`y` is not used.", ("inputs", "y"), 4, 1, severity="warning"),
    ),
    "command: a\n",
)
WARNED = FileReport("/abs/é.yml", (Problem("unused", "`y` is not used.", (), 1, 1, severity="warning"),))
GOOD = FileReport("good.yml", ())
REPORT = Report((BAD, WARNED, GOOD), ("conda.yml",), several=True)


def test_text_counts_what_is_wrong_below_several_files() -> None:
    assert text(REPORT).splitlines()[-3:] == [
        "/abs/é.yml: valid",
        "good.yml: valid",
        "3 files: 1 error, 2 warnings",
    ]
    assert text(Report((GOOD,))) == "good.yml: valid\n"
    assert text(Report((GOOD, GOOD), several=True)).endswith("2 files: all valid\n")
    assert text(Report((), ("conda.yml",))) == "0 files: nothing to check\n"


def test_json_is_a_mapping_for_one_file_and_a_list_where_several_were_asked_for() -> None:
    assert documents(Report((GOOD,))) == {"file": "good.yml", "valid": True, "errors": [], "warnings": []}
    assert [each["valid"] for each in documents(REPORT)] == [False, True, True]
    assert documents(Report((), ("conda.yml",))) == []
    assert documents(Report((GOOD,), several=True)) == [documents(Report((GOOD,)))]
    assert documents(REPORT)[0]["errors"][0].keys() == {"path", "line", "column", "message", "code", "hint"}


def test_github_gets_one_escaped_line_per_problem() -> None:
    lines = github(REPORT).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("::error file=a b/job.yml,line=3,col=5,title=unknown-key::`x` is 100 %25 wrong,%0Ahere")
    assert lines[1] == "::warning file=a b/job.yml,line=4,col=1,title=unused::`y` is not used."


def test_the_properties_of_an_annotation_can_not_be_forged_by_a_file_name() -> None:
    line = github(Report((FileReport("a,line=9::x.yml", BAD.problems[:1]),)))
    assert line.startswith("::error file=a%2Cline=9%3A%3Ax.yml,line=3,")


def test_a_sarif_log_tells_the_same() -> None:
    log = json.loads(sarif(REPORT, version="1.2", summary_of=lambda code: f"About {code}."))
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["unknown-key", "unused"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("unknown-key", "error"),
        ("unused", "warning"),
        ("unused", "warning"),
    ]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0] == {"artifactLocation": {"uri": "a%20b/job.yml"}, "region": {"startLine": 3, "startColumn": 5}}
    assert places[2]["artifactLocation"]["uri"] == "file:///abs/%C3%A9.yml"


@pytest.mark.skipif(not SARIF_SCHEMA.exists(), reason="make install-node brings the schema")
@pytest.mark.parametrize("report", [REPORT, Report((GOOD,))], ids=["findings", "none"])
def test_a_sarif_log_is_valid_by_the_standards_schema(report: Report) -> None:
    log = json.loads(sarif(report, version="1.2", summary_of=str))
    assert [error.message for error in Draft7Validator(json.loads(SARIF_SCHEMA.read_text())).iter_errors(log)] == []


def test_junit_has_a_case_per_file_and_one_failure_with_all_its_errors() -> None:
    suite = ET.fromstring(junit(REPORT))[0]
    assert suite.attrib == {"name": "aml validate", "tests": "3", "failures": "1", "errors": "0"}
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["system-out"], []]
    failure = suite[0][0]
    assert (failure.get("message"), failure.get("type")) == ("1 error", "unknown-key")
    assert "a b/job.yml:3:5:" in str(failure.text)
    assert "\ufffd" in str(failure.text)


def test_of_the_files_that_were_left_alone_a_few_are_named() -> None:
    assert skipped(REPORT) == "not Azure ML's, so not checked: conda.yml"
    told = skipped(Report((), tuple(f"{i}.yml" for i in range(7))))
    assert told is not None
    assert told.endswith("4.yml and 2 more")
