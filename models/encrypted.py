"""Columns that cannot be read in the database itself: their values are encrypted with a key that is kept elsewhere.

A value is written as "KEY.TEXT": the number of the key, and what AES-256-GCM made of it for this column. A value that
was changed, or moved to another column, does not open.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import date
from os import urandom
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, ColumnClause, Text
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

NONCE = 12
"""Bytes drawn by lot for each value, as many as the mode takes."""


class NoKeys(Exception):
    """There is no key, or no more."""


class WrongKey(Exception):
    """What is written in a database was not written with any key there is here."""


class NotSearchable(Exception):
    """A query compares an encrypted column, which would find nothing."""


def key_number(key: str) -> str:
    """By what a key is known in the database and in what we say of it. Nothing leads from it back to the key."""
    return _derived(key, b"number", 4).hex()


def _derived(key: str, what: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"case-pathways " + what).derive(key.encode())


class Ring:
    """The keys of one database, the newest last: it closes what is written, and each opens what it closed."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys
        self._ciphers: dict[str, AESGCM] = {}

    def read(self) -> Sequence[str]:
        """The keys, wherever they are kept; they are read when first wanted."""
        return self._keys

    def changed(self) -> bool:
        """Whether they are to be read again."""
        return False

    @property
    def numbers(self) -> list[str]:
        """The numbers of its keys, the newest last."""
        if not self._ciphers or self.changed():
            self._ciphers = {key_number(key): AESGCM(_derived(key, b"personal details", 32)) for key in self.read()}
        return list(self._ciphers)

    def close(self, place: str, text: str) -> str:
        """What stands in the database for a text in a column."""
        newest = self.numbers[-1]
        nonce = urandom(NONCE)
        whole = nonce + self._ciphers[newest].encrypt(nonce, text.encode(), place.encode())
        return f"{newest}.{b64encode(whole).decode()}"

    def open(self, place: str, closed: str) -> str:
        """What a value of the database says. Raises WrongKey; what it says is in no error."""
        number, _, content = closed.partition(".")
        if number not in self._ciphers and number not in self.numbers:
            known = f"with the key {number}" if re.fullmatch("[0-9a-f]{8}", number) else "with no key of ours"
            raise WrongKey(f"A value of {place} was encrypted {known}; this machine does not have what opens it.")
        try:
            whole = b64decode(content)
            return self._ciphers[number].decrypt(whole[:NONCE], whole[NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError):
            raise WrongKey(f"A value of {place} was changed by hand, or moved there from another column.") from None


_SAYS: dict[type, Callable[[Any], str]] = {str: str, date: date.isoformat, float: lambda value: repr(float(value))}
_MEANS: dict[type, Callable[[str], Any]] = {str: str, date: date.fromisoformat, float: float}


_ALLOWED = (operators.is_, operators.is_not)


class Encrypted(TypeDecorator[Any]):
    """A text, a day or a number that stands encrypted in its column. `place` is the column, as in "party.name".

    The ring of keys is that of the engine (`store.keys`).
    """

    impl = Text
    cache_ok = True

    def __init__(self, place: str, of: type = str) -> None:
        super().__init__()
        self.place, self.of = place, of

    class comparator_factory(TypeDecorator.Comparator):
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            # Two columns are compared by SQLAlchemy itself, where it keeps them in a dictionary.
            if op not in _ALLOWED and not all(isinstance(one, ColumnClause) for one in other):
                raise NotSearchable(f"{self.type.place} is encrypted: compare what was read, for no query can.")
            return super().operate(op, *other, **kwargs)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else dialect.personal_keys.close(self.place, _SAYS[self.of](value))

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else _MEANS[self.of](dialect.personal_keys.open(self.place, value))


def encrypted(place: str, of: type = str, *, null: bool = True) -> Any:
    """A field of a table that is encrypted. `null` says whether it may be left empty."""
    return Field(default=None, sa_column=Column(Encrypted(place, of), nullable=null))
