"""The rules of endpoints: who gets how much of the traffic, and who the endpoint is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import ports
from aml.spec.rules.identities import single_identity
from aml.spec.rules.values import whole

MOST_MIRRORED = 50  # percent


def traffic(document: Document) -> Iterator[Problem]:
    """All of the requests have a deployment, or none has one: no other sum is a share of them."""
    shares = _shares(document, "traffic")
    total = sum(shares.values())
    if shares and total not in (0, 100) and len(shares) == len(document.mapping("traffic")):
        listed = " + ".join(f"{name} {share}" for name, share in shares.items())
        message = f"The traffic adds up to {total} %, not to 100 or 0: {listed}."
        yield document.about_key("out-of-range", message, ("traffic",), "Shares are percent of all requests.")
    yield from ports.alike(document, "traffic")


def mirror_traffic(document: Document) -> Iterator[Problem]:
    """A copy of some requests goes to one deployment that has no other ones."""
    mirrored, live = _shares(document, "mirror_traffic"), _shares(document, "traffic")
    if len(document.mapping("mirror_traffic")) > 1:
        message = f"`mirror_traffic` names {len(document.mapping('mirror_traffic'))} deployments; it may name one."
        hint = "Keep the deployment that is to be tried out."
        yield document.about_key("out-of-range", message, ("mirror_traffic",), hint)
    for name, share in mirrored.items():
        if share > MOST_MIRRORED:
            message = f"`mirror_traffic.{name}` is {share}; it must be at most {MOST_MIRRORED}."
            yield document.problem("out-of-range", message, ("mirror_traffic", name))
        elif share and live.get(name):
            message = f"The deployment {name} has {live[name]} % of the traffic; what it gets can't be mirrored to it."
            hint = "Mirror to a deployment that has no traffic."
            yield document.about_key("not-allowed", message, ("mirror_traffic", name), hint)


def compute(document: Document) -> Iterator[Problem]:
    if "compute" in document.data and "public_network_access" in document.data:
        message = "`compute` and `public_network_access` exclude each other."
        hint = "The first is for kubernetes endpoints, the second for managed ones."
        yield document.about_key("exclusive-keys", message, ("public_network_access",), hint)


def _shares(document: Document, key: str) -> Mapping[str, int]:
    """The shares that are numbers from 0 to 100: the others are faults already."""
    shares = ((name, _share(value)) for name, value in document.mapping(key).items())
    return {name: share for name, share in shares if share is not None}


def _share(value: Any) -> int | None:
    share = whole(value)
    return share if share is not None and 0 <= share <= 100 else None


RULES = {
    "online-endpoint": (traffic, mirror_traffic, single_identity, compute),
}
