"""A report as JUnit's XML, which CI servers read: a test case per file, one failure with all of its errors."""

from __future__ import annotations

import re

from aml.spec.report import FileReport, Report
from aml.view.problems import count, problems_text

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """The text of the document."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    failures = sum(not file.valid for file in report.files)
    counts = {"tests": str(len(report.files)), "failures": str(failures), "errors": "0"}
    root = Element("testsuites", counts)
    suite = SubElement(root, "testsuite", {"name": "aml validate", **counts})
    for file in report.files:
        name = _text(file.file)
        case = SubElement(suite, "testcase", {"classname": "aml validate", "name": name, "file": name})
        if not file.valid:
            codes = ", ".join(dict.fromkeys(problem.code for problem in file.errors))
            failure = SubElement(case, "failure", {"message": count(file.errors), "type": codes})
            failure.text = _text(_told(file))
        elif file.problems:
            SubElement(case, "system-out").text = _text(_told(file))
    indent(root)
    return f"{tostring(root, encoding='unicode', xml_declaration=True)}\n"


def _told(file: FileReport) -> str:
    return problems_text(file.file, file.problems)


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
