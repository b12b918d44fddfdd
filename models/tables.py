"""The tables. Natural keys throughout: a reference is what people type, what mail carries and what Prefect shows."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Index, Text, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from models.encrypted import encrypted


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets time zones, so they are put back on the way out; naive moments are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def moment(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=null))


# The directory: who there is ----------------------------------------------------------------------------------------


class Practitioner(SQLModel, table=True):
    """Somebody on the staff: an adviser, an officer, a manager."""

    code: str = Field(primary_key=True)
    name: str
    email: str
    role: str
    trained_in: str = ""
    """The programmes they may run themselves, separated by spaces."""
    capacity: int | None = None
    """How many such pathways they hold at once; no limit when empty."""
    telling: str = "instant"
    """How ordinary notices reach them: "instant" or "daily". Safeguarding and non-attendance are always instant."""


class Area(SQLModel, table=True):
    """A service area and who holds its offices."""

    code: str = Field(primary_key=True)
    label: str
    commissioning_officer: str = Field(foreign_key="practitioner.code")
    commissioning_manager: str = Field(foreign_key="practitioner.code")
    service_manager: str = Field(foreign_key="practitioner.code")
    assistant_director: str = Field(foreign_key="practitioner.code")
    business_support: str = Field(foreign_key="practitioner.code")
    research_analyst: str | None = Field(default=None, foreign_key="practitioner.code")
    """Who looks at what became of a family; business support when empty."""


class Court(SQLModel, table=True):
    code: str = Field(primary_key=True)
    name: str
    area: str = Field(foreign_key="area.code", index=True)


class Provider(SQLModel, table=True):
    """A contracted organisation and its mailboxes."""

    code: str = Field(primary_key=True)
    name: str
    mailbox: str
    lead_email: str | None = None
    suspended_from: date | None = None


class ServiceLine(SQLModel, table=True):
    """One programme one provider delivers. "Contracted" and "open to referrals" are separate facts (m08)."""

    provider: str = Field(primary_key=True, foreign_key="provider.code")
    programme: str = Field(primary_key=True)
    areas: str
    """Codes of the service areas served, separated by spaces."""
    contracted_from: date
    contracted_until: date | None = None
    open_to_referrals: bool = True
    capacity: int | None = None
    """How many referrals it holds at once; no limit when empty."""
    accreditation: str | None = None
    accredited_until: date | None = None
    latitude: float | None = None
    longitude: float | None = None


class Closure(SQLModel, table=True):
    """Days on which a provider's groups do not meet, Christmas for one: weeks of a programme leave them out."""

    provider: str = Field(primary_key=True, foreign_key="provider.code")
    closed_from: date = Field(primary_key=True)
    closed_until: date


# Cases --------------------------------------------------------------------------------------------------------------


class Case(SQLModel, table=True):
    """One set of proceedings."""

    reference: str = Field(primary_key=True)
    same_as: str = Field(unique=True)
    """The reference with its spaces, hyphens and case taken out: two spellings of one reference are one case."""
    court: str = Field(foreign_key="court.code")
    adviser: str = Field(foreign_key="practitioner.code", index=True)
    received_on: date
    sample: bool = False


class Party(SQLModel, table=True):
    """An adult in a case. What is personal stands here and in what providers write freely, and nowhere else."""

    reference: str = Field(primary_key=True)
    case: str = Field(foreign_key="case.reference", index=True)
    role: str
    name: str = encrypted("party.name", null=False)
    date_of_birth: date | None = encrypted("party.date_of_birth", date)
    address: str | None = encrypted("party.address")
    phone: str | None = encrypted("party.phone")
    email: str | None = encrypted("party.email")
    language: str | None = encrypted("party.language")
    access_needs: str | None = encrypted("party.access_needs")
    latitude: float | None = encrypted("party.latitude", float)
    longitude: float | None = encrypted("party.longitude", float)
    erased_on: date | None = None
    """The day on which all that is personal was erased here."""


class Direction(SQLModel, table=True):
    """A direction of the court that one party does one activity. Directions made together share an `order`."""

    reference: str = Field(primary_key=True)
    order: str = Field(index=True)
    case: str = Field(foreign_key="case.reference")
    party: str = Field(foreign_key="party.reference")
    activity: str
    made_on: date
    monitoring_requested: bool = False
    in_final_order: bool = False
    """Whether it is a condition of a final order (SR-19)."""
    assessment_only: bool = False


# Pathways -----------------------------------------------------------------------------------------------------------


class LimitSet(SQLModel, table=True):
    """The limits some pathways keep, copied when the first of them opened."""

    id: str = Field(primary_key=True)
    content: str = Field(sa_column=Column(Text, nullable=False))


class PathwayRow(SQLModel, table=True):
    """One run of one programme for one person, or for both parents, and where its function last said it stands."""

    __tablename__ = "pathway"
    __table_args__ = (
        Index("pathway_due", "programme", "look_on"),
        Index("pathway_case", "case"),
        Index("pathway_party", "party"),
        Index("pathway_open", "programme", "label", "on_role", "on_code", "due_on",
              sqlite_where=text("closed_on IS NULL"), postgresql_where=text("closed_on IS NULL")),
        Index("pathway_held", "provider", "programme", "state", sqlite_where=text("closed_on IS NULL"),
              postgresql_where=text("closed_on IS NULL")),
        Index("pathway_failed", "reference", sqlite_where=text("failure IS NOT NULL"),
              postgresql_where=text("failure IS NOT NULL")),
    )  # fmt: skip

    reference: str = Field(primary_key=True)
    programme: str
    case: str = Field(foreign_key="case.reference")
    party: str | None = Field(default=None, foreign_key="party.reference")
    """The person it is for; empty where it is for both parents of the case."""
    direction: str | None = Field(default=None, foreign_key="direction.reference")
    area: str = Field(foreign_key="area.code")
    limits: str = Field(foreign_key="limitset.id")
    opened_on: date
    state: str = "requested"
    label: str = "Requested"
    since: date
    on_role: str | None = None
    on_code: str | None = None
    due_on: date | None = None
    provider: str | None = None
    """Who holds it: the provider it was referred to, or the practitioner who runs it."""
    reason: str | None = None
    closed_on: date | None = None
    look_on: date | None
    """The first day on which it must be looked at again; set to the day a fact is recorded, empty when only a fact can
    change it."""
    failure: str | None = None
    """What kind of error its function raised last time, if it did: a class name, never a message."""
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often where it stands was written: what was decided from another version is not written over it."""


class FactRow(SQLModel, table=True):
    """A fact, append-only. `subject` is the pathway or the case it is about."""

    __tablename__ = "fact"
    __table_args__ = (
        Index("fact_once", "subject", "identity", unique=True, sqlite_where=text("supersedes IS NULL"),
              postgresql_where=text("supersedes IS NULL")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    subject: str = Field(index=True)
    kind: str
    identity: str
    happened_on: date
    recorded_at: datetime = moment()
    recorded_by: str
    told_already: bool = False
    supersedes: int | None = Field(default=None, foreign_key="fact.id", unique=True)
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class ProviderText(SQLModel, table=True):
    """What a provider wrote freely about a pathway, after it was screened (SR-11)."""

    __tablename__ = "provider_text"
    __table_args__ = {"sqlite_autoincrement": True}  # the number of a text that was taken back is not given again

    id: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(foreign_key="pathway.reference", index=True)
    recorded_by: str
    recorded_at: datetime = moment()
    body: str = encrypted("provider_text.body", null=False)
    held: int | None = Field(default=None, unique=True)
    """The number under which it was held until somebody had looked at it."""


class DutyRow(SQLModel, table=True):
    """What somebody owes, from the day it opens to the day it is met or dropped."""

    __tablename__ = "duty"
    __table_args__ = (
        Index("duty_once", "pathway", "key", unique=True),
        Index("duty_chase", "chase_on"),
        Index("duty_open", "due_on", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("duty_owed", "on_code", "due_on", sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(foreign_key="pathway.reference")
    key: str
    kind: str
    on_role: str
    on_code: str
    opened_on: date
    due_on: date
    hearing_on: date | None = None
    counts_from: date | None = None
    """What the ladder and lateness are counted from: the due date, moved on by the working days on hold since."""
    state: str = "open"
    closed_on: date | None = None
    paused: bool = False
    chase_on: date | None = None
    """The day its next step of the ladder is due; empty when it is not chased."""
    step: str | None = None
    hearing_step_on: date | None = None
    """The day the step for a near hearing was last sent."""
    marked_on: date | None = None
    """The day the lateness was marked on the provider's contract (m03 E1)."""


class NoticeRow(SQLModel, table=True):
    """One thing to tell one recipient, once an occasion. Written in the transaction of what caused it."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_once", "pathway", "to_role", "occasion", unique=True),
        Index("notice_waiting", "to_code", "to_role", "id", sqlite_where=text("bundle IS NULL AND withheld IS NULL"),
              postgresql_where=text("bundle IS NULL AND withheld IS NULL")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    pathway: str = Field(foreign_key="pathway.reference")
    to_role: str
    to_code: str
    wording: str
    occasion: str
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = moment()
    withheld: str | None = None
    """Why it will never be sent, if it will not."""
    bundle: str | None = Field(default=None, index=True)
    """Which messages carry it: those of the same bundle, one a channel."""


class MessageRow(SQLModel, table=True):
    """One e-mail (or Teams message, or text), carrying one notice or a digest of many."""

    __tablename__ = "message"
    __table_args__ = (
        Index("message_once", "bundle", "channel", unique=True),
        Index("message_due", "try_at", sqlite_where=text("state IN ('waiting', 'sending')"),
              postgresql_where=text("state IN ('waiting', 'sending')")),
        Index("message_sent", "sent_at", "channel", sqlite_where=text("state = 'sent'"),
              postgresql_where=text("state = 'sent'")),
        Index("message_failed", "id", sqlite_where=text("state = 'failed'"),
              postgresql_where=text("state = 'failed'")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    bundle: str
    """The notice, or the recipient and the day of a digest."""
    channel: str
    to_role: str
    to_code: str
    message_id: str = Field(unique=True)
    urgent: bool = False
    state: str = "waiting"
    """waiting, sending (claimed until `try_at`), sent, failed, or withheld because events have overtaken it."""
    created_at: datetime = moment()
    try_at: datetime = moment()
    attempts: int = 0
    sent_at: datetime | None = moment(null=True)
    sent_to: str | None = None
    error: str | None = None


# The site -----------------------------------------------------------------------------------------------------------


class ReturnLink(SQLModel, table=True):
    """A link in mail to what one mailbox owes, worth something until it expires or is withdrawn."""

    __tablename__ = "return_link"
    __table_args__ = (
        Index("return_link_once", "role", "code", "mailbox", "issued_on", unique=True,
              sqlite_where=text("withdrawn_at IS NULL"), postgresql_where=text("withdrawn_at IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    """Drawn by lot."""
    role: str
    """provider, provider_lead or staff"""
    code: str
    mailbox: str
    """A digest of the mailbox it was sent to: with another one registered, the link is worth nothing."""
    issued_on: date
    expires_on: date
    withdrawn_at: datetime | None = moment(null=True)


class SiteSession(SQLModel, table=True):
    """Somebody who opened a return link, and until when the code they typed in is good."""

    __tablename__ = "site_session"

    id: str = Field(primary_key=True)
    """A digest of what the browser keeps."""
    link: str = Field(foreign_key="return_link.id")
    ends_at: datetime = moment()
    verified_until: datetime | None = moment(null=True)
    code: str | None = None
    """A digest of the six digits that were sent."""
    code_until: datetime | None = moment(null=True)
    code_tries: int = 0


class Receipt(SQLModel, table=True):
    """What was sent in at once from the site, and what became of it."""

    __table_args__ = (Index("receipt_of", "code", "given_at"),)

    reference: str = Field(primary_key=True)
    submission: str = Field(unique=True)
    """Drawn when the form was shown: a form sent twice is one receipt."""
    role: str
    code: str
    given_at: datetime = moment()
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Of each answer: pathway, fact, number and result, in references and codes."""


# The audit trail ------------------------------------------------------------------------------------------------------


class AuditEntry(SQLModel, table=True):
    """Who recorded, saw, sent or released what. Without a number it waits to be sealed; then nothing of it changes.

    It holds codes, references and digests only: nothing in it is personal, and erasing a person leaves it sound.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_unsealed", "id", sqlite_where=text("number IS NULL"), postgresql_where=text("number IS NULL")),
        Index("audit_of", "kind", "row_id", "id"),
        Index("audit_about", "about"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    number: int | None = Field(default=None, unique=True)
    """Its place in the chain."""
    at: datetime = moment()
    who: str
    did: str
    about: str
    """A pathway, a case, or the code of somebody."""
    kind: str | None = None
    row_id: int | None = None
    """The row it stands for, where it stands for one: its table and its number there."""
    digest: str | None = None
    """Of that row, as it was when this was sealed."""
    hash: str | None = None
    """Of this entry and of the hash of the one before it."""


# Keys -----------------------------------------------------------------------------------------------------------------


class PersonalKey(SQLModel, table=True):
    """A key that personal details here are encrypted with, by its number: a machine that lacks one is not let in."""

    __tablename__ = "personal_key"

    number: str = Field(primary_key=True)


# Restored -------------------------------------------------------------------------------------------------------------


class Restored(SQLModel, table=True):
    """That this is a backup, brought back: while there is such a row nothing is sent, until somebody has looked."""

    as_of: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    """How the database stood then."""
