"""Channels: where a letter goes, by the name it has in the settings, and whether it is fit to go at all (SR-12).

Any Apprise URL is a channel. Mail goes through our own plugin (`notifications.smtp`), which tells failures apart.
"""

import html
import logging
import re
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from models import screen
from models.screen import words
from notifications.invitation import blank
from notifications.letters import Letter
from settings import Settings

HERE = Path(__file__).parent
KEPT = 64
"""How many channels stay open at once; a URL with {address} in it is another one for each recipient."""


class Undelivered(Exception):
    """A letter did not go. `code` says why in a few words that hold nothing personal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refused(Undelivered):
    """It never will: the recipient or the letter is not accepted."""


class Unavailable(Undelivered):
    """Not now; worth trying again."""


class ChannelError(Undelivered):
    """The settings name no usable channel. Says which in a sentence, without its URL, which may hold a password."""


class Channels:
    """The channels of the settings, each opened when first used and kept open. May be shared by threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Channels":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def deliver(self, channel_name: str, letter: Letter, address: str, message_id: str, now: datetime) -> None:
        """Hand over one letter. Raises Refused, Unavailable or, where the settings are wrong, ChannelError.

        Where a connection breaks before the answer, the letter may have gone and go again, with the same Message-ID.
        """
        plugin = self._plugin(channel_name, address)
        if _is_ours(plugin):
            envelope = {"to": address, "message_id": message_id, "now": now, "sender": self._settings.sender}
            body = {"body": letter.text, "html": letter.html, "calendar": letter.calendar}
            plugin.notify(title=letter.subject, **body, **envelope)
        elif not _notified(plugin, letter):
            raise Unavailable("channel refused")

    def close(self) -> None:
        with self._lock:
            for plugin in self._open.values():
                _close(plugin)
            self._open.clear()

    def _plugin(self, name: str, address: str) -> Any:
        if name not in self._settings.channels:
            raise ChannelError(f"there is no channel {name!r} in the settings")
        url = self._settings.channels[name].url.replace("{address}", quote(address, safe=""))
        with self._lock:
            # Taken out and put back, so that the one unused for longest stands first.
            self._open[url] = self._open.pop(url, None) or _made(name, url)
            if len(self._open) > KEPT:
                _close(self._open.pop(next(iter(self._open))))
            return self._open[url]


def called(name: str, settings: Settings) -> str:
    """What a channel is called to people: our mail server by host and port, any other by name, for all its URL may be
    secret."""
    url = settings.channels[name].url if name in settings.channels else ""
    place = re.fullmatch(r"pathways-mails?://(?:[^/?#@]*@)?([^/?#@:\[\]]+(?::\d+)?)/?(?:\?[^#]*)?", url)
    return f"the mail server at {place[1]}" if place else f"the channel {name}"


def _made(name: str, url: str) -> Any:
    # Apprise's own pattern of a scheme has no hyphen.
    url = re.sub(r"^pathways-(mails?://)", r"pathways\1", url)
    plugin = _apprise().instantiate(url)
    if plugin is None:
        raise ChannelError(f"the URL of the channel {name!r} is not one Apprise can use")
    return plugin


@cache
def _apprise() -> Any:
    """Apprise, loaded when first needed (it brings a hundred services), silenced, and knowing our plugin."""
    from apprise import Apprise
    from apprise.manager_plugins import NotificationManager

    from notifications.smtp import SmtpMail

    logging.getLogger("apprise").addFilter(_say_nothing)
    NotificationManager().add(SmtpMail)
    return Apprise


def _say_nothing(_: logging.LogRecord) -> bool:
    """Apprise's services log whom they tell, and the parts of URLs."""
    return False


def _notified(plugin: Any, letter: Letter) -> bool:
    """Through Apprise's front door, which turns text into what the service takes and repeats where ?retry= says so."""
    from apprise import NotifyFormat

    door = _apprise()()
    door.add(plugin)
    return bool(door.notify(body=letter.text, title=letter.subject, body_format=NotifyFormat.TEXT))


def _is_ours(plugin: Any) -> bool:
    from notifications.smtp import SmtpMail

    return isinstance(plugin, SmtpMail)


def _close(plugin: Any) -> None:
    if _is_ours(plugin):
        plugin.close()


# Fit to send (SR-12) -------------------------------------------------------------------------------------------------


def fit_to_send(letter: Letter, link: str, forbidden: frozenset[str], own: Iterable[str] = ()) -> str | None:
    """Why a letter may not go, in words that hold nothing personal; None when it may (SR-12).

    `forbidden` is what is personal in its cases: names, addresses, telephone numbers and e-mail addresses, in any
    order. `link` is the link of the settings, whose fixed part is not looked into. `own` are the addresses of who sends
    it and who gets it, which an invitation must name.
    """
    shown = _shown(letter, link) + _invited(letter, own)
    if what := screen.looks_like(shown):
        return f"it holds what looks like {what}"
    said = f" {' '.join(words(shown))} "
    numbers = "|".join(screen.numbers(shown))
    for value in forbidden:
        if any(f" {phrase} " in said for phrase in _phrases(value)):
            return "it holds a name or an address of a party"
        if any(screen.national(number) in numbers for number in screen.numbers(value)):
            return "it holds a telephone number of a party"
    return None


def _shown(letter: Letter, link: str) -> str:
    """All a letter says: its HTML with its tags, in which something could hide, and without, where they part words."""
    bare = re.sub(r"<[^>]*>", " ", letter.html)
    whole = "\n".join((letter.subject, letter.text, html.unescape(bare), html.unescape(letter.html)))
    before, _, after = link.partition("{reference}")
    return re.sub(rf"{re.escape(before)}([A-Z0-9-]*){re.escape(after)}", r" \1 ", whole) if before else whole


def _invited(letter: Letter, own: Iterable[str]) -> str:
    """All an invitation says, its folded lines made whole, but for who asks whom and the domain of its number."""
    whole = re.sub(r"\r\n[ \t]", "", (letter.calendar or b"").decode())
    asked = "|".join(re.escape(f"mailto:{address}") for address in own)
    whole = re.sub(rf"(?m)^((?:ORGANIZER|ATTENDEE)[;:].*?)(?:{asked})\r?$", r"\1", whole) if asked else whole
    return "\n" + re.sub(r"(?m)^(UID:[A-Z0-9-]*)@[\w.-]*\r?$", r"\1", whole)


@lru_cache(maxsize=4096)
def _phrases(value: str) -> frozenset[str]:
    """What of a personal value may not be said, as words in a row: all of it, each line, each word of a name."""
    lines = [words(line) for line in (value, *re.split(r"[,;\n]", value))]
    lines += [[word for word in line if word.isalpha()] for line in lines]
    found = {" ".join(line) for line in lines if any(len(word) > 2 and word.isalpha() for word in line)}
    if not re.search(r"[\d,;@\n]", value):
        found |= {" ".join(lines[0]), *(word for word in lines[0] if len(word) > 2)}
    return frozenset(found - vocabulary() - {""}).union(screen.postcodes(value))


@cache
def vocabulary() -> frozenset[str]:
    """The words we say ourselves, which are not held against a party who bears one as a name."""
    files = [HERE / "wording.toml", *sorted((HERE / "templates").iterdir())]
    return frozenset(words(" ".join([*(file.read_text(encoding="utf-8") for file in files), _MADE, blank()])))


_MADE = """January February March April May June July August September October November December
working day days late less than a due soon today hearing on nothing enquiries conversation with"""
