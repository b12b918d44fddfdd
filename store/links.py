"""Return links: who a link in mail is for, for how long it is worth something, and who has opened it.

A link names one mailbox. It is signed, so that nobody can make one up, and kept, so that it can be withdrawn.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from sqlalchemy import Connection, delete, select, update

from models.tables import Practitioner, Provider, ReturnLink, SiteSession
from models.working_days import add_working_days, london_date
from settings import Settings
from store import keys
from store.database import insert_new

links = ReturnLink.__table__
sessions = SiteSession.__table__

PROVIDER, LEAD, STAFF = "provider", "provider_lead", "staff"


@dataclass(frozen=True)
class Holder:
    """Whose a mailbox is: a provider, its lead, or one of the staff."""

    role: str
    code: str
    mailbox: str

    @property
    def is_staff(self) -> bool:
        return self.role == STAFF


@dataclass(frozen=True)
class Visitor:
    """Somebody on the site: whose link they opened, and whether they have typed in the code sent to that mailbox."""

    holder: Holder
    session: str
    """The digest under which the session is kept."""
    secret: str
    """What the browser keeps."""
    verified: bool

    @property
    def token(self) -> str:
        """What a form of this session carries, so that no other site can send it."""
        return _digest(f"form:{self.secret}")

    def wrote(self, token: str) -> bool:
        return hmac.compare_digest(self.token.encode(), token.encode())


# Whose mailbox ------------------------------------------------------------------------------------------------------


def holder_of(connection: Connection, role: str, code: str) -> Holder | None:
    """Who a message goes to, by the role it is written to; None where they have no mailbox."""
    if role in (PROVIDER, LEAD):
        query = select(Provider.mailbox, Provider.lead_email).where(Provider.code == code)
        row = connection.execute(query).first()
        mailbox = row and ((row.lead_email or row.mailbox) if role == LEAD else row.mailbox)
        return Holder(role, code, mailbox) if mailbox else None
    mailbox = connection.execute(select(Practitioner.email).where(Practitioner.code == code)).scalar()
    return Holder(STAFF, code, mailbox) if mailbox else None


def holders_at(connection: Connection, mailbox: str) -> list[Holder]:
    """All who have this mailbox."""
    wanted = mailbox.strip().casefold()
    found = []
    for code, own, lead in connection.execute(select(Provider.code, Provider.mailbox, Provider.lead_email)):
        if own.casefold() == wanted:
            found.append(Holder(PROVIDER, code, own))
        elif lead and lead.casefold() == wanted:
            found.append(Holder(LEAD, code, lead))
    for code, own in connection.execute(select(Practitioner.code, Practitioner.email)):
        if own.casefold() == wanted:
            found.append(Holder(STAFF, code, own))
    return found


# Links --------------------------------------------------------------------------------------------------------------


def issue(connection: Connection, holder: Holder, now: datetime, settings: Settings) -> str:
    """The address of this mailbox's link of today, with a place for a reference at its end."""
    today, mark = london_date(now), _mark(holder)
    wanted = {"role": holder.role, "code": holder.code, "mailbox": mark, "issued_on": today}
    of_today = select(links.c.id).filter_by(**wanted).where(links.c.withdrawn_at.is_(None))
    if (number := connection.execute(of_today).scalar()) is None:
        until = add_working_days(today, settings.site.link_days)
        row = {"id": secrets.token_hex(16), "expires_on": until, "withdrawn_at": None}
        insert_new(connection, links, [wanted | row])
        number = connection.execute(of_today).scalar_one()
    return f"{settings.site.url}/l/{_signer(settings).dumps(number)}?about={{reference}}"


def found(connection: Connection, token: str, now: datetime, settings: Settings) -> tuple[str, Holder] | None:
    """The link that a signed token names and whose it is; None when it is worth nothing (any more)."""
    try:
        number = _signer(settings).loads(token)
        signature = token.rpartition(".")[2].encode()
        if base64_encode(base64_decode(signature)) != signature:  # the same bits, spelled otherwise
            return None
    except BadData:
        return None
    row = connection.execute(select(links).where(links.c.id == str(number))).first()
    holder = row and _still_good(connection, row, now)
    return (row.id, holder) if holder else None


def _still_good(connection: Connection, row: Any, now: datetime) -> Holder | None:
    """Whose link it is, while it is neither expired nor withdrawn and the mailbox is still theirs."""
    if row.withdrawn_at or london_date(now) > row.expires_on:
        return None
    holder = holder_of(connection, row.role, row.code)
    return holder if holder and hmac.compare_digest(_mark(holder), row.mailbox) else None


def withdraw(connection: Connection, code: str, now: datetime) -> int:
    """Withdraw every link of a provider or practitioner, and so end its sessions. Returns how many there were."""
    in_force = (links.c.code == code, links.c.withdrawn_at.is_(None), links.c.expires_on >= london_date(now))
    return connection.execute(update(links).where(*in_force).values(withdrawn_at=now)).rowcount


def listed(connection: Connection, today: date) -> list[dict[str, Any]]:
    """The links that are worth something, without what would open them."""
    query = select(links).where(links.c.withdrawn_at.is_(None), links.c.expires_on >= today)
    rows = connection.execute(query.order_by(links.c.code, links.c.issued_on))
    return [{"of": r.code, "role": r.role, "issued": r.issued_on, "expires": r.expires_on} for r in rows]


def _mark(holder: Holder) -> str:
    return _digest(f"mailbox:{holder.mailbox.casefold()}")[:32]


def _signer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(
        signing_keys(settings), salt="return-link", signer_kwargs={"digest_method": hashlib.sha256}
    )


# Keys ---------------------------------------------------------------------------------------------------------------


def signing_keys(settings: Settings) -> list[str]:
    """What links are signed with, the newest last: of the settings, or of a file in the home folder."""
    if settings.site.keys:
        return settings.site.keys
    file = settings.home / "site.keys"
    keys.make(file)
    return keys.keys_in(file, "without it new ones are made, and links in mail are worth nothing")


def rotate_keys(settings: Settings) -> None:
    """Sign with a new key from now on. The one before stays good for links already sent; older ones do not."""
    keys.put(settings.home / "site.keys", [*signing_keys(settings)[-1:], keys.new_key()])


# Sessions -----------------------------------------------------------------------------------------------------------


def open_session(connection: Connection, link: str, now: datetime, settings: Settings) -> str:
    """Begin a session for an opened link. Returns the secret for the browser to keep; sessions that are over go."""
    connection.execute(delete(sessions).where(sessions.c.ends_at < now))
    secret = secrets.token_urlsafe(32)
    until = now + timedelta(hours=settings.site.reading_hours)
    row = {"id": _digest(secret), "link": link, "ends_at": until, "code_tries": 0}
    connection.execute(sessions.insert(), row)
    return secret


def visitor(connection: Connection, secret: str, now: datetime) -> Visitor | None:
    """Who keeps this secret, while their session and their link are good."""
    query = select(sessions, links).join(links, links.c.id == sessions.c.link).where(sessions.c.id == _digest(secret))
    row = connection.execute(query.with_only_columns(
        links, sessions.c.id.label("session"), sessions.c.ends_at, sessions.c.verified_until
    )).first()  # fmt: skip
    if row is None or row.ends_at < now:
        return None
    holder = _still_good(connection, row, now)
    verified = row.verified_until is not None and now < row.verified_until
    return Visitor(holder, row.session, secret, verified) if holder else None


def end_session(connection: Connection, session: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.id == session))


def new_code(connection: Connection, session: str, now: datetime, settings: Settings) -> str:
    """Six digits for this session, good for a few minutes; those before are good no more."""
    code = f"{secrets.randbelow(1_000_000):06}"
    until = now + timedelta(minutes=settings.site.code_minutes)
    values = {"code": _digest(f"{session}:{code}"), "code_until": until, "code_tries": 0}
    connection.execute(update(sessions).where(sessions.c.id == session).values(values))
    return code


def forget_code(connection: Connection, session: str) -> None:
    """The digits of a session are good no more: they could not be sent."""
    connection.execute(update(sessions).where(sessions.c.id == session).values(code=None, code_until=None))


def waits_for_code(connection: Connection, session: str, now: datetime, settings: Settings) -> bool:
    """Whether six digits were sent to this session and may still be typed in."""
    row = connection.execute(select(sessions).where(sessions.c.id == session)).first()
    return row is not None and _in_force(row, now) and row.code_tries < settings.site.code_tries


def _in_force(row: Any, now: datetime) -> bool:
    return row.code is not None and now < row.code_until


Tried = Literal["right", "wrong", "dead", "none"]
"""What six digits are: the right ones; wrong; wrong so often that the code is dead now; or there are none in force."""


def verify(connection: Connection, session: str, typed: str, now: datetime, settings: Settings) -> Tried:
    """Whether these are the six digits that were sent.

    After a few wrong tries, as after a few minutes, the digits are good no more.
    """
    # Counted before it is looked at, and in one statement: tries at the same moment are as many tries.
    counted = update(sessions).where(sessions.c.id == session).values(code_tries=sessions.c.code_tries + 1)
    row = connection.execute(counted.returning(sessions.c.code, sessions.c.code_until, sessions.c.code_tries)).first()
    left = settings.site.code_tries - row.code_tries if row and _in_force(row, now) else -1
    if left < 0:
        return "none"
    if not hmac.compare_digest(row.code.encode(), _digest(f"{session}:{typed}").encode()):
        return "wrong" if left else "dead"
    until = now + timedelta(minutes=settings.site.session_minutes)
    values = {"verified_until": until, "code": None, "code_until": None}
    connection.execute(update(sessions).where(sessions.c.id == session).values(values))
    return "right"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
