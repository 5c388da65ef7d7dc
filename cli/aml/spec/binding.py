"""The one grammar for what a spec leaves to be filled in, and its substitution.

`${{inputs.lr}}` and `$<<inputs.lr>>` are references. `$[[--lr ${{inputs.lr}}]]` is optional: it goes away whole when
the input has no value. `${{'text'}}` is the text itself, so `${{'${{'}}` writes a literal `${{`; `$${{` is no escape,
because Azure ML reads that as a dollar sign before a reference. All else, `$HOME` and `$$` too, is left for the shell.

Substitution is textual, as Azure ML's: nothing is quoted for a shell. It happens in stages: a reference that a stage
has no value for stays as it is for a later one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

_KEY = r"[^\W\d][\w-]*(?:\.[\w-]+)*"
_TOKEN = re.compile(
    rf"\$\{{\{{\s*(?P<braces>{_KEY})\s*\}}\}}"
    rf"|\$<<\s*(?P<angles>{_KEY})\s*>>"
    r"|\$\{\{\s*'(?P<quoted>[^']*)'\s*\}\}"
    r"|(?P<open>\$\[\[)"
)
_MARKER = re.compile(r"\$(?=\{\{|<<|\[\[)")
_NAME = r"(?:inputs|outputs|search_space)\.[\w.-]+"
_SUSPECT = re.compile(
    r"\$\{\{[^}\n]*\}{0,2}"
    rf"|(?<!\{{)\$?\{{{_NAME}\}}(?!\}})"
    rf"|(?<!\$)\{{\{{\s*{_NAME}\s*\}}\}}"
)


@dataclass(frozen=True)
class Reference:
    """`inputs.lr`: the namespace is what stands before the first dot; `name` alone has none."""

    key: str
    start: int
    end: int
    text: str  # as written
    optional: bool = False  # inside $[[ ]]

    @property
    def namespace(self) -> str:
        return self.key.partition(".")[0] if "." in self.key else ""

    @property
    def name(self) -> str:
        return self.key.partition(".")[2] or self.key


@dataclass(frozen=True)
class Quoted:
    """A text that stands for itself."""

    value: str
    text: str


@dataclass(frozen=True)
class OptionalPart:
    """`$[[ ... ]]`, with what is in it."""

    tokens: tuple[str | Reference | Quoted, ...]
    start: int
    end: int
    text: str


Token = str | Reference | Quoted | OptionalPart


def tokens(text: str) -> list[Token]:
    """`text` in pieces; the pieces of a text without bindings are the text."""
    return list(_tokens(text, 0, len(text)))


def references(text: str) -> list[Reference]:
    """Every reference in `text`, in order, with its span."""
    found: list[Reference] = []
    for token in tokens(text):
        if isinstance(token, Reference):
            found.append(token)
        elif isinstance(token, OptionalPart):
            found.extend(inner for inner in token.tokens if isinstance(inner, Reference))
    return found


def suspects(text: str) -> list[tuple[str, int]]:
    """What looks like a reference and is none, with its offset: `{inputs.x}`, `${{inputs.x}`, `${{1 + 2}}`."""
    starts = {match.start() for match in _TOKEN.finditer(text)}
    return [(match[0], match.start()) for match in _SUSPECT.finditer(text) if match.start() not in starts]


def bind(text: str, values: Mapping[str, str], absent: Collection[str] = (), *, final: bool = False) -> str:
    """`text` with the references that `values` knows, keyed `inputs.lr`, replaced.

    `$[[ ]]` goes away when it refers to something `absent`, and loses its brackets when all it refers to is known.
    The last stage is `final`: what still has no value is absent for `$[[ ]]`, and `${{'text'}}` becomes the text. Until
    then what a value brings in is kept from being read as a binding by the next stage, and so is an unfinished `${{`
    that a value could complete.
    """
    if "$" not in text or not (final or any(ref.key in values or ref.key in absent for ref in references(text))):
        return text
    return _joined([_bound(token, values, absent, final) for token in tokens(text)], final)


def literal_text(value: object) -> str:
    """A literal input as it appears in a command: `True`, `1`, `0.001`, the text itself, nothing for null."""
    return "" if value is None else str(value)


def _tokens(text: str, start: int, end: int) -> Iterator[Token]:
    while start < end:
        match = _TOKEN.search(text, start, end)
        if match is None:
            yield text[start:end]
            return
        if match.start() > start:
            yield text[start : match.start()]
        token = _optional(text, match, end) if match["open"] else _simple(match)
        yield token
        start = match.end() if isinstance(token, str) else match.start() + len(token.text)


def _simple(match: re.Match[str]) -> Reference | Quoted:
    if match["quoted"] is not None:
        return Quoted(match["quoted"], match[0])
    return Reference(match["braces"] or match["angles"], match.start(), match.end(), match[0])


def _optional(text: str, opening: re.Match[str], end: int) -> str | OptionalPart:
    """The optional part that starts at `opening`; its text alone where it never closes or refers to nothing."""
    inner: list[str | Reference | Quoted] = []
    position = opening.end()
    while True:
        token = _TOKEN.search(text, position, end)
        close = text.find("]]", position, token.start() if token else end)
        if close >= 0:
            break
        if token is None or token["open"]:
            return opening[0]
        inner.append(text[position : token.start()])
        simple = _simple(token)
        inner.append(
            Reference(simple.key, *token.span(), simple.text, True) if isinstance(simple, Reference) else simple
        )
        position = token.end()
    if not any(isinstance(token, Reference) for token in inner):
        return opening[0]
    inner.append(text[position:close])
    return OptionalPart(tuple(inner), opening.start(), close + 2, text[opening.start() : close + 2])


def _bound(token: Token, values: Mapping[str, str], absent: Collection[str], final: bool) -> str:
    match token:
        case str():
            return token if final else _guarded(token)
        case Quoted():
            return token.value if final else token.text
        case Reference():
            value = values.get(token.key)
            return token.text if value is None else value if final else _guarded(value)
        case OptionalPart():
            return _bound_optional(token, values, absent, final)
        case _:
            assert_never(token)


def _bound_optional(token: OptionalPart, values: Mapping[str, str], absent: Collection[str], final: bool) -> str:
    keys = [inner.key for inner in token.tokens if isinstance(inner, Reference)]
    known = all(key in values for key in keys)
    if any(key in absent for key in keys) or (final and not known):
        return ""
    parts = [_bound(inner, values, absent, final) for inner in token.tokens]
    if known:
        return _joined(parts, final)
    # A ] of a value must not close the brackets that a later stage reads.
    for i, inner in enumerate(token.tokens):
        if isinstance(inner, Reference) and inner.key in values:
            parts[i] = parts[i].replace("]", "${{']'}}")
    return f"$[[{_joined(parts, final=False)}]]"


def _guarded(value: str) -> str:
    """Text that a later stage must not take for, or complete to, a binding."""
    return _MARKER.sub("${{'$'}}", value)


def _joined(parts: Iterable[str], final: bool) -> str:
    """The parts in a row; before the last stage, nothing between keeps `$` and a value that starts with `{{` apart."""
    joined = ""
    for part in parts:
        if not final and _MARKER.search(joined[-2:] + part[:2]):
            joined += "${{''}}"
        joined += part
    return joined
