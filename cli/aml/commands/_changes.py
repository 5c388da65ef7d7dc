"""az's generic update: `--set a.b=c`, `--add tags key=value`, `--remove tags.key` over what describes an asset."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml.errors import UsageError

if TYPE_CHECKING:
    from aml.spec.document import Document

_SPECIAL = re.compile(r"([.\[\]\\])")


@dataclass(frozen=True)
class Changes:
    """What a command line asks for, in az's order: set, add, remove."""

    sets: Sequence[str]
    adds: Sequence[str]
    removes: Sequence[str]

    def apply(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, texts and mappings of texts, as they are afterwards. Raises `UsageError`."""
        from aml.spec.load import loads
        from aml.spec.overrides import apply

        document = loads(json.dumps(fields), "update", Path.cwd())
        document = apply(document, [*self.sets, *_assignments(self.adds)])
        unknown = [str(name) for name in document.data if name not in fields]
        if unknown:
            raise UsageError(f"{unknown[0]} can't be changed.", f"What can: {', '.join(fields)}.")
        changed = {name: _value(document, name, is_map=isinstance(fields[name], Mapping)) for name in fields}
        for path in self.removes:
            _remove(changed, path)
        return changed


def _assignments(adds: Sequence[str]) -> Iterator[str]:
    """`tags`, `a=1`, `b=2` as `tags.a=1`, `tags.b=2`; `tags.a=1` as it is."""
    target = ""
    for word in adds:
        key, equals, value = word.partition("=")
        if not equals:
            target = word
        elif target:
            yield f"{target}.{_SPECIAL.sub(_escaped, key)}={value}"
        else:
            yield word
    if target and target == adds[-1]:
        raise UsageError(f"--add {target}: there is nothing to add.", "Write it as --add tags key=value.")


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}"


def _value(document: Document, name: str, *, is_map: bool) -> Any:
    if not is_map:
        return _text(document, name)
    value = document.value(name)
    if not isinstance(value, dict):
        raise UsageError(f"{name} is a mapping of keys and values.", f"Write it as --set {name}.key=value.")
    return {str(key): _text(document, name, key) for key in value}


def _text(document: Document, *pointer: str) -> str | None:
    """A value as it was written: 1.10 is not 1.1."""
    from aml.spec.binding import literal_text

    node = document.node(pointer)
    if node is None or node.data is None:
        return None
    if node.children:
        raise UsageError(f"{'.'.join(pointer)} is a text, not a list or mapping.")
    return literal_text(node.data) if node.raw is None else node.raw


def _remove(fields: dict[str, Any], path: str) -> None:
    name, _, key = path.partition(".")
    if not key and name in fields:
        fields[name] = {} if isinstance(fields[name], dict) else None
    elif key and isinstance(fields.get(name), dict) and key in fields[name]:
        del fields[name][key]
    else:
        raise UsageError(f"--remove {path}: there is no {path}.")
