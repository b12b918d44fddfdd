"""A mailbox for one machine: takes any mail on a local port, keeps it in a Maildir folder, shows it on a web page.

    python -m local.mailbox --smtp 2525 --web 8025 --folder DIR

Only this machine reaches it. Nothing is passed on to anybody.
"""

import argparse
import asyncio
import email
import email.policy
import mailbox
import signal
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from models.working_days import LONDON

HERE = "127.0.0.1"
PER_PAGE = 100
TEMPLATES = Path(__file__).with_name("templates")
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# A mail's own HTML runs nothing and fetches nothing; its links open in a new window.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    f"sandbox {SANDBOX}"
)


@dataclass(frozen=True)
class Summary:
    """One line of the list."""

    key: str
    arrived: int
    when: datetime
    to: str
    subject: str


class Post:
    """The mail in a folder. Headers already read are kept in memory, by file name; a file never changes."""

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(folder)
        self._new = folder / "new"
        self._known: dict[str, Summary] = {}
        self._lock = threading.Lock()

    def add(self, content: bytes, recipients: list[str]) -> None:
        """Keep a mail as it came, under a line for each recipient it was handed in for."""
        lines = "".join(f"Delivered-To: {' '.join(to.split())}\r\n" for to in recipients)
        self._maildir.add(lines.encode("utf-8") + content)

    def listed(self, to: str = "") -> list[Summary]:
        """Everything, newest first; with `to`, what was sent to an address holding that."""
        wanted = to.strip().casefold()
        found = (one for one in self._look().values() if wanted in one.to.casefold())
        return sorted(found, key=lambda one: (one.arrived, one.key), reverse=True)

    def read(self, key: str) -> bytes:
        """One mail as it is kept. Raises KeyError when there is none: only a name found in the folder is opened."""
        return (self._new / self._look()[key].key).read_bytes()

    def _look(self) -> dict[str, Summary]:
        with self._lock:
            there = {entry.name for entry in self._new.iterdir()}
            for key in there - self._known.keys():
                self._known[key] = _summary(self._new / key)
            self._known = {key: self._known[key] for key in there}
            return self._known


def _summary(path: Path) -> Summary:
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=email.policy.compat32).parse(file)
    arrived = path.stat().st_mtime_ns
    to = ", ".join(map(str, headers.get_all("Delivered-To", []))) or _header(headers, "To")
    return Summary(path.name, arrived, _when(headers, arrived), to, _header(headers, "Subject") or "(no subject)")


def _header(headers: Message, name: str) -> str:
    """A header in plain words; as it stands where it cannot be decoded."""
    raw = str(headers.get(name, ""))
    try:
        return " ".join(str(make_header(decode_header(raw))).split())
    except (ValueError, LookupError, HeaderParseError):
        return raw


def _when(headers: Message, arrived: int) -> datetime:
    """When it was written, as it says itself; when it came, if it does not say."""
    try:
        said = parsedate_to_datetime(str(headers["Date"]))
    except (TypeError, ValueError):
        said = datetime.fromtimestamp(arrived / 1e9, UTC)
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(LONDON)


@dataclass(frozen=True)
class Opened:
    """One mail taken apart."""

    headers: list[tuple[str, str]]
    subject: str
    text: str
    html: str


def opened(raw: bytes) -> Opened:
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = [(name, _header_value(value)) for name, value in mail.items()]
    return Opened(headers, _header(mail, "Subject") or "(no subject)", _body(mail, "plain"), _body(mail, "html"))


def _header_value(value: object) -> str:
    return " ".join(str(value).split())


def _body(mail: Message, subtype: str) -> str:
    """The first part of a kind, as text; empty when there is none."""
    part = next((part for part in mail.walk() if part.get_content_type() == f"text/{subtype}"), None)
    if part is None:
        return ""
    content = part.get_payload(decode=True) or b""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


# The web pages -------------------------------------------------------------------------------------------------------


def web(post: Post) -> Starlette:
    """The pages that show the mail."""
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    pages.globals["sandbox"] = SANDBOX
    routes = [
        Route("/", partial(_list, post, pages)),
        Route("/mail/{key}", partial(_one, post, pages)),
        Route("/mail/{key}/html", partial(_html, post)),
        Route("/mail/{key}/raw", partial(_raw, post)),
        Route("/style.css", _style),
        Route("/health", _health),
    ]
    return Starlette(routes=routes)


def _list(post: Post, pages: Environment, request: Request) -> Response:
    to = request.query_params.get("to", "")
    found = post.listed(to)
    last = max(1, -(-len(found) // PER_PAGE))
    asked = request.query_params.get("page", "1")
    page = min(int(asked), last) if asked.isascii() and asked.isdigit() and int(asked) else 1
    some = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    return _page(pages, "list.html", mails=some, count=len(found), to=to, page=page, last=last)


def _one(post: Post, pages: Environment, request: Request) -> Response:
    key, raw = _asked(post, request)
    return _page(pages, "mail.html", key=key, mail=opened(raw))


def _html(post: Post, request: Request) -> Response:
    """A mail's own HTML, for the frame and on its own: either way it runs nothing and fetches nothing."""
    _, raw = _asked(post, request)
    return HTMLResponse('<!DOCTYPE html><base target="_blank">' + opened(raw).html, headers=_guarded(MAIL_POLICY))


def _raw(post: Post, request: Request) -> Response:
    _, raw = _asked(post, request)
    return Response(raw, media_type="text/plain; charset=utf-8", headers=_guarded("default-src 'none'; sandbox"))


def _asked(post: Post, request: Request) -> tuple[str, bytes]:
    key = request.path_params["key"]
    try:
        return key, post.read(key)
    except (KeyError, FileNotFoundError):
        raise HTTPException(404, "There is no such mail.") from None


def _style(request: Request) -> Response:
    content = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return Response(content, media_type="text/css", headers=_guarded("default-src 'none'"))


def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


def _page(pages: Environment, name: str, **context: Any) -> Response:
    return HTMLResponse(pages.get_template(name).render(context), headers=_guarded(PAGE_POLICY))


def _guarded(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


# Running -------------------------------------------------------------------------------------------------------------


class _Takes:
    """What the SMTP server does with a mail."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self._post.add(envelope.original_content, envelope.rcpt_tos)
        return "250 OK"


def run(smtp_port: int, web_port: int, folder: Path) -> None:
    """Take and show mail until SIGTERM or SIGINT."""
    asyncio.run(_run(smtp_port, web_port, Post(folder)))


async def _run(smtp_port: int, web_port: int, post: Post) -> None:
    loop = asyncio.get_running_loop()
    pages = uvicorn.Server(uvicorn.Config(web(post), host=HERE, port=web_port, log_level="warning", access_log=False))
    # Uvicorn stops by itself, but then raises the signal once more; with these it has no further effect.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, pages, "should_exit", True)
    takes = _Takes(post)
    smtp = await loop.create_server(lambda: SMTP(takes, enable_SMTPUTF8=True, loop=loop), HERE, smtp_port)
    try:
        await pages.serve()
    finally:
        smtp.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.mailbox", description=__doc__.splitlines()[0])
    parser.add_argument("--smtp", type=int, default=2525, help="port that takes mail")
    parser.add_argument("--web", type=int, default=8025, help="port that shows it")
    parser.add_argument("--folder", type=Path, required=True, help="Maildir folder that keeps it")
    chosen = parser.parse_args()
    run(chosen.smtp, chosen.web, chosen.folder)


if __name__ == "__main__":
    main()
