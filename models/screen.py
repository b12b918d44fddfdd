"""What in a text says where somebody is or how to reach them: postcodes, telephone numbers, e-mail addresses.

Mail is ours and is looked at as it stands (`looks_like`). What others write freely is looked at with its disguises
undone (`found_in`; `models.details`), and rather held once too often: a person then looks at it.
"""

import re
import unicodedata
from collections.abc import Iterator

from models.disguise import digits_read, in_a_row, plain, runs_of_digits, spelled_by_name, tokens, unescaped

_GAP = r"[\s().\-/]{0,3}"
_OUT, _IN = r"[A-PR-UWYZ](?:\d[\dA-HJKMNPR-Y]?|[A-HK-Y]\d[\dA-Z]?)", r"\d[ABD-HJLNP-UW-Z]{2}"
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(rf"\d(?:{_GAP}\d){{6,}}")
_EMAIL = re.compile(r"[^\s@<>\"'=(]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    rf"(?<!\w)(?:(?:\+|00){_GAP}\d(?:{_GAP}\d){{7,13}}|\(?0(?:{_GAP}\d){{9,10}}|7\d{{3}}\s?(?:\d\s?){{6}})(?!\w)"
)
_POSTCODE = re.compile(rf"(?<![\w-]){_OUT}{_IN}(?![\w-])|(?<!\w){_OUT}\s{{1,3}}{_IN}(?!\w)", re.IGNORECASE)
EMAIL, POSTCODE, PHONE = "an e-mail address", "a postcode", "a telephone number"
_LOOKS = ((_EMAIL, EMAIL), (_POSTCODE, POSTCODE), (_PHONE, PHONE))


def looks_like(text: str) -> str | None:
    """What of these a text holds as it stands; None when it holds none."""
    return next((what for pattern, what in _LOOKS if pattern.search(text)), None)


def words(text: str) -> list[str]:
    """The words of a text without capitals and accents: "José O'Neill" is jose, o, neill."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    bare = apart if apart.isascii() else "".join(c for c in apart if not unicodedata.combining(c))
    return _WORD.findall(bare)


def postcodes(value: str) -> Iterator[str]:
    """Each postcode of a text as one word and as two."""
    for match in _POSTCODE.finditer(value):
        code = "".join(words(match.group()))
        yield from (code, f"{code[:-3]} {code[-3:]}")


def numbers(text: str) -> list[str]:
    """Every long number of a text, as digits."""
    return [re.sub(r"\D", "", match.group()) for match in _NUMBER.finditer(text)]


def national(number: str) -> str:
    """A number without what it begins with at home (0) or from abroad (44)."""
    return re.sub(r"^(?:(?:00)?44)?0?", "", number)


# What others write freely ---------------------------------------------------------------------------------------------

UNUSUAL = "unusual characters"
_ORDINARY = re.compile(
    r"[\t\n\r -~\u00a0\u00a3\u00a7\u00ab\u00b0\u00b7\u00bb-\u017f\u2010-\u2015\u2018-\u201d\u2022\u2026\u20ac]*"
)
_DATE = re.compile(
    r"(?<!\d)(?<!\d[\s/.-])(?:(?:0?[1-9]|[12]\d|3[01])[/.-](?:0?[1-9]|1[0-2])[/.-](?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![\s/.-]?\d)"
)
_CLOCK = re.compile(r"(?<![:\d])(?:[01]?\d|2[0-3]):[0-5]\d(?![:\d])")
_DIALLED = re.compile(r"0\d{9,10}|44\d{9,10}|7\d{9}")
_COMPACT = re.compile(r"([a-z]{1,2})\d[a-z\d]?\d[a-z]{2}")
_ALIKE = re.compile(r"(?P<area>[a-z01258]{1,2})(?:[\dolizsb][\da-z]?)(?:[\dolizsb])(?P<end>[a-z1258]{2})")
_AS_LETTERS = str.maketrans("01258", "olzsb")
_AREAS = set(
    """
    ab al b ba bb bd bh bl bn br bs bt ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt dy e ec eh en ex fk fy g gl
    gu ha hd hg hp hr hs hu hx ig ip iv ka kt kw ky l la ld le ll ln ls lu m me mk ml n ne ng nn np nr nw ol ox pa pe ph
    pl po pr rg rh rm s sa se sg sk sl sm sn so sp sr ss st sw sy ta td tf tn tq tr ts tw ub w wa wc wd wf wn wr ws wv
    yo ze
    """.split()  # noqa: SIM905
)
_HOSTS = {"gmail", "googlemail", "hotmail", "outlook", "yahoo", "icloud", "btinternet", "aol", "protonmail", "ymail"}
_SPELLED = re.compile(
    r"\bat\b\W{0,5}(?:\w+\W{1,5}){1,4}?(?:dot|full\s+stop)\b|\bat\b\W{0,5}[\w-]+\.[a-z]{2,}\b"
    r"|(?:\bdot\b|\.)\W{0,4}(?:com|net|org|uk|eu)\b"
)
LINK, PLACE = "a link", "a place on a map"
_LINK = re.compile(
    r"\w:/{2}|\bwww\b|/{2,}\s*\w+\.\w+|\b[a-z]{3,}\.[a-z]{3,}\.[a-z]{3,}\b"
    r"|\b[a-z\d-]{2,}\.(?:com|org|net|uk|eu|info|io|ly|gl|me|app|link)\b"
)
_DEGREES = re.compile(r"\d\s*[\u00b0\u00ba](?!\s*[CF]\b)")
_DECIMALS = re.compile(r"(?<![\d.])-?\d{1,3}\.\d{3,}[^\d.]{1,12}\d{1,3}\.\d{3,}")
_SQUARE = r"\b(?:H[PTUWXYZ]|N[A-DF-HJ-OR-UW-Z]|OV|S[CDEHJKM-PR-Z]|T[AFGLMQRV])\s?"
_GRID = re.compile(_SQUARE + r"(?:\d{3}\s?\d{3}|\d{4}\s?\d{4}|\d{5}\s?\d{5})\b", re.IGNORECASE)
_GRID_4 = re.compile(_SQUARE + r"\d\d\s?\d\d\b")
"""The letters of British grid references; four figures are one in capitals only ("so 2026" is none)."""
_RUN_TOGETHER = re.compile(r"\w{2,}at\w{2,}dot\w{2,}")


def found_in(text: str) -> set[str]:
    """What of these somebody's text holds, however it is disguised, and whether it has characters nobody types."""
    found = {what for what, holds in _HOLDS.items() if holds(text)}
    return found if _ORDINARY.fullmatch(unicodedata.normalize("NFC", unescaped(text))) else found | {UNUSUAL}


def _holds_email(text: str) -> bool:
    said = plain(text)
    letters = "".join(token if len(token) == 1 else f" {token} " for token in tokens(text))
    run_together = _RUN_TOGETHER.search(letters.replace("  ", " "))
    return "@" in said or "%40" in said or bool(_SPELLED.search(said) or run_together or _HOSTS & set(tokens(text)))


def _holds_phone(text: str) -> bool:
    said = _CLOCK.sub(" at ", _DATE.sub(" on ", _CLOCK.sub(" at ", plain(text))))
    return any(_dialled("".join(run), len(run)) for run in runs_of_digits(said))


def _dialled(digits: str, groups: int) -> bool:
    return bool(_DIALLED.search(digits)) or (len(digits) >= 7 and groups <= 3)


def _holds_postcode(text: str) -> bool:
    return any(
        _is_postcode(some)
        for row in (tokens(text), digits_read(text), spelled_by_name(text))
        for some in in_a_row(row, 7)
    )


def _is_postcode(parts: list[str]) -> bool:
    """Whether these are one, as it is written or letter by letter; parted otherwise ("on 15 he") one of a real area."""
    code = "".join(parts)
    found = _COMPACT.fullmatch(code)
    as_written = len(parts) in (1, len(code)) or parts == [code[:-3], code[-3:]]
    return (bool(found) and (as_written or found[1] in _AREAS)) or (as_written and _mistaken(code))


def _mistaken(code: str) -> bool:
    """Whether it is one of a real area once digits and letters that look alike stand for each other: "L51 4AB"."""
    shape = _ALIKE.fullmatch(code)
    if not shape or code.isalpha() or shape["end"].isdigit():
        return False
    return (
        shape["area"].translate(_AS_LETTERS) in _AREAS
        or shape["area"].replace("1", "i").translate(_AS_LETTERS) in _AREAS
    )


def compact_postcodes(text: str) -> Iterator[str]:
    """The postcodes of an address as it is written, each as one word."""
    yield from ("".join(some) for some in in_a_row(tokens(text), 7) if _is_postcode(some))


def _holds_link(text: str) -> bool:
    return bool(_LINK.search(plain(text)))


def _holds_place(text: str) -> bool:
    said = unescaped(text)
    return bool(_DEGREES.search(said) or _DECIMALS.search(plain(text)) or _GRID.search(said) or _GRID_4.search(said))


_HOLDS = {EMAIL: _holds_email, PHONE: _holds_phone, POSTCODE: _holds_postcode, LINK: _holds_link, PLACE: _holds_place}
