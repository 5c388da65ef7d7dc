"""A checked datastore document to its dataclass."""

from __future__ import annotations

from typing import Any, get_args

from aml.spec.build.parts import choice, labels, text
from aml.spec.document import Document
from aml.spec.model import Datastore, DatastoreType

_TEXTS = (
    *("account_name", "container_name", "file_share_name", "filesystem", "store_name"),
    *("one_lake_workspace_name", "endpoint", "description"),
)


def datastore(document: Document) -> Datastore:
    given: dict[str, Any] = {key: text(document, key) for key in _TEXTS}
    protocol = text(document, "protocol")
    return Datastore(
        name=text(document, "name") or "",
        type=choice(document.value("type"), get_args(DatastoreType)),
        **given,
        artifact=_artifact(document),
        protocol=protocol and protocol.lower(),
        credentials=_credentials(document),
        tags=labels(document, "tags"),
    )


def _artifact(document: Document) -> dict[str, str]:
    artifact = document.mapping("artifact")
    return {**artifact, "type": "lake_house"} if artifact else {}


def _credentials(document: Document) -> dict[str, str]:
    """As given; authority_uri is what authority_url was called once."""
    credentials = document.mapping("credentials")
    return {("authority_url" if key == "authority_uri" else key): value for key, value in credentials.items()}
