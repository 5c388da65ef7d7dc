"""Managed identities of computes and endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.wording import canonical

_LIST = ("identity", "user_assigned_identities")


def identity(document: Document) -> Iterator[Problem]:
    """User-assigned identities are named where they are to be had, and only there."""
    given = document.mapping("identity")
    kind = canonical(str(given.get("type")), ["system_assigned", "user_assigned", "none"])
    if kind == "user_assigned" and set(given) == {"type"}:
        message = "`identity` needs the key `user_assigned_identities`."
        hint = "Give the ARM ids of the identities: - resource_id: /subscriptions/..."
        yield document.problem("missing-key", message, _LIST, hint=hint)
    elif kind in ("system_assigned", "none") and given.get("user_assigned_identities"):
        message = f"`user_assigned_identities` has no effect with the type {kind}."
        yield document.about_key("ignored-value", message, _LIST, "Write type: user_assigned.", severity="warning")


def single_identity(document: Document) -> Iterator[Problem]:
    """An endpoint has one of them at the most."""
    yield from identity(document)
    listed = document.value(*_LIST)
    if isinstance(listed, list) and len(listed) > 1:
        message = f"An endpoint has one user-assigned identity, not {len(listed)}."
        yield document.about_key("out-of-range", message, _LIST, "Keep one of them.")
