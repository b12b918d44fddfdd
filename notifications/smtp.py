"""Our own Apprise plugin for mail: one connection kept over many mails, and failures told apart.

    pathways-mail://host:25?security=none       plain
    pathways-mail://user:password@host:587      STARTTLS (what is meant when `security` is left out, unless local)
    pathways-mails://user:password@host:465     TLS from the first byte

Also `?from=` (who it is from) and `?timeout=` (seconds for the connection and for each reply; 20). Apprise itself knows
no hyphen in a scheme, so `notifications.channels` takes it out.
"""

import binascii
import hashlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import cache, lru_cache
from typing import Any

from apprise.plugins.base import NotifyBase

from notifications.channels import Refused, Unavailable, Undelivered

ADDRESS = re.compile(
    r"[^\s@<>(),;:\\\"\[\]\x00-\x20\x7f-\U0010ffff]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
)
MESSAGE_ID = re.compile(r"<[\x21-\x3b=\x3f-\x7e]{1,200}@[A-Za-z0-9.-]{1,200}>")
BREAK = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
LOCAL = {"localhost", "127.0.0.1", "::1", "[::1]"}

_OURS = frozenset({503, 530, 535, 538})
"""5xx replies that say we are set up wrongly, whoever the recipient is: passing, because somebody will put it right."""


@dataclass(frozen=True)
class Envelope:
    sender: str
    to: str
    message_id: str
    now: datetime


class SmtpMail(NotifyBase):
    """Mail over SMTP, one recipient a call. Raises Refused or Unavailable instead of returning False."""

    service_name = "Case Pathways mail"
    protocol = "pathwaysmail"
    secure_protocol = "pathwaysmails"
    request_rate_per_sec = 0
    idle_seconds = 30.0
    """A connection unused for longer is not trusted again; servers drop them, some without a word."""

    def __init__(
        self, sender: str | None = None, security: str | None = None, timeout: float | str = 20.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sender, self.timeout = sender, float(timeout)
        self.security = "tls" if self.secure else security or ("none" if self.host in LOCAL else "starttls")
        self.port = self.port or {"tls": 465, "starttls": 587, "none": 25}[self.security]
        if self.user and self.security == "none" and self.host not in LOCAL:
            raise TypeError("a password is not sent in the clear")
        if self.timeout <= 0 or not self.verify_certificate or not (self.user or "").isascii():
            raise TypeError("unusable settings")
        self._turn = threading.Lock()
        self._server: smtplib.SMTP | None = None
        self._used = 0.0

    @staticmethod
    def parse_url(url: str, **kwargs: Any) -> dict[str, Any] | None:
        results = NotifyBase.parse_url(url)
        if results:
            given = results["qsd"]
            names = {"from": "sender", "security": "security", "timeout": "timeout"}
            results |= {name: given[key] for key, name in names.items() if given.get(key)}
        return results

    def notify(
        self, body: str, title: str = "", *, html: str, sender: str, to: str, message_id: str, now: datetime,
        calendar: bytes | None = None, **_: Any,
    ) -> bool:  # fmt: skip
        """Send one mail: `body` is its text, `title` its subject. The sender in the URL goes before `sender`."""
        envelope = Envelope(self.sender or sender, to, message_id, now)
        data = written(title, body, html, envelope, calendar)
        with self._turn:
            self._send(envelope, data)
        return True

    def close(self) -> None:
        """Leave the server politely."""
        with self._turn, suppress(OSError):
            if self._server:
                self._server.quit()
        self._drop()

    def _send(self, envelope: Envelope, data: bytes) -> None:
        try:
            server = self._begun(parseaddr(envelope.sender)[1])
            _check(server.rcpt(envelope.to)[0], "recipient refused")
            _check(_data(server, data), "message refused")
        except Undelivered as error:
            self._set_right(error)
            raise
        except (OSError, UnicodeError) as error:
            self._drop()
            raise Unavailable(_fault(error)) from None
        finally:
            self._used = time.monotonic()

    def _begun(self, sender: str) -> smtplib.SMTP:
        """The server, once it has taken MAIL. A kept connection it has dropped meanwhile is made anew, once."""
        kept = self._kept()
        code = _mail(kept, sender) if kept else 421
        if code == 421:
            self._drop()
            code = self._connected().mail(sender)[0]
        _check(code, "sender refused", ours=True)
        assert self._server
        return self._server

    def _kept(self) -> smtplib.SMTP | None:
        if self._server and time.monotonic() - self._used > self.idle_seconds:
            self._drop()
        return self._server

    def _connected(self) -> smtplib.SMTP:
        name, tls = _our_name(), ssl.create_default_context() if self.security != "none" else None
        if self.security == "tls":
            self._server = smtplib.SMTP_SSL(self.host, self.port, name, timeout=self.timeout, context=tls)
        else:
            self._server = smtplib.SMTP(self.host, self.port, name, timeout=self.timeout)
        if self.security == "starttls":
            self._server.starttls(context=tls)
        self._server.ehlo_or_helo_if_needed()
        if self.user:
            self._server.login(self.user, self.password or "")
        return self._server

    def _set_right(self, error: Undelivered) -> None:
        """After a reply that says no, the connection can be used again; after 421 or nonsense it cannot."""
        if not error.code[0].isdigit() or error.code.startswith("421"):
            return self._drop()
        try:
            if not self._server or self._server.rset()[0] != 250:
                self._drop()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._server:
            with suppress(OSError):
                self._server.close()
        self._server = None


@cache
def _our_name() -> str:
    """What we call ourselves to the server: asked once, because asking may wait for a name server."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _mail(server: smtplib.SMTP, sender: str) -> int:
    """What a kept connection answers to MAIL; 421 as well when it turns out to be gone."""
    try:
        return server.mail(sender)[0]
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, TimeoutError):
            raise
        return 421


def _data(server: smtplib.SMTP, data: bytes) -> int:
    try:
        return server.data(data)[0]
    except smtplib.SMTPDataError as error:
        return error.smtp_code


def _check(code: int, what: str, *, ours: bool = False) -> None:
    """Pass, or raise what a reply code means. Never the server's words: they may hold the address."""
    if 200 <= code < 300:
        return
    if 500 <= code < 600:
        raise (Unavailable if ours or code in _OURS else Refused)(f"{code} {what}")
    raise Unavailable(f"{code} try later" if 400 <= code < 500 else "unreadable reply")


def _fault(error: Exception) -> str:
    """A short code for what went wrong with a connection."""
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, TimeoutError):
        return "timed out"
    return next(say(error) for kind, say in _FAULTS if isinstance(error, kind))


def _reply_fault(error: Any) -> str:
    code = error.smtp_code
    auth = isinstance(error, smtplib.SMTPAuthenticationError)
    what = "our user name or password was refused" if auth else "the server would not begin"
    return f"{code} try later" if 400 <= code < 500 else f"{code} {what}"


_FAULTS: list[tuple[type[Exception], Callable[[Any], str]]] = [
    (smtplib.SMTPResponseException, _reply_fault),
    (smtplib.SMTPNotSupportedError, lambda _: "STARTTLS or log-in not offered"),
    (smtplib.SMTPServerDisconnected, lambda _: "connection dropped"),
    (smtplib.SMTPException, lambda _: "no way to log in"),
    (ssl.SSLCertVerificationError, lambda _: "certificate not trusted"),
    (ssl.SSLError, lambda _: "TLS failed"),
    (TimeoutError, lambda _: "timed out"),
    (ConnectionRefusedError, lambda _: "connection refused"),
    (socket.gaierror, lambda _: "server name not found"),
    (UnicodeError, lambda _: "user name or password not ASCII"),
    (Exception, lambda _: "connection failed"),
]


def written(subject: str, text: str, html: str, envelope: Envelope, calendar: bytes | None = None) -> bytes:
    """The mail as it goes over the wire, in ASCII. Put together by hand: `email.message` takes longer than sending it.

    An invitation is one more way to say the same, and the last: Outlook and Google make an event of it there. The same
    letter and envelope always give the same bytes. Raises Refused for what cannot be a header.
    """
    boundary = f"=_{hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]}"
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(subject, envelope).items())
    kind = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    ways = [("plain", text), ("html", html), *([_invitation(calendar)] if calendar else [])]
    parts = b"".join(_part(boundary, *way) for way in ways)
    return (head + kind).encode("ascii") + parts + f"--{boundary}--\r\n".encode("ascii")


def _headers(subject: str, envelope: Envelope) -> dict[str, str]:
    if any(BREAK.search(value) for value in (subject, envelope.sender, envelope.to, envelope.message_id)):
        raise Refused("line break in a header")
    if not ADDRESS.fullmatch(envelope.to):
        raise Refused("malformed address")
    if not MESSAGE_ID.fullmatch(envelope.message_id):
        raise Refused("malformed Message-ID")
    return {
        "Subject": _unstructured(subject),
        "From": _sender(envelope.sender),
        "To": envelope.to,
        "Date": format_datetime(envelope.now.astimezone(UTC)),
        "Message-ID": envelope.message_id,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
    }


def _unstructured(subject: str) -> str:
    if subject.isascii() and len(subject) <= 68:
        return subject
    charset = "us-ascii" if subject.isascii() else "utf-8"
    return Header(subject, charset, header_name="Subject").encode(linesep="\r\n")


@lru_cache(maxsize=16)
def _sender(sender: str) -> str:
    name, address = parseaddr(sender)
    if not ADDRESS.fullmatch(address):
        raise Unavailable("malformed sender in the settings")
    return formataddr((name, address))


def _invitation(calendar: bytes) -> tuple[str, str, str]:
    """A calendar as a part of a mail, whose head repeats the method in it (RFC 6047)."""
    text = calendar.decode()
    method = re.search(r"^METHOD:([A-Z]+)\r$", text, re.MULTILINE)
    assert method, "an invitation has a method"
    return "calendar", text, f"; method={method[1]}"


def _part(boundary: str, subtype: str, content: str, more: str = "") -> bytes:
    lines = "\r\n".join(content.splitlines()) + "\r\n"
    head = f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"{more}\r\n'
    coding = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (head + coding).encode("ascii") + binascii.b2a_qp(lines.encode("utf-8", errors="replace")) + b"\r\n"
