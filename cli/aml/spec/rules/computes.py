"""The rules of computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.model import AmlCompute
from aml.spec.rules import paths, triggers
from aml.spec.rules.identities import identity
from aml.spec.rules.values import whole
from aml.spec.wording import short

SHORTEST_IDLE_S = 15 * 60
LONGEST_IDLE_S = 3 * 24 * 3600
_DURATION = re.compile(
    r"P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?"
)
_UNITS_S = (604800, 86400, 3600, 60, 1)
_NODES = {"min_instances": AmlCompute.min_instances, "max_instances": AmlCompute.max_instances}


def nodes(document: Document) -> Iterator[Problem]:
    """As many nodes at the least as at the most, or fewer."""
    least, most = (whole(document.data.get(key, default)) for key, default in _NODES.items())
    if least is not None and most is not None and least > most:
        message = f"`min_instances` is {least}, more than `max_instances`, which is {most}{_default(document)}."
        yield document.problem("out-of-range", message, ("min_instances",))


def _default(document: Document) -> str:
    return "" if "max_instances" in document.data else " when left out"


def schedules(document: Document) -> Iterator[Problem]:
    """The triggers by which an instance starts and stops."""
    listed = document.value("schedules", "compute_start_stop")
    for index in range(len(listed) if isinstance(listed, list) else 0):
        yield from triggers.trigger(document.part("schedules", "compute_start_stop", index, "trigger"))


def idle_time(document: Document) -> Iterator[Problem]:
    """An instance is idle for 15 minutes at the least before it stops, and for 3 days at the most."""
    minutes, text = (document.value(f"idle_time_before_shutdown{end}") for end in ("_minutes", ""))
    if minutes is not None and text is not None:
        message = "`idle_time_before_shutdown` has no effect beside `idle_time_before_shutdown_minutes`."
        pointer = ("idle_time_before_shutdown",)
        yield document.about_key("ignored-value", message, pointer, "Keep one of them.", severity="warning")
    in_minutes = whole(minutes)
    given = {
        "idle_time_before_shutdown_minutes": in_minutes * 60 if in_minutes is not None else None,
        "idle_time_before_shutdown": _seconds(text) if isinstance(text, str) else None,
    }
    for key, seconds in given.items():
        if seconds is not None and not SHORTEST_IDLE_S <= seconds <= LONGEST_IDLE_S:
            message = f"`{key}` is {document.value(key)}; allowed: 15 minutes to 3 days."
            yield document.problem("out-of-range", message, (key,), hint="PT15M to P3D, or 15 to 4320 minutes.")


def instance_name(document: Document) -> Iterator[Problem]:
    """The name of an instance is part of an address: shorter than those of clusters, no number at the end of it."""
    name = document.value("name")
    if isinstance(name, str) and (not 3 <= len(name) <= 24 or re.search(r"-[0-9]+$", name)):
        message = f"`name` is '{short(name)}', which is not a name for a compute instance."
        hint = "Use 3 to 24 letters, digits and -, with a letter first and no -NUMBER last."
        yield document.problem("bad-name", message, ("name",), hint=hint)


def applications(document: Document) -> Iterator[Problem]:
    """Ports of an instance: each is one application's."""
    listed = document.value("custom_applications")
    first: dict[int, str] = {}
    for index in range(len(listed) if isinstance(listed, list) else 0):
        name = str(document.value("custom_applications", index, "name") or index)
        ports = document.value("custom_applications", index, "endpoints")
        for place, port in enumerate(ports if isinstance(ports, list) else ()):
            published = whole(port.get("published")) if isinstance(port, dict) else None
            if published is not None and first.setdefault(published, name) != name:
                message = f"The port {published} is that of the application {first[published]} too."
                pointer = ("custom_applications", index, "endpoints", place, "published")
                yield document.problem("name-collision", message, pointer, hint="Publish them at different ports.")


def private_key(document: Document) -> Iterator[Problem]:
    if not str(document.value("ssh_settings", "ssh_private_key_file")).startswith("~"):
        yield from paths.local(document, ("ssh_settings", "ssh_private_key_file"), "The private key")


def _seconds(duration: str) -> int | None:
    """Seconds of an ISO 8601 duration without months and years."""
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        return None
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS_S, strict=True))


RULES = {
    "amlcompute": (nodes, identity),
    "computeinstance": (schedules, idle_time, instance_name, applications, identity),
    "virtualmachine": (private_key,),
    "kubernetes": (identity,),
    "synapsespark": (identity,),
}
