"""Channels: where a letter goes, by the name it has in the settings, and whether it is fit to go at all (SR-12).

Any Apprise URL is a channel. Mail goes through our own plugin (`notifications.smtp`), which tells failures apart.
"""

import html
import logging
import re
import threading
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
            plugin.notify(body=letter.text, title=letter.subject, html=letter.html, **envelope)
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

_GAP = r"[\s().\-/]{0,3}"
_OUT, _IN = r"[A-PR-UWYZ](?:\d[\dA-HJKMNPR-Y]?|[A-HK-Y]\d[\dA-Z]?)", r"\d[ABD-HJLNP-UW-Z]{2}"
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(rf"\d(?:{_GAP}\d){{6,}}")
_EMAIL = re.compile(r"[^\s@<>\"'=(]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    rf"(?<!\w)(?:(?:\+|00){_GAP}\d(?:{_GAP}\d){{7,13}}|\(?0(?:{_GAP}\d){{9,10}}|7\d{{3}}\s?(?:\d\s?){{6}})(?!\w)"
)
_POSTCODE = re.compile(rf"(?<![\w-]){_OUT}{_IN}(?![\w-])|(?<!\w){_OUT}\s{{1,3}}{_IN}(?!\w)", re.IGNORECASE)
_LOOKS = ((_EMAIL, "an e-mail address"), (_POSTCODE, "a postcode"), (_PHONE, "a telephone number"))


def fit_to_send(letter: Letter, link: str, forbidden: frozenset[str]) -> str | None:
    """Why a letter may not go, in words that hold nothing personal; None when it may (SR-12).

    `forbidden` is what is personal in its cases: names, addresses, telephone numbers and e-mail addresses, in any
    order. `link` is the link of the settings, whose fixed part is not looked into.
    """
    shown = _shown(letter, link)
    for pattern, what in _LOOKS:
        if pattern.search(shown):
            return f"it holds what looks like {what}"
    said = f" {' '.join(_words(shown))} "
    numbers = "|".join(_numbers(shown))
    for value in forbidden:
        if any(f" {phrase} " in said for phrase in _phrases(value)):
            return "it holds a name or an address of a party"
        if any(_national(number) in numbers for number in _numbers(value)):
            return "it holds a telephone number of a party"
    return None


def _shown(letter: Letter, link: str) -> str:
    """All a letter says: its HTML with its tags, in which something could hide, and without, where they part words."""
    bare = re.sub(r"<[^>]*>", " ", letter.html)
    whole = "\n".join((letter.subject, letter.text, html.unescape(bare), html.unescape(letter.html)))
    before, _, after = link.partition("{reference}")
    return re.sub(rf"{re.escape(before)}([A-Z0-9-]*){re.escape(after)}", r" \1 ", whole) if before else whole


def _words(text: str) -> list[str]:
    """The words of a text without capitals and accents: "José O'Neill" is jose, o, neill."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(c for c in apart if not unicodedata.combining(c)))


@lru_cache(maxsize=4096)
def _phrases(value: str) -> frozenset[str]:
    """What of a personal value may not be said, as words in a row: all of it, each line, each word of a name."""
    lines = [_words(line) for line in (value, *re.split(r"[,;\n]", value))]
    lines += [[word for word in line if word.isalpha()] for line in lines]
    found = {" ".join(line) for line in lines if any(len(word) > 2 and word.isalpha() for word in line)}
    if not re.search(r"[\d,;@\n]", value):
        found |= {" ".join(lines[0]), *(word for word in lines[0] if len(word) > 2)}
    return frozenset(found - vocabulary() - {""}).union(_postcodes(value))


def _postcodes(value: str) -> Iterator[str]:
    """A postcode as one word and as two."""
    for match in _POSTCODE.finditer(value):
        code = "".join(_words(match.group()))
        yield from (code, f"{code[:-3]} {code[-3:]}")


def _numbers(text: str) -> list[str]:
    """Every long number of a text, as digits."""
    return [re.sub(r"\D", "", match.group()) for match in _NUMBER.finditer(text)]


def _national(number: str) -> str:
    """A number without what it begins with at home (0) or from abroad (44)."""
    return re.sub(r"^(?:(?:00)?44)?0?", "", number)


@cache
def vocabulary() -> frozenset[str]:
    """The words we say ourselves, which are not held against a party who bears one as a name."""
    files = [HERE / "wording.toml", *sorted((HERE / "templates").iterdir())]
    return frozenset(_words(" ".join([*(file.read_text(encoding="utf-8") for file in files), _MADE])))


_MADE = """January February March April May June July August September October November December
working day days late due soon hearing on nothing enquiries conversation with"""
