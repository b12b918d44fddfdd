"""What makes the audit trail tamper-evident: digests of rows, and hashes, each made from the one before.

With a key (HMAC) nobody can make such a chain who has the database alone. Without one it shows a change only to whoever
knows an earlier hash.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

START = "0" * 64
"""The hash before the first."""
LINKED = ("number", "at", "who", "did", "about", "kind", "row_id", "digest")
"""What the hash of an entry covers, besides the hash before it."""


def canonical(said: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, on every database."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a digest")


def digest(said: Mapping[str, Any]) -> str:
    """Of a row, or of what stands for one."""
    return hashlib.sha256(canonical(said)).hexdigest()


def link(before: str, entry: Mapping[str, Any], key: str | None) -> str:
    """The hash of an entry that follows the one with the hash `before`."""
    content = before.encode() + canonical({name: entry[name] for name in LINKED})
    if key is None:
        return hashlib.sha256(content).hexdigest()
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def mark(key: str) -> str:
    """By what a key is known in the trail. It leads nowhere: keys are drawn by lot."""
    return hashlib.sha256(f"audit:{key}".encode()).hexdigest()[:16]
