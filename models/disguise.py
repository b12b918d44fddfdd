"""Undoing disguises: what a text says once look-alike letters, invisible characters and spelled-out digits are undone.

Nothing here judges; `models.screen` does.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from itertools import pairwise, product
from urllib.parse import unquote

_CYRILLIC = dict(zip("авекмнорстухзбгдіїјӏѕһԁԛԝѵьп", "abekmhopctyx36rdiijlshdqwvbn", strict=True))
_GREEK = dict(zip("αβγεζηικμνορστυχω", "abyeznikmvopotuxw", strict=True))
_GREEK_CAPITALS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx", strict=True))
_LOOKS_LIKE = {**_CYRILLIC, **_GREEK, **_GREEK_CAPITALS}
_LATIN = re.compile(r"\bLETTER (?:SMALL CAPITAL |SCRIPT |DOTLESS |OPEN |REVERSED |TURNED |SIDEWAYS )?([A-Z])\b")
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that show nothing."""
_TAGS = range(0xE0020, 0xE007F)
"""Invisible copies of ASCII."""


@lru_cache(maxsize=8)
def plain(text: str) -> str:
    """The text in small letters and digits of ASCII as far as they can be told; the rest as it is."""
    return "".join(_plain(char) for char in unicodedata.normalize("NFKD", unescaped(text))).casefold()


def unescaped(text: str) -> str:
    """The text without escapes of web pages and addresses: "&#90;", "%5A"; twice, for one may hide another."""
    for _ in range(2):
        text = unquote(unescape(text))
    return text


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char.isascii():
        return char if char.isprintable() or char.isspace() else ""
    if ord(char) in _TAGS:
        return chr(ord(char) - 0xE0000)
    if char in _BLANK or unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return " " if char.isspace() else ""
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    latin = _LATIN.search(unicodedata.name(char, ""))
    return _LOOKS_LIKE.get(char) or _LOOKS_LIKE.get(char.lower()) or (latin[1].lower() if latin else char)


def tokens(text: str) -> list[str]:
    """Every stretch of letters and digits, in order."""
    return re.findall(r"[^\W_]+", plain(text))


def spellings(text: str) -> Iterator[list[str]]:
    """The tokens as they stand, and with digits and signs read as the letters they stand for in "J4ne" or "$m1th"."""
    yield tokens(text)
    for one, bar in product("il", "i l"):
        yield tokens(plain(text).translate(str.maketrans("013457@$!|", f"o{one}eastasi{bar}")))


def unbroken(text: str) -> str:
    """The text without hyphens inside of words: "pri-mary" is one word."""
    return re.sub(r"(?<=[^\W_])-\s*(?=[^\W_])", "", plain(text))


_NATO = {word: word[0] for word in """
    alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa
    quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu
    """.split()}  # noqa: SIM905  # fmt: skip


def spelled_by_name(text: str) -> list[str]:
    """The tokens with numbers in words as digits, and "Lima Sierra" as l, s."""
    return [_NATO.get(word, word) for word in digits_read(re.sub(r"(?i)\bx-ray\b", "xray", text))]


def in_a_row(words: list[str], longest: int) -> Iterator[list[str]]:
    """Words in a row that are no longer than this when put together: "J a-n e" and "Ja\\nne" hold "jane"."""
    for start in range(len(words)):
        length = 0
        for end in range(start, len(words)):
            length += len(words[end])
            if length > longest:
                break
            yield words[start : end + 1]


# Digits ---------------------------------------------------------------------------------------------------------------

_UNITS = {"zero": "0", "nought": "0", "naught": "0", "nil": "0", "oh": "0", "o": "0", "l": "1", "i": "1", "one": "1",
          "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
          "nine": "9"}  # fmt: skip
_TEENS = {"ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
          "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "hundred": "00",
          "thousand": "000"}  # fmt: skip
_TENS = {"twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7",
         "eighty": "8", "ninety": "9"}  # fmt: skip
_TIMES = {"double": 2, "triple": 3, "treble": 3}
_PASSED_OVER = {"and", "then", "dash", "hyphen", "space", "plus"}
_NUMBER_WORDS = sorted([*_UNITS, *_TEENS, *_TENS, *_TIMES], key=len, reverse=True)
_NUMBER = re.compile("|".join([r"\d+", *_NUMBER_WORDS]))


def digits_read(text: str) -> list[str]:
    """The tokens with numbers in words as digits: "oh double seven" is 0, 77. What is no number is left as it is."""
    words = [word for token in tokens(text) for word in _split(token)]
    read: list[str] = []
    times = 1
    for word, after in pairwise([*words, ""]):
        if word in _TIMES:
            times = _TIMES[word]
            continue
        read.append(_read(word, after) * times if times > 1 and _read(word, after).isdigit() else _read(word, after))
        times = 1
    return read


def _split(token: str) -> list[str]:
    """A token made of nothing but digits and number words ("zeroseven7OO"), as those; else letters and digits apart."""
    words = _NUMBER.findall(token)
    return words if "".join(words) == token else re.findall(r"\d+|\D+", token)


def _read(word: str, after: str) -> str:
    if word in _TENS:
        return _TENS[word] + ("" if after in _UNITS and _UNITS[after] != "0" else "0")
    return _UNITS.get(word) or _TEENS.get(word) or word


def runs_of_digits(text: str) -> list[list[str]]:
    """The numbers that stand in a row with nothing but signs between them."""
    runs: list[list[str]] = [[]]
    for word in digits_read(text):
        if word.isdigit():
            runs[-1].append(word)
        elif word not in _PASSED_OVER and runs[-1]:
            runs.append([])
    return [run for run in runs if run]
