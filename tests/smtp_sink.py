"""A real SMTP server for tests: keeps what it is sent, and can be told to answer badly, be slow or hang up."""

import asyncio
import email
import email.policy
import socket
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Received:
    sender: str
    to: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


@dataclass
class Sink(Controller):
    """Use it with `with`. Its fields may be changed while it runs."""

    says: dict[str, str] = field(default_factory=dict)
    """What it answers instead of yes, by command: {"RCPT": "550 5.1.1 no such user"}."""
    once: dict[str, str] = field(default_factory=dict)
    """The same, for one time only."""
    refuses: set[str] = field(default_factory=set)
    greylists: bool = False
    drops_at_connect: bool = False
    drops_in_data: bool = False
    hangs_at: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """What aiosmtpd's Controller takes besides: tls_context, ssl_context, authenticator, ..."""
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.seen: set[str] = set()
        self.open: set[asyncio.Transport] = set()
        Controller.__init__(self, self, hostname="127.0.0.1", port=free_port(), **self.options)

    # A dataclass compares by value; a server is only itself.
    __hash__ = object.__hash__

    def __enter__(self) -> "Sink":
        self.start()
        # Controller connects once itself, to see whether it started.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), self.loop).result(5)
        self.hang_up()
        self.connections = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self.stop()

    def factory(self) -> SMTP:
        return _Session(self.handler, **self.SMTP_kwargs)

    def hang_up(self) -> None:
        """Drop every connection without a word, as a server does with idle ones."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(5)

    async def _hang_up(self) -> None:
        for transport in self.open:
            transport.abort()
        self.open.clear()
        await asyncio.sleep(0)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if bad := await self._badly("MAIL"):
            return bad
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if bad := await self._badly("RCPT"):
            return bad
        if address in self.refuses:
            return f"550 5.1.1 <{address}>: no such user here"
        if self.greylists and address not in self.seen:
            self.seen.add(address)
            return f"451 4.7.1 <{address}>: greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if bad := await self._badly("DATA"):
            return bad
        self.received.append(Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        if self.drops_in_data:
            server.transport.abort()
        return "250 OK"

    async def handle_RSET(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.commands.append("RSET")
        return "250 OK"

    async def _badly(self, command: str) -> str | None:
        self.commands.append(command)
        if self.hangs_at == command:
            await asyncio.sleep(30)
        return self.once.pop(command, None) or self.says.get(command)


class _Session(SMTP):
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        sink: Sink = self.event_handler
        # STARTTLS calls this a second time for the same connection.
        if not isinstance(getattr(self, "_counted", None), bool):
            self._counted = True
            sink.connections += 1
        sink.open.add(transport)
        if sink.drops_at_connect:
            transport.abort()

    async def push(self, status: Any) -> None:
        """421 is said and then done: the connection ends."""
        await super().push(status)
        text = status if isinstance(status, str) else status.decode()
        if text.startswith("421"):
            self.transport.close()
