"""The tables that only the restricted database has: whom support follows, the survivor, and texts held for a person.

They have a MetaData of their own, so that no other database can come to hold them.
"""

from datetime import date, datetime

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from models.encrypted import encrypted
from models.tables import moment

NOBODY = "NOBODY"
"""The code of the worker of an area for which no worker is known yet."""
ROLES = ("support_worker", "support_manager")


class Restricted(SQLModel):
    metadata = MetaData()


class Followed(Restricted, table=True):
    """The one support pathway that follows a man's pathway. Its reference is drawn, not derived."""

    man: str = Field(primary_key=True)
    reference: str = Field(unique=True)


class Survivor(Restricted, table=True):
    """How a survivor is reached safely, and where she could be found."""

    pathway: str = Field(primary_key=True)
    """Her support pathway."""
    name: str = encrypted("survivor.name", null=False)
    phone: str | None = encrypted("survivor.phone")
    email: str | None = encrypted("survivor.email")
    address: str | None = encrypted("survivor.address")
    workplace: str | None = encrypted("survivor.workplace")
    school: str | None = encrypted("survivor.school")
    """The children's school."""
    safe_times: str | None = encrypted("survivor.safe_times")


class SurvivorBefore(Restricted, table=True):
    """What was known of a survivor before it was written down otherwise: no more true perhaps, but still hers."""

    __tablename__ = "survivor_before"

    number: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(index=True)
    name: str = encrypted("survivor_before.name", null=False)
    phone: str | None = encrypted("survivor_before.phone")
    email: str | None = encrypted("survivor_before.email")
    address: str | None = encrypted("survivor_before.address")
    workplace: str | None = encrypted("survivor_before.workplace")
    school: str | None = encrypted("survivor_before.school")
    safe_times: str | None = encrypted("survivor_before.safe_times")


class Listened(Restricted, table=True):
    """How far was listened to what is recorded of men."""

    id: int = Field(primary_key=True)
    """There is one row."""
    upto: int
    """The number of the last fact there was."""
    whole_on: date
    """The day everything was last listened to, from the beginning."""


class Screened(Restricted, table=True):
    """How far the texts kept about a man's pathway were screened, and against what."""

    pathway: str = Field(primary_key=True)
    known: str
    """A fingerprint of what was known then."""
    upto: int
    """The number of the last text."""


class HeldText(Restricted, table=True):
    """A text of a provider that waits for somebody of the strand to look at it, and what became of it."""

    __tablename__ = "held_text"

    number: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(index=True)
    """The man's pathway it is about."""
    recorded_by: str
    recorded_at: datetime = moment()
    body: str = encrypted("held_text.body", null=False)
    found: str
    """What it was held for, with commas between."""
    state: str = "held"
    """held, released or refused"""
    decided_by: str | None = None
    decided_at: datetime | None = moment(null=True)
    taken_back: int | None = Field(default=None, unique=True)
    """The number it had on the other side, where it was taken back from there."""
    left_behind: bool = False
    """Whether something of it may still be on the other side, or in its files."""


class HarmConcern(Restricted, table=True):
    """What a provider wrote of harm to somebody, in the restricted record that alone may hold it (SR-09).

    The pathway itself knows only that a risk was raised, under the reference `risk`.
    """

    __tablename__ = "harm_concern"

    number: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(index=True)
    risk: str = Field(unique=True)
    recorded_by: str
    recorded_at: datetime = moment()
    about: str
    """Who is at risk: child, adult or both"""
    body: str = encrypted("harm_concern.body", null=False)


class ConcernRead(Restricted, table=True):
    """Who read a concern, and when."""

    __tablename__ = "concern_read"

    number: int | None = Field(default=None, primary_key=True)
    concern: int = Field(index=True)
    read_by: str
    read_at: datetime = moment()
