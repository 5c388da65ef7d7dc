"""A document against its JSON Schema: one problem per fault, at its line, in words.

This is not left to a general validator because of what a user sees: of an `anyOf` only the branch that was meant may
speak, enum values are compared as Azure ML compares them, ignoring case, and a misspelled key must not be reported a
second time as a missing one. The tests hold it against `jsonschema` on the same schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aml.errors import Pointer, Problem
from aml.spec.document import Document, Key, Node
from aml.spec.kinds import PARAMETERS
from aml.spec.schema.branches import TELLERS, is_exact, is_foreign, misspelled, most_like, names_told, teller_hint, told
from aml.spec.schema.files import Schema, schema_of
from aml.spec.schema.types import advised, as_text, fits, is_numeric, member, texts, wanted
from aml.spec.wording import allowed, alternatives, article, closest, did_you_mean, found, name_of, short

MOST = 100  # nobody reads more, and a file made of faults must not cost more


def check(document: Document, kind: str) -> list[Problem]:
    """The first faults, up to MOST, that the schema of `kind` finds, in the order of the document."""
    schema = schema_of(kind)
    walk = _Check(document, schema.get("properties", {}), bindable=kind in _BINDABLE)
    return list(islice(walk.node(schema, document.root, ()), MOST))


_BINDING = r"\$\{\{"  # in a pattern: it lets a binding through
_BINDABLE = frozenset({"pipeline", "pipeline-component"})


@dataclass(frozen=True)
class _Check:
    """One walk over a document and its schema, in step."""

    document: Document
    top: Mapping[str, Schema]  # the properties of the root, to say where a key belongs
    bindable: bool  # whether ${{parent.inputs.NAME}} may stand for a number

    def node(self, schema: Schema, node: Node, at: Pointer) -> Iterator[Problem]:
        if "anyOf" in schema:
            yield from self.any_of(schema, node, at)
            return
        text = as_text(schema, node)
        if text is None and not fits(schema, node.data):
            yield from self.unfit(schema, node, at)
            return
        value = node.data if text is None else text
        yield from self.value(schema, value, at)
        if isinstance(value, dict):
            yield from self.keys(schema, node, at)
            yield from self.missing(schema, node, at)
        elif isinstance(value, list) and "items" in schema:
            for index, child in node.children.items():
                yield from self.node(schema["items"], child.node, (*at, index))

    def unfit(self, schema: Schema, node: Node, at: Pointer) -> Iterator[Problem]:
        """A value of another type; of a mapping that is empty the keys that it needs are told."""
        if node.data is None and schema.get("required"):
            for key in schema["required"]:
                yield self.absent(key, schema, at)
        else:
            yield self.wrong_type(schema, node, at)

    def value(self, schema: Schema, value: Any, at: Pointer) -> Iterator[Problem]:
        if isinstance(value, str):
            if "enum" in schema and member(value, texts(schema["enum"]), exact="x-exact" in schema) is None:
                yield self.not_allowed(value, texts(schema["enum"]), at)
            elif "pattern" in schema and not self.matches(schema, value, at):
                yield self.mismatch(schema, value, at)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < schema.get("minimum", value):
                message = f"{name_of(at)} is {value}; it must be at least {schema['minimum']}."
                yield self.document.problem("out-of-range", message, at)
            elif value > schema.get("maximum", value):
                message = f"{name_of(at)} is {value}; it must be at most {schema['maximum']}."
                yield self.document.problem("out-of-range", message, at)

        elif isinstance(value, (list, dict)) and len(value) < schema.get("minItems", schema.get("minProperties", 0)):
            hint = "Give at least one item."
            yield self.document.problem("empty-value", f"{name_of(at)} is empty.", at, hint=hint)

    def matches(self, schema: Schema, value: str, at: Pointer) -> bool:
        """Whether a text has the form of a pattern, and is no binding where nothing fills one in."""
        bindable = self.bindable and not {"component", "trial"} & set(at)
        if not bindable and _BINDING in schema["pattern"] and value.lstrip().startswith("${{"):
            return False
        return re.search(schema["pattern"], value) is not None

    def keys(self, schema: Schema, node: Node, at: Pointer) -> Iterator[Problem]:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for key, (_, child) in node.children.items():
            if not isinstance(key, str):
                if properties or others is not True:
                    yield self.key_not_text(key, at)
                continue
            yield from self.key_name(schema, key, at)
            known = properties.get(key, others)
            if known is False:
                yield self.unknown(schema, node, key, at)
            elif isinstance(known, dict) and known.get("readOnly"):
                yield self.read_only(key, at)
            elif isinstance(known, dict):
                yield from self.node(known, child, (*at, key))

    def key_name(self, schema: Schema, key: str, at: Pointer) -> Iterator[Problem]:
        names = schema.get("propertyNames")
        if names is not None and not re.search(names["pattern"], key):
            yield self.mismatch(names, key, (*at, key), at_key=True)

    def missing(self, schema: Schema, node: Node, at: Pointer) -> Iterator[Problem]:
        absent = [key for key in schema.get("required", ()) if key not in node.data]
        unknown = (key for key in node.data if key not in schema.get("properties", {}))
        misspelled = {_meant(schema, node, key) for key in islice(unknown, MOST)} if absent else ()
        for key in absent:
            if key not in misspelled:
                yield self.absent(key, schema, at)

    def any_of(self, schema: Schema, node: Node, at: Pointer) -> Iterator[Problem]:
        """What the one branch finds that was meant: of the value's type, by its key `type`, else by its keys."""
        branches = [branch for branch in schema["anyOf"] if fits(branch, node.data)]
        branches = branches or [branch for branch in schema["anyOf"] if as_text(branch, node) is not None]
        if not branches:
            yield self.wrong_type(schema, node, at)
        elif len(branches) < len(schema["anyOf"]) and is_foreign(branches, node):
            yield self.foreign(schema, branches, at)
        elif len(branches) == 1:
            yield from self.node(branches[0], node, at)
        elif isinstance(node.data, dict):
            yield from self.one_of(schema, branches, node, at)
        else:
            found = [list(self.node(branch, node, at)) for branch in branches]
            yield from min(found, key=len)

    def one_of(self, schema: Schema, branches: Sequence[Schema], node: Node, at: Pointer) -> Iterator[Problem]:
        """Of several branches for a mapping."""
        absent = None
        for teller in TELLERS:
            names = names_told(branches, teller)
            key = teller if teller in node.data else misspelled(branches, node, teller)
            if names and key is None:
                absent = absent or (teller, names)
            elif names:
                name = member(node.data[key], names, exact=any(is_exact(branch, teller) for branch in branches))
                if name is None:
                    yield from self.wrong_name(node.data[key], names, (*at, key), node)
                    return
                branches = [branch for branch in branches if name in told(branch, teller)]
        meant = most_like(branches, node)
        if absent and absent[0] in meant.get("required", ()):
            yield self.absent(absent[0], schema, at, hint=teller_hint(meant, *absent))
        else:
            yield from self.node(meant, node, at)

    def wrong_name(self, value: Any, types: Sequence[str], at: Pointer, node: Node) -> Iterator[Problem]:
        if isinstance(value, str):
            yield self.not_allowed(value, types, at)
        else:
            yield self.wrong_type({"type": "string"}, node.children[at[-1]].node, at)

    def foreign(self, schema: Schema, branches: Sequence[Schema], at: Pointer) -> Problem:
        """A mapping where something else could stand too, and that has nothing of what is known here."""
        plain = [branch for branch in schema["anyOf"] if branch not in branches]
        keys = dict.fromkeys(key for branch in branches for key in _keys(branch))
        titles = [article(branch["title"]) for branch in branches]
        message = f"{name_of(at)} is a mapping with none of the keys of {alternatives(titles)}."
        hint = f"Give {wanted({'anyOf': plain})}, or a mapping with: {', '.join(keys)}."
        return self.document.problem("wrong-type", message, at, hint=hint)

    def wrong_type(self, schema: Schema, node: Node, at: Pointer) -> Problem:
        what = wanted(schema)
        if node.data is None:
            hint = f"Give {what}, or remove the key."
            return self.document.problem("wrong-type", f"{name_of(at)} has no value.", at, hint=hint)
        if schema.get("writeOnly"):
            message = f"{name_of(at)} should be {what}, not {found(node.data, shown=False)}."
            return self.document.problem("wrong-type", message, at)
        quotable = "string" in advised(schema) and not isinstance(node.data, (list, dict)) and node.raw is not None
        quoted = f'Quote it: "{node.raw}".' if quotable else None
        message = f"{name_of(at)} should be {what}, not {found(node.data)}."
        return self.document.problem("wrong-type", message, at, hint=quoted)

    def mismatch(self, schema: Schema, value: str, at: Pointer, *, at_key: bool = False) -> Problem:
        message, _, advice = schema["patternErrorMessage"].partition("; ")
        code = schema.get("x-code", "wrong-type" if is_numeric(schema) else "bad-format")
        is_hidden = at_key or not value.strip() or schema.get("writeOnly")
        subject = name_of(at) if is_hidden else f"{name_of(at)} is '{short(value)}', which"
        place = self.document.key_place(at) if at_key else None
        hint = _reference_hint(value, schema) or (f"{advice[0].upper()}{advice[1:]}." if advice else None)
        return self.document.problem(code, f"{subject} {message}.", at, hint=hint, place=place)

    def not_allowed(self, value: str, values: Sequence[str], at: Pointer) -> Problem:
        meant = did_you_mean(value, values)
        hint = f"Did you mean {meant}? {allowed(values)}" if meant else allowed(values)
        if value in PARAMETERS and at[-3:-2] == ("inputs",) and value not in values:
            hint = f"In a job the value itself stands here: {at[-2]}: VALUE. The type {value} is for components."
        return self.document.problem("not-allowed", f"{name_of(at)} can't be '{short(value)}'.", at, hint=hint)

    def absent(self, key: str, schema: Schema, at: Pointer, hint: str | None = None) -> Problem:
        about = schema.get("properties", {}).get(key, {})
        values = texts(about.get("enum", ()))
        hint = hint or (allowed(values) if values else about.get("description"))
        subject = article(schema["title"])
        subject = name_of(at) if at else f"{subject[0].upper()}{subject[1:]}"
        return self.document.problem("missing-key", f"{subject} needs the key `{key}`.", (*at, key), hint=hint)

    def unknown(self, schema: Schema, node: Node, key: str, at: Pointer) -> Problem:
        message = f"`{short(key)}` is not a key of {article(schema['title'])}."
        hint = self.belongs(schema, node, key, at) or allowed(_keys(schema))
        return self.document.about_key("unknown-key", message, (*at, key), hint)

    def belongs(self, schema: Schema, node: Node, key: str, at: Pointer) -> str | None:
        meant = _meant(schema, node, key)
        if meant:
            return f"Did you mean `{meant}`?"
        for name, below in {**schema["properties"], **self.top}.items():
            if key in below.get("properties", {}) and name not in at:
                return f"It belongs under `{name}`."
        return "It belongs at the top level: indent it less." if at and key in self.top else None

    def key_not_text(self, key: Key, at: Pointer) -> Problem:
        message = f"This key is not text: YAML reads it as {found(key)}."
        return self.document.about_key("wrong-type", message, (*at, key), "Put the key in quotes.")

    def read_only(self, key: str, at: Pointer) -> Problem:
        message = f"`{key}` is set by the workspace, not by a file."
        return self.document.about_key("read-only-key", message, (*at, key), "Remove the key.")


def _keys(schema: Schema) -> list[str]:
    """What a user may write; $schema is known, but nobody looks for it."""
    properties = schema.get("properties", {}).items()
    return [key for key, value in properties if key != "$schema" and not value.get("readOnly")]


def _meant(schema: Schema, node: Node, key: Key) -> str | None:
    return did_you_mean(str(key), [name for name in _keys(schema) if name not in node.data])


def _reference_hint(value: str, schema: Schema) -> str | None:
    scheme, colon, rest = value.partition(":")
    if scheme == "azureml" and rest and not set(rest) & set(":@/"):
        return f"Add the version: azureml:{rest}:1, or azureml:{rest}@latest."
    if colon and rest and scheme != "azureml" and closest(scheme.lower(), ["azureml"], 0.75):
        return f"Did you mean 'azureml:{rest}'?"
    versioned = "VERSION" in schema["patternErrorMessage"]
    if schema.get("x-code") == "bad-reference" and not versioned and re.search(schema["pattern"], f"azureml:{value}"):
        return f"Did you mean azureml:{value}?"
    return None
