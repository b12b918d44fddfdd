"""Invitations for calendars: a session set, moved or called off (RFC 5545, put into mail as RFC 5546 and 6047 have it).

They hold a reference, codes, times and the addresses of who asks and who is asked. No name, no place, no free text: a
calendar is shown on telephones and shared with colleagues (SR-12).
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from models.working_days import LONDON

Method = Literal["REQUEST", "CANCEL"]
"""REQUEST puts a session into a calendar, or moves it there; CANCEL takes it out."""

# By hand: the one icalendar makes begins summer time at the wrong hour. This is the rule since 1996 (S.I. 2002/262).
_ZONE = """BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:DAYLIGHT
DTSTART:19960331T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
TZNAME:BST
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:GMT
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""


def invitation(
    method: Method, reference: str, session: str, sitting: str, starts: datetime, ends: datetime, sequence: int, *,
    stamp: datetime, organizer: str, attendee: str, domain: str,
) -> bytes:  # fmt: skip
    """The calendar that asks one person to one session, or no longer does: the same bytes each time it is made.

    A calendar knows by pathway and session which event is meant, and by `sequence` which word on it is the last: 0 at
    first, one more each time it is moved or called off. `stamp` is when that was decided. Codes must have been checked.
    """
    from icalendar import Calendar, Event, vCalAddress

    calendar, event, asked = Calendar(), Event(), vCalAddress(f"mailto:{attendee}")
    asked.params |= {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
    _fill(calendar, prodid="-//Case Pathways//Case Pathways//EN", version="2.0", method=method)
    _fill(event, uid=f"{reference}-{session}@{domain}", sequence=sequence, dtstamp=stamp.astimezone(UTC))
    _fill(event, dtstart=starts.astimezone(LONDON), dtend=ends.astimezone(LONDON))
    _fill(event, summary=f"{reference}: {sitting} session", transp="OPAQUE")
    _fill(event, status="CANCELLED" if method == "CANCEL" else "CONFIRMED")
    _fill(event, organizer=vCalAddress(f"mailto:{organizer}"), attendee=asked)
    calendar.subcomponents += [_zone(), event]
    return calendar.to_ical(sorted=False)


def blank() -> str:
    """Invitations to nothing by nobody: the words that stand in all of them."""
    now = datetime(2000, 1, 1, tzinfo=UTC)
    nobody = {"stamp": now, "organizer": "", "attendee": "", "domain": ""}
    made = [invitation(method, "", "", "", now, now, 0, **nobody) for method in ("REQUEST", "CANCEL")]
    return b"".join(made).decode()


@cache
def _zone() -> Any:
    from icalendar import Timezone

    return Timezone.from_ical(_ZONE)


def _fill(component: Any, **properties: Any) -> None:
    for name, value in properties.items():
        component.add(name, value)
