"""`aml explain`: what the codes of `aml validate` mean."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aml.commands._output import emit, emit_list
from aml.spec.explanations import Explanation, codes, summary_of
from aml.spec.explanations import explain as explanation_of
from aml.view import explanations

app = typer.Typer()


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="What stands in brackets in a message.")] = None,
) -> None:
    """Tell what a code of `aml validate` means, with a bad and a good example; list all codes without one."""
    if code is None:
        listed = [{"code": each, "summary": summary_of(each)} for each in codes()]
        emit_list(listed, {"Code": "code", "Summary": "summary"}, none="No codes.")
        return
    found = explanation_of(code.strip("[]"))
    emit(_document(found), card=lambda color: explanations.card(**_document(found), color=color))


def _document(found: Explanation) -> dict[str, Any]:
    return {
        "code": found.code,
        "summary": found.summary,
        "details": found.details,
        "bad": found.bad.text,
        "good": found.good.text,
    }
