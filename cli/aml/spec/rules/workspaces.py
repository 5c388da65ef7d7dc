"""The rules of workspaces and registries: keys that go with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.wording import canonical


def addresses(document: Document) -> Iterator[Problem]:
    """Who keeps all others out lets some in."""
    acls = document.mapping("network_acls")
    if canonical(str(acls.get("default_action")), ["Deny"]) and not acls.get("ip_rules"):
        message = "`network_acls` with the default_action Deny needs the key `ip_rules`."
        hint = "List the addresses that may: - value: 1.2.3.0/24."
        yield document.problem("missing-key", message, ("network_acls", "ip_rules"), hint=hint)


def subnet(document: Document) -> Iterator[Problem]:
    given = document.mapping("serverless_compute")
    if given.get("no_public_ip") is True and not given.get("custom_subnet"):
        message = "`serverless_compute` with no_public_ip needs the key `custom_subnet`."
        hint = "ARM id of the subnet that the nodes are in."
        yield document.problem("missing-key", message, ("serverless_compute", "custom_subnet"), hint=hint)


def outbound(document: Document) -> Iterator[Problem]:
    """Rules of a network: there is one, and no two have a name."""
    network = document.mapping("managed_network")
    listed = network.get("outbound_rules")
    if listed and canonical(str(network.get("isolation_mode")), ["disabled"]):
        message = "`outbound_rules` have no effect with the isolation_mode disabled."
        hint = "Write isolation_mode: allow_only_approved_outbound."
        pointer = ("managed_network", "outbound_rules")
        yield document.about_key("ignored-value", message, pointer, hint, severity="warning")
    names: set[Any] = set()
    for index, rule in enumerate(listed if isinstance(listed, list) else ()):
        name = rule.get("name") if isinstance(rule, dict) else None
        if isinstance(name, str) and name in names:
            message = f"There are two outbound rules with the name {name}."
            at = ("managed_network", "outbound_rules", index, "name")
            yield document.problem("name-collision", message, at, hint="Rename one of them.")
        names.add(name if isinstance(name, str) else None)


def regions(document: Document) -> Iterator[Problem]:
    """The first region of a registry is one of its regions."""
    listed, first = document.value("replication_locations"), document.value("location")
    regions = [item.get("location") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    known = [region.lower().replace(" ", "") for region in regions if isinstance(region, str)]
    if known and isinstance(first, str) and first.lower().replace(" ", "") not in known:
        message = f"`replication_locations` lacks the registry's own location, {first}."
        hint = f"Add - location: {first}."
        yield document.about_key("missing-key", message, ("replication_locations",), hint)


RULES = {
    "workspace": (addresses, subnet, outbound),
    "registry": (regions,),
}
