"""The rules of datastores. Nothing here may show a value of `credentials`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.wording import short

_OF_THE_WORKSPACE = (
    *("workspaceblobstore", "workspacefilestore"),
    *("workspaceartifactstore", "workspaceworkingdirectory"),
)
_NAMES: Mapping[str, tuple[str, str]] = {
    "account_name": (r"[a-z0-9]{3,24}", "3 to 24 small letters and digits"),
    **dict.fromkeys(
        ("container_name", "file_share_name", "filesystem"),
        (r"\$(root|web|logs)|(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 small letters, digits and single -"),
    ),
}
"""Key -> what Azure Storage takes for a name there, as a pattern and in words."""


def names(document: Document) -> Iterator[Problem]:
    """Names that the storage service can't have: doubts, since a file may hold a placeholder."""
    for key, (pattern, words) in _NAMES.items():
        value = document.value(key)
        if isinstance(value, str) and value.strip() and not re.fullmatch(pattern, value.strip()):
            message = f"`{key}` is '{short(value)}', which Azure Storage can't have as a name."
            yield document.problem("doubtful-name", message, (key,), hint=f"It takes {words}.", severity="warning")


def of_the_workspace(document: Document) -> Iterator[Problem]:
    name = str(document.value("name"))
    if name.lower() in _OF_THE_WORKSPACE:
        message = f"`{name}` is a datastore that every workspace has: this changes it."
        hint = "Give another name, if a new datastore is meant."
        yield document.problem("reserved-name", message, ("name",), hint=hint, severity="warning")
    elif "-" in name:
        message = f"`name` is '{short(name)}'; some tools of Azure ML take no - in the name of a datastore."
        hint = f"Did you mean {short(name.replace('-', '_'))}?"
        yield document.problem("doubtful-name", message, ("name",), hint=hint, severity="warning")


def endpoint(document: Document) -> Iterator[Problem]:
    """The suffix of a storage account's address; OneLake's is a whole host."""
    value = document.value("endpoint")
    account = str(document.value("account_name"))
    if isinstance(value, str) and ("/" in value or value.startswith(f"{account}.")):
        message = f"`endpoint` is '{short(value)}'; it is the suffix of the service's addresses."
        hint = "Write core.windows.net, without the name of the account; or leave the key out."
        yield document.problem("doubtful-value", message, ("endpoint",), hint=hint, severity="warning")


def credentials(document: Document) -> Iterator[Problem]:
    """Secrets of another form than their key says, and the two names of one key."""
    given = document.mapping("credentials")
    if "authority_url" in given and "authority_uri" in given:
        message = "`authority_url` and `authority_uri` are one key."
        yield document.about_key("exclusive-keys", message, ("credentials", "authority_uri"), "Keep `authority_url`.")
    key, token = str(given.get("account_key")), str(given.get("sas_token"))
    if "AccountKey=" in key:
        hint = "Give what stands after AccountKey=, up to the next semicolon."
        yield _doubt(document, "account_key", "a connection string, not a key", hint)
    if token.startswith(("http:", "https:")):
        yield _doubt(document, "sas_token", "a URL, not a token", "Give what stands after the question mark.")


def _doubt(document: Document, key: str, what: str, hint: str) -> Problem:
    message = f"`credentials.{key}` is {what}."
    return document.problem("doubtful-value", message, ("credentials", key), hint=hint, severity="warning")


_ACCOUNT = (names, of_the_workspace, endpoint, credentials)

RULES = {
    "azure_blob": _ACCOUNT,
    "azure_file": _ACCOUNT,
    "azure_data_lake_gen1": (of_the_workspace, credentials),
    "azure_data_lake_gen2": _ACCOUNT,
    "one_lake": (of_the_workspace, credentials),
}
