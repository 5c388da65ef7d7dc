"""Values of the command line that a shell would act on where a command puts them in.

Substitution is textual, as Azure ML's: what a file says is its author's own, but what a flag brings in may come from a
stranger, a branch name for example. Whether a value is safe depends on the quotes around its reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Pointer, Problem
from aml.spec.binding import OptionalPart, Quoted, Reference, literal_text, references, tokens
from aml.spec.document import Document, Node
from aml.spec.wording import short

_ACTED_ON = {
    "": frozenset(";&|<>$`\\\"'()*?[]{}~#\n\r"),
    '"': frozenset('"$`\\'),
    "'": frozenset("'"),
}
"""Quote -> the characters that bash does not take for themselves inside it."""

_SHOWN = 5


def from_flags(document: Document) -> bool:
    """Whether a flag gave any input."""
    inputs = document.node(("inputs",))
    return inputs is not None and any(
        node.origin or any(child.node.origin for child in node.children.values())
        for node in (inputs, *(child.node for child in inputs.children.values()))
    )


def values(document: Document) -> Iterator[Problem]:
    """Inputs that flags gave and that a command would run, or be changed by, rather than be given."""
    told: set[Pointer] = set()
    for command, inputs in _commands(document):
        for found, quote in _quoted(command):
            pointer = _source(document, (*inputs, found.name)) if found.namespace == "inputs" else None
            if pointer is not None and pointer not in told:
                for problem in _problem(document, pointer, quote):
                    told.add(pointer)
                    yield problem


def _commands(document: Document) -> Iterator[tuple[str, Pointer]]:
    """Each command of a job, also those in the files of components, and where the inputs are that it refers to."""
    owners: list[Pointer] = [(), *(("jobs", name) for name in document.mapping("jobs"))]
    for owner in owners:
        for at in ((*owner, "command"), (*owner, "trial", "command")):
            command = document.value(*at)
            if isinstance(command, str):
                yield command, (*owner, "inputs")
        for at in ((*owner, "component"), (*owner, "trial")):
            command = _command_of_file(document, at)
            if command is not None:
                yield command, (*owner, "inputs")


def _command_of_file(document: Document, at: Pointer) -> str | None:
    if not isinstance(document.value(*at), str):
        return None
    from aml.spec.rules import component_files  # which reads with these rules

    found = component_files.found(document, at)
    command = found.document.value("command") if found and found.document else None
    return command if isinstance(command, str) else None


def _source(document: Document, pointer: Pointer) -> Pointer | None:
    """The literal, or the address of data, that an input is; of a pipeline's step that of the pipeline's input."""
    value = document.value(*pointer)
    if isinstance(value, str) and pointer[0] == "jobs":
        for found in references(value):
            if found.key.startswith("parent.inputs.") and found.text == value.strip():
                return _source(document, ("inputs", found.key.removeprefix("parent.inputs.")))
    if isinstance(value, dict):
        key = "value" if "value" in value else "path"
        return (*pointer, key) if key in value else None
    return None if value is None else pointer


def _problem(document: Document, pointer: Pointer, quote: str) -> Iterator[Problem]:
    node = document.node(pointer)
    assert node is not None
    text = _text(node)
    acted_on = sorted(_ACTED_ON[quote] & set(text))
    if node.origin is None or not acted_on:
        return
    shown = " ".join(repr(char)[1:-1] if char.isspace() else char for char in acted_on[:_SHOWN])
    where = {"": "without quotes", "'": "in single quotes", '"': "in double quotes"}[quote]
    name = pointer[1] if pointer[-1] == "path" else (pointer[-2] if pointer[-1] == "value" else pointer[-1])
    message = f"The command has `{name}` {where}, and the shell acts on {shown} in '{short(text)}'."
    variable = f'Write "$AZUREML_PARAMETER_{name}" in the command: the job has the value in this variable.'
    hint = "Give the data another name." if pointer[-1] == "path" else variable
    yield document.problem("shell-unsafe", message, pointer, hint=hint, severity="warning")


def _text(node: Node) -> str:
    return literal_text(node.data) if node.raw is None else node.raw


def _quoted(command: str) -> Iterator[tuple[Reference, str]]:
    """Each reference with the quote that it stands in; "" for none."""
    shell = _Quotes()
    for token in tokens(command):
        for piece in token.tokens if isinstance(token, OptionalPart) else (token,):
            if isinstance(piece, Reference):
                shell.feed("x")  # a character that changes nothing: it may stand behind a backslash
                yield piece, shell.quote
            else:
                shell.feed(piece.value if isinstance(piece, Quoted) else piece)


class _Quotes:
    """How far into quotes a shell is after the text that it was fed; `$(...)` and backticks start anew."""

    def __init__(self) -> None:
        self.open = [("", "")]  # what opened each level, and the quote that is open in it
        self.escaped = False

    @property
    def quote(self) -> str:
        return self.open[-1][1]

    def feed(self, text: str) -> None:
        before = ""
        for char in text:
            if self.escaped:
                self.escaped = False
            else:
                self._step(char, before)
            before = char

    def _step(self, char: str, before: str) -> None:
        opener, quote = self.open[-1]
        if quote == "'":
            if char == "'":
                self.open[-1] = (opener, "")
        elif char == "\\":
            self.escaped = True
        elif char == '"':
            self.open[-1] = (opener, "" if quote else '"')
        elif char == "`":
            self._level(char, opener)
        elif char == "(" and (not quote or before == "$"):
            self.open.append(("(", ""))
        elif char == "'" and not quote:
            self.open[-1] = (opener, "'")
        elif char == ")" and not quote and opener == "(":
            self.open.pop()

    def _level(self, char: str, opener: str) -> None:
        if opener == char:
            self.open.pop()
        else:
            self.open.append((char, ""))
