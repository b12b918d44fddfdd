"""What a cell says. Lenient about spelling, strict about meaning; each ValueError is a sentence to act on."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.facts import KINDS, Fact, Reference, payload_fields
from models.forms import BadFact, base_type, fact
from models.working_days import LONDON, london_date

BLANK = " \t\r\n\u00a0\u2007\u202f\u200b\ufeff"
"""What is trimmed from both ends of a cell: spaces, no-break spaces and the marks programs leave behind."""
YES, NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}
_YEARS = range(1900, 2101)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_SHORT_YEAR = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.I)
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def text(cell: str) -> str:
    if _CONTROL.search(cell):
        raise ValueError("it holds a control character; type it again")
    if len(cell) > 1000:
        raise ValueError("it is longer than 1,000 characters; a quotation mark may be missing")
    return cell


def reference(cell: str) -> str:
    """A reference as we keep it: capitals, no spaces."""
    found = _SPACES.sub("", cell).upper()
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,39}", found):
        raise ValueError(
            "a reference or code is 2 to 40 letters, digits and hyphens, and starts with a letter or digit"
        )
    return found


def own_reference(cell: str) -> str:
    """A reference that comes to stand in runs, mail and lists, and so is nobody's name (SR-12)."""
    if _SPACES.search(cell):
        raise ValueError("a reference holds no spaces; use one that says nothing about a person (SR-12)")
    found = reference(cell)
    if re.search("[A-Z]{6}", found):
        raise ValueError("more than five letters in a row could be a name; use a reference that is none (SR-12)")
    return found


def case_reference(cell: str) -> str:
    """A reference that may be another spelling of a case we know: it is judged once the known cases are at hand."""
    found = _SPACES.sub("", cell).upper()
    if len(same_as(found)) < 2 or len(found) > 60:
        raise ValueError("a reference is 2 to 40 letters, digits and hyphens")
    return found


def same_as(given: str) -> str:
    """A reference without all but its letters and digits: two spellings of one case come out the same."""
    return re.sub(r"[^A-Z0-9]", "", given.upper())


def references(cell: str) -> list[str]:
    return [reference(one) for one in re.split(r"[\s,;]+", cell) if one]


def day(cell: str) -> date:
    """A date, as 2022-01-31 or 31/01/2022; a time of midnight after it (Excel writes one) is passed over."""
    given = re.sub(r"[T ]00:00(:00(\.0+)?)?$", "", cell)
    if _SHORT_YEAR.fullmatch(given):
        raise ValueError("the year has two digits and could be of either century; write all four, as in 31/01/2022")
    if found := _ISO.fullmatch(given):
        year, month, number = map(int, found.groups())
    elif found := _BRITISH.fullmatch(given):
        number, month, year = map(int, found.groups())
    else:
        raise ValueError("write the date as 31/01/2022 or 2022-01-31")
    if year not in _YEARS:
        raise ValueError(f"the year must lie between {_YEARS[0]} and {_YEARS[-1]}")
    try:
        return date(year, month, number)
    except ValueError:
        raise ValueError("there is no such day; the day comes first, as in 31/01/2022 for 31 January") from None


def days(cell: str) -> list[date]:
    return sorted({day(one) for one in re.split(r"[\s,;]+", cell) if one})


def moment(cell: str) -> datetime:
    """A moment in UTC. Without a zone it is the time on the clock in London, the first of two when clocks go back."""
    date_part, _, clock = cell.replace("T", " ").replace("t", " ").partition(" ")
    found = _CLOCK.fullmatch(clock.strip())
    if not found:
        raise ValueError("write day and time as 31/01/2022 18:00 or 2022-01-31T18:00")
    hours, minutes, seconds, zone = found.groups()
    on = day(date_part)
    try:
        at = datetime.combine(on, time(int(hours), int(minutes), int(seconds or 0)))
    except ValueError:
        raise ValueError("there is no such time of day") from None
    return _with_zone(at, zone) if zone else in_london(at)


def _with_zone(at: datetime, zone: str) -> datetime:
    return datetime.fromisoformat(at.isoformat() + zone.upper().replace("Z", "+00:00")).astimezone(UTC)


def in_london(wall: datetime) -> datetime:
    """What UTC shows when London's clocks show `wall`. Raises ValueError for the hour skipped in spring."""
    found = wall.replace(tzinfo=LONDON).astimezone(UTC)
    if found.astimezone(LONDON).replace(tzinfo=None) != wall:
        raise ValueError("there was no such time: the clocks went forward in that hour")
    return found


def yes_no(cell: str) -> bool:
    if cell.lower() not in YES | NO:
        raise ValueError("write yes or no")
    return cell.lower() in YES


def number(cell: str) -> int:
    """A whole number; Excel may have written it as 12.0."""
    whole = re.fullmatch(r"(\d{1,9})(\.0+)?", cell.replace(",", ""))
    if not whole:
        raise ValueError("write a whole number in digits")
    return int(whole[1])


def degrees(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError("write degrees as a decimal number, such as 53.48") from None


def word(cell: str) -> str:
    """One of a few words, however its spaces and capitals were typed."""
    return re.sub(r"[\s-]+", "_", cell).lower()


def mail_address(cell: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+", cell) or not cell.isprintable():
        raise ValueError("write one e-mail address, such as duty@cafcass.example")
    return cell


Text = Annotated[str, BeforeValidator(text)]
Ref = Annotated[Reference, BeforeValidator(reference)]
OwnRef = Annotated[Reference, BeforeValidator(own_reference)]
CaseRef = Annotated[str, BeforeValidator(case_reference)]
Refs = Annotated[list[Reference], BeforeValidator(references), Field(min_length=1)]
Day = Annotated[date, BeforeValidator(day)]
Days = Annotated[list[date], BeforeValidator(days)]
YesNo = Annotated[bool, BeforeValidator(yes_no)]
Number = Annotated[int, BeforeValidator(number)]
Latitude = Annotated[float, BeforeValidator(degrees), Field(ge=-90, le=90)]
Longitude = Annotated[float, BeforeValidator(degrees), Field(ge=-180, le=180)]
Mail = Annotated[str, BeforeValidator(mail_address)]
Word = BeforeValidator(word)


# Facts ----------------------------------------------------------------------------------------------------------------


def fact_from_text(
    kind: str,
    details: Mapping[str, str],
    *,
    on: str | None,
    by: str,
    now: datetime,
    supersedes: int | None = None,
    kinds: Mapping[str, type[Fact]] = KINDS,
) -> Fact:
    """A fact as somebody types it: today's unless `on` says otherwise. Raises BadFact, naming the field at fault."""
    happened_on = _typed("happened_on", date, on) if on else london_date(now)
    typed = details_from_text(kind, details, kinds)
    by = _typed("recorded_by", str, by)
    common = {"happened_on": happened_on, "recorded_at": now, "recorded_by": by, "supersedes": supersedes}
    return fact(kind, typed, **common, kinds=kinds)


def details_from_text(kind: str, details: Mapping[str, str], kinds: Mapping[str, type[Fact]] = KINDS) -> dict[str, Any]:
    """What a kind's own fields say. Fields it does not have are passed on as they are, for `forms.fact` to refuse."""
    fields = payload_fields(kinds[kind]) if kind in kinds else {}
    return {
        name: _typed(name, base_type(fields[name].annotation), cell.strip(BLANK)) if name in fields else cell
        for name, cell in details.items()
    }


def _typed(name: str, wanted: Any, cell: str) -> Any:
    if isinstance(wanted, tuple):
        return next((one for one in wanted if word(str(one)) == word(cell)), cell)
    try:
        return _READERS[wanted](cell)
    except ValueError as why:
        raise BadFact(name, str(why)) from None


_READERS = {date: day, datetime: moment, bool: yes_no, int: number, str: reference}
