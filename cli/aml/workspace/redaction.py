"""What must not be told: whoever shows a plan or a record, or writes a log, passes it through here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

REDACTED = "***"

_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASS|PASSWORD|PASSWD|PWD|PASSPHRASE|CREDENTIALS?|AUTH|AUTHORIZATION|"
    r"COOKIE|SAS|CONNECTION_?STRING|DSN|PAT)S?(?:_|$)",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@"  # a password in a URL
    r"|(?:^|[?&;\s])(?:sig|AccountKey|SharedAccessKey|password)=[^\s&;]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:ghp|gho|ghs|ghr|github_pat|hf|sk|xox[abp])[_-][A-Za-z0-9_-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.",  # a JSON web token
    re.IGNORECASE,
)
_HARMLESS = frozenset({"PWD", "OLDPWD"})


def redacted(variables: Mapping[str, str], declared: Collection[str] = ()) -> dict[str, str]:
    """The variables, with `***` for what is declared a secret, or looks like one by its name or by itself."""
    return {
        name: REDACTED if value and (name in declared or is_secret(name, value)) else value
        for name, value in variables.items()
    }


def redacted_document(document: Mapping[str, Any], declared: Collection[str]) -> dict[str, Any]:
    """A job's document as it may be told: also one that was stored before a variable was declared."""
    if "trial" in document:
        return {**document, "trial": redacted_document(document["trial"], declared)}
    variables = document.get("environment_variables")
    return {**document, **({"environment_variables": redacted(variables, declared)} if variables else {})}


def scrubbed(text: str) -> str:
    """A text for a log or a message, with `***` for what looks like a secret by itself."""
    return _VALUE.sub(REDACTED, text)


def is_secret(name: str, value: str) -> bool:
    if name in _HARMLESS or not value:
        return False
    return _NAME.search(name) is not None or _VALUE.search(value) is not None
