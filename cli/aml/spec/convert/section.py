"""A mapping of a v1 file: its keys whatever their case, and the usual checks of their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aml.errors import Pointer, Problem
from aml.spec.document import Document
from aml.spec.wording import allowed, did_you_mean, found, name_of


def normal(key: object) -> str:
    """`NodeCount`, `nodeCount` and `node_count` are one."""
    return re.sub(r"[_\s]", "", str(key)).lower()


@dataclass(frozen=True)
class Section:
    document: Document
    at: Pointer = ()

    @cached_property
    def keys(self) -> dict[str, str]:
        """Normal form -> the key as it is written."""
        return {normal(key): key for key in self.document.mapping(*self.at) if isinstance(key, str)}

    def pointer(self, key: str) -> Pointer:
        return (*self.at, self.keys.get(normal(key), key))

    def get(self, key: str) -> Any:
        """The value, None where there is none."""
        return self.document.value(*self.pointer(key))

    def below(self, key: str) -> Section:
        return Section(self.document, self.pointer(key))

    def problem(self, code: str, message: str, key: str, hint: str | None = None) -> Problem:
        return self.document.problem(code, message, self.pointer(key), hint=hint)

    def doubt(self, code: str, message: str, key: str, hint: str | None = None) -> Problem:
        return self.document.problem(code, message, self.pointer(key), hint=hint, severity="warning")

    def unknown(self, known: Collection[str]) -> Iterator[Problem]:
        """Keys that v1 does not have: it left them alone, so they are doubts."""
        spelled = {normal(key): key for key in known}
        for plain, key in self.keys.items():
            if plain not in spelled:
                meant = did_you_mean(plain, spelled)
                hint = f"Did you mean `{spelled[meant]}`?" if meant else allowed(sorted(known))
                message = f"`{key}` is not a key of {name_of(self.at) if self.at else 'this file'}."
                yield self.document.about_key("unknown-key", message, (*self.at, key), hint, "warning")

    def mapping(self, key: str) -> Iterator[Problem]:
        yield from self._of_type(key, dict, "a mapping")

    def listing(self, key: str) -> Iterator[Problem]:
        yield from self._of_type(key, list, "a list")

    def text(self, key: str) -> Iterator[Problem]:
        yield from self._of_type(key, str, "text")

    def switch(self, key: str) -> Iterator[Problem]:
        yield from self._of_type(key, bool, "true or false")

    def choice(self, key: str, values: Sequence[str]) -> Iterator[Problem]:
        value = self.get(key)
        if value is not None and normal(value) not in {normal(each) for each in values}:
            meant = did_you_mean(str(value), values)
            hint = f"Did you mean {meant}? {allowed(values)}" if meant else allowed(values)
            yield self.problem("not-allowed", f"{name_of(self.pointer(key))} can't be {found(value)}.", key, hint)

    def whole(self, key: str, least: int = 1) -> Iterator[Problem]:
        value = self.get(key)
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            message = f"{name_of(self.pointer(key))} should be a whole number, not {found(value)}."
            yield self.problem("wrong-type", message, key)
        elif value < least:
            message = f"{name_of(self.pointer(key))} is {value}; it must be at least {least}."
            yield self.problem("out-of-range", message, key)

    def needed(self, key: str, hint: str | None = None) -> Iterator[Problem]:
        if self.get(key) is None:
            where = name_of(self.at) if self.at else "The file"
            yield self.problem("missing-key", f"{where} needs the key `{key}`.", key, hint)

    def _of_type(self, key: str, wanted: type, words: str) -> Iterator[Problem]:
        value = self.get(key)
        if value is not None and not isinstance(value, wanted):
            message = f"{name_of(self.pointer(key))} should be {words}, not {found(value)}."
            yield self.problem("wrong-type", message, key)
