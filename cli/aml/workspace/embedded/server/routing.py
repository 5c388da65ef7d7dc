"""What the loopback server hands to handlers, and the table that finds them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.server.wire import Body, Response

MAX_JSON_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Principal:
    """Who asks: the workspace's owner, or one of its jobs."""

    user: str
    job_name: str | None = None


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # not decoded
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: Body
    principal: Principal | None  # None only on public routes
    variables: Mapping[str, str] = field(default_factory=dict)  # decoded parts of the path

    def arguments(self) -> dict[str, Any]:
        """The JSON object of the body, or the query; a name that the query repeats has a list."""
        query = {name: values[0] if len(values) == 1 else list(values) for name, values in self.query.items()}
        if self.method == "GET":
            return query
        raw = self.body.read(MAX_JSON_BYTES)
        if not raw:
            return query
        try:
            decoded = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise RequestError("BAD_REQUEST", f"The request's body is not JSON: {error}") from error
        if not isinstance(decoded, dict):
            raise RequestError("BAD_REQUEST", "The request's body is not a JSON object.")
        return decoded


Handler = Callable[[Request], Response | Mapping[str, Any]]
Authorize = Callable[[str | None], Principal | None]


@dataclass(frozen=True)
class Route:
    """`pattern` is a path with `{name}` for one part of it and `{name...}` for the rest."""

    method: str
    pattern: str
    handler: Handler
    public: bool = False  # answered without a token


class Table:
    """Routes by method and path; plain paths are found at once, patterns in their order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.pattern:
                self._patterns.append((_compiled(route.pattern), route))
            else:
                self._plain[route.method, route.pattern] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route, with the decoded variables of its path."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, {}
        for pattern, route in self._patterns:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+(?:\.\.\.)?)\}", pattern)  # text and variables in turn
    for index, part in enumerate(parts):
        if index % 2 == 0:
            parts[index] = re.escape(part)
        else:
            parts[index] = f"(?P<{part[:-3]}>.+)" if part.endswith("...") else f"(?P<{part}>[^/]+)"
    return re.compile("".join(parts))
