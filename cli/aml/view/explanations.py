"""A code of `aml validate` as a page."""

from __future__ import annotations

from textwrap import indent

from aml.view.color import paint


def card(*, code: str, summary: str, details: str, bad: str, good: str, color: bool) -> str:
    about = [f"{paint(code, 'bold', color)}: {summary}", *([details] if details else [])]
    bad_ = f"{paint('bad', 'red', color)}\n{indent(bad.rstrip(), '  ')}"
    good_ = f"{paint('good', 'cyan', color)}\n{indent(good.rstrip(), '  ')}"
    return "\n\n".join([*about, bad_, good_]) + "\n"
