"""What stands before every page: how large requests may be, how many, and what a browser may do with a page."""

import hashlib
import logging
import os
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Literal

from limits import RateLimitItemPerDay, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings
from web.page import page
from web.visit import COOKIE

log = logging.getLogger("pathways.site")

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",  # an address of ours may name a pathway
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
A_YEAR = 31_536_000
LARGEST_FORM = 512 * 1024
TOO_LARGE = "That is more than this page takes. Send it in smaller parts."


def _said(status: int, title: str, *says: str) -> Response:
    """A page for whoever it may be: who that is would have to be looked up, and is not."""
    return page(None, "said.html", status=status, title=title, says=says, anybody=True)


NOTHING_THERE = _said(404, "Page not found", "There is no such page.")
TOO_MUCH = _said(413, "Too much at once", TOO_LARGE, "Nothing was recorded.")
TOO_OFTEN = _said(429, "Too often", "That was too often. Wait a minute and try again.")
TOO_OFTEN.headers["retry-after"] = "60"
PROBLEM = PlainTextResponse("Sorry, something went wrong on our side. Nothing was recorded. Try again soon.", 500)


class Rates:
    """How often something may happen, by what it happens to; in the memory of this process."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._requests = parse(settings.site.requests)
        self._to_mailbox = parse(settings.site.askings)
        self._from_address = type(self._to_mailbox)(self._to_mailbox.amount * 10, self._to_mailbox.multiples)
        self._wrong_codes = RateLimitItemPerDay(settings.site.code_tries * 10)

    def request(self, address: str, link: str | None) -> bool:
        """Whether one more request may be made from an address, and with a link or a session."""
        # The address first: what it makes up is not kept once it has asked too often.
        asked = self._limiter.hit(self._requests, "address", _counted_as(address))
        return asked and (link is None or self._limiter.hit(self._requests, "link", link))

    def asking(self, what: Literal["link", "code"], mailbox: str, address: str) -> bool:
        """Whether one more link or code may be sent to a mailbox; an address may ask for ten times as many."""
        asked = self._limiter.hit(self._from_address, "asks", _counted_as(address))
        return asked and self._limiter.hit(self._to_mailbox, what, mailbox.casefold())

    def may_try(self, mailbox: str) -> bool:
        """Whether one more code may be typed in for a mailbox, however many sessions were opened with its link."""
        return self._limiter.test(self._wrong_codes, "wrong", mailbox.casefold())

    def tried(self, mailbox: str) -> None:
        """Count a wrong code."""
        self._limiter.hit(self._wrong_codes, "wrong", mailbox.casefold())


def _counted_as(address: str) -> str:
    """What counts as one address: of IPv6 a network, in which one machine has as many addresses as it likes."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip if ip.version == 4 else ip_network((int(ip), 64), strict=False))


class Guard:
    """The middleware: refuses what is too large or too often, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings, rates: Rates) -> None:
        self.app = app
        self.rates = rates
        self.headers = dict(HEADERS)
        if settings.site.url.startswith("https://"):
            self.headers["strict-transport-security"] = f"max-age={A_YEAR}"
        self.largest_upload = settings.site.upload_megabytes * 1024 * 1024 + LARGEST_FORM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, took, status = time.monotonic(), 0.0, 0

        async def headed(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status, took = message["status"], time.monotonic() - begun
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refusal = self._refusal(scope)
            await (refusal or self.app)(scope, self._counted(scope, receive), headed)
        except Exception as problem:
            # The kind of error only: its message may repeat what somebody typed.
            log.error("a page failed: %s", type(problem).__name__)
            if os.environ.get("PATHWAYS_DEBUG"):
                raise
            if status == 0:
                await PROBLEM(scope, receive, headed)
        if not scope["path"].startswith("/static/"):
            route = getattr(scope.get("route"), "path", "-")  # never the address itself: it may hold a link
            log.info("%s %s %s %.0f ms", scope["method"], route, status, took * 1000)

    def _refusal(self, scope: Scope) -> Response | None:
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return NOTHING_THERE  # nor does any database or folder take it
        if scope["path"].startswith("/static/"):
            return None
        came = HTTPConnection(scope)
        length = came.headers.get("content-length", "0")
        if not (length.isdecimal() and len(length) < 12 and int(length) <= self._largest(scope)):
            return TOO_MUCH
        link = scope["path"].split("/")[2] if scope["path"].startswith("/l/") else came.cookies.get(COOKIE)
        known_as = hashlib.sha256(link.encode()).hexdigest() if link else None
        if not self.rates.request((scope.get("client") or ("",))[0], known_as):
            return TOO_OFTEN
        return None

    def _largest(self, scope: Scope) -> int:
        return self.largest_upload if scope["path"].startswith("/upload") else LARGEST_FORM

    def _counted(self, scope: Scope, receive: Receive) -> Callable:
        """What is received, up to the largest size: a length that was not said is counted."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._largest(scope):
                raise HTTPException(413)
            return message

        return counted
