"""Tokens for the workspace's loopback server: one for its owner, one for every job.

They are made from the workspace's secret, so none is stored; whoever can read the secret may do everything anyway.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

OWNER = "owner"


def secret(path: Path) -> bytes:
    """The workspace's secret, made on first use, readable by its owner alone."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}-{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(secrets.token_bytes(32))
        try:
            os.link(temporary, path)  # the first one wins
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_bytes()


def token(key: bytes, holder: str) -> str:
    """The token of `OWNER` or of a job, by the job's name."""
    return f"{holder}.{hmac.digest(key, holder.encode(), hashlib.sha256).hex()}"


def holder(key: bytes, presented: str | None) -> str | None:
    """Whose token this is, or None if it is nobody's. Takes the same time for every wrong one."""
    name = (presented or "").rpartition(".")[0]
    return name if hmac.compare_digest(token(key, name).encode(), (presented or "").encode()) else None
