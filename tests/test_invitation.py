"""Invitations as calendars read them: parsed by `ical` and `dateutil`, which made none of it, and sent to a real server."""

import hashlib
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import pytest
from dateutil.tz import tzical
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event

from models import tables as t
from models.working_days import LONDON
from notifications.channels import fit_to_send, vocabulary
from notifications.invitation import invitation
from notifications.letters import Letter
from notifications.smtp import Envelope, written
from notifications.wording import NotSayable, said
from tests.life import moment
from tests.smtp_sink import Sink
from tests.world import Office, empty, mailing

TEN = datetime(2026, 2, 9, 10, tzinfo=UTC)
STAMP = datetime(2026, 1, 5, 12, tzinfo=UTC)
FROM, TO, DOMAIN = "no-reply@pathways.example", "fca1@staff.example", "pathways.example"
ABOUT = {"session": "CP-1", "sitting": "child"}
ADVISER = ("adviser", "FCA1")
LINK = "https://pathways.example/{reference}"


def made(method: str = "REQUEST", starts: datetime = TEN, sequence: int = 0, **more: Any) -> bytes:
    given = {"reference": "CPPP-R0001", **ABOUT, "ends": starts + timedelta(hours=1)} | more
    between = {"stamp": STAMP, "organizer": FROM, "attendee": TO, "domain": DOMAIN}
    return invitation(method, starts=starts, sequence=sequence, **between | given)


def read(calendar: bytes) -> tuple[str, Event]:
    """The method and the one event, as another library reads them."""
    found = IcsCalendarStream.calendar_from_ics(calendar.decode())
    assert (found.version, len(found.events), found.prodid) == ("2.0", 1, "-//Case Pathways//Case Pathways//EN")
    return found.method, found.events[0]


def zone(calendar: bytes) -> Any:
    """London as the invitation itself describes it."""
    return tzical(io.StringIO(calendar.decode().replace("\r\n", "\n"))).get("Europe/London")


# What a calendar reads ------------------------------------------------------------------------------------------------


def test_an_invitation_says_what_and_when_and_who_asks_whom():
    method, event = read(made())
    assert (method, event.status, event.sequence, event.transparency) == ("REQUEST", "CONFIRMED", 0, "OPAQUE")
    assert (event.uid, event.summary) == ("CPPP-R0001-CP-1@pathways.example", "CPPP-R0001: child session")
    assert (event.dtstamp, event.dtstart, event.dtend) == (STAMP, TEN, TEN + timedelta(hours=1))
    [asked] = event.attendees
    assert (asked.uri, asked.status, asked.rsvp) == (f"mailto:{TO}", "NEEDS-ACTION", True)
    assert event.organizer.uri == f"mailto:{FROM}"
    assert (event.description, event.location, event.comment, asked.common_name) == (None, None, [], None)


def test_moved_and_called_off_it_is_the_same_event_counted_on():
    told = [made(), made(starts=TEN + timedelta(days=7), sequence=1), made("CANCEL", TEN + timedelta(days=7), 2)]
    events = [read(one) for one in told]
    assert [(method, event.status, event.sequence) for method, event in events] == [
        ("REQUEST", "CONFIRMED", 0), ("REQUEST", "CONFIRMED", 1), ("CANCEL", "CANCELLED", 2),
    ]  # fmt: skip
    assert len({event.uid for _, event in events}) == 1
    assert read(made(session="CP-2"))[1].uid != events[0][1].uid
    assert read(made(reference="CPPP-R0002"))[1].uid != events[0][1].uid


CLOCKS = [
    ("2026-03-27T10:00+00:00", "20260327T100000"),  # the last working day before the clocks go forward
    ("2026-03-30T09:00+00:00", "20260330T100000"),
    ("2026-10-23T09:00+00:00", "20261023T100000"),  # and before they go back
    ("2026-10-26T10:00+00:00", "20261026T100000"),
    ("2026-03-29T00:59+00:00", "20260329T005900"),
    ("2026-03-29T01:00+00:00", "20260329T020000"),
    ("2026-10-25T02:00+00:00", "20261025T020000"),
]


@pytest.mark.parametrize(("starts", "local"), CLOCKS)
def test_the_hour_in_london_is_right_on_both_sides_of_both_clock_changes(starts: str, local: str):
    calendar = made(starts=datetime.fromisoformat(starts))
    assert f"\r\nDTSTART;TZID=Europe/London:{local}\r\n".encode() in calendar
    here = datetime.strptime(local, "%Y%m%dT%H%M%S").replace(tzinfo=zone(calendar))
    assert here.utcoffset() == datetime.fromisoformat(starts).astimezone(LONDON).utcoffset()


def test_london_as_it_is_described_changes_its_clocks_when_london_does():
    described, begins = zone(made()), datetime(2010, 1, 1, tzinfo=UTC)
    hours = [begins + timedelta(days=n, hours=h) for n in range(0, 365 * 30) for h in (0, 1, 2, 12)]
    assert all(hour.astimezone(described).utcoffset() == hour.astimezone(LONDON).utcoffset() for hour in hours)


def test_lines_end_and_are_folded_as_calendars_want_them():
    calendar = made(attendee=f"{'somebody.with.a.long.name' * 2}@{'quite-a-long-host.' * 4}example")
    assert calendar.endswith(b"END:VCALENDAR\r\n") and calendar.isascii()
    lines = calendar.split(b"\r\n")
    assert b"\n" not in b"".join(lines) and b"\r" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    assert read(calendar)[1].attendees[0].uri.endswith("quite-a-long-host.example")


def test_the_same_invitation_is_the_same_to_the_byte():
    assert made() == made() != made(sequence=1)


# In a mail ------------------------------------------------------------------------------------------------------------

LETTER = ("SPIP-D-0001: new SPIP referral", "Sessiwn ym Môn.\n.\nFrom here on.\n", "<p>Sessiwn ym <b>Môn</b>.</p>\n")
ENVELOPE = Envelope(
    "Case Pathways <no-reply@pathways.example>", "spip@provider.example", f"<{1:024}@pathways.example>",
    datetime(2022, 2, 7, 9, 30, tzinfo=UTC),
)  # fmt: skip


def test_a_mail_without_an_invitation_is_what_it_always_was():
    """Its digest was taken before mails could carry one."""
    before = "acea79c4943276ed10d27e889e571d857b89ece1bb6ca33c34c7856a83fb9ad9"
    assert hashlib.sha256(written(*LETTER, ENVELOPE)).hexdigest() == before


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_an_invitation_is_the_last_way_to_say_the_same_with_its_method_in_its_head(method: str):
    whole = written(*LETTER, ENVELOPE, made(method))
    assert f'Content-Type: text/calendar; charset="utf-8"; method={method}\r\n'.encode() in whole
    assert whole.isascii() and max(map(len, whole.partition(b"text/calendar")[2].splitlines())) <= 76
    assert whole.startswith(written(*LETTER, ENVELOPE).rpartition(b"--=_")[0])
    *_, last = message_from_bytes(whole).walk()
    assert last.get_payload(decode=True) == made(method)


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


@pytest.fixture
def office(sink: Sink) -> Office:
    office = Office(empty(), mailing(sink)).case(name="Jo Frostgarden", email="jo@frostgarden.example")
    office.opens()
    return office


def tell(office: Office, wording: str = "session-set", occasion: str = "", **more: Any) -> None:
    times = {"starts": TEN.isoformat(), "ends": (TEN + timedelta(hours=1)).isoformat()}
    office.notice(wording, more.pop("to", ADVISER), occasion, **{**ABOUT, **times, "sequence": 0} | more)


def invited(message: EmailMessage) -> bytes:
    """The invitation a mail carries, where Outlook and Google look for it."""
    assert message.get_content_type() == "multipart/alternative" and not message.defects
    plain, html, calendar = message.iter_parts()
    kinds = [part.get_content_type() for part in (plain, html, calendar)]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    assert calendar.get_content_charset() == "utf-8" and not calendar.is_attachment() and not calendar.defects
    content = calendar.get_payload(decode=True)
    assert calendar.get_param("method") == read(content)[0]
    return content


def test_a_session_goes_to_the_practitioner_with_an_invitation_for_its_calendar(office: Office, sink: Sink):
    tell(office)
    assert office.mail(TEN) == Counter(sent=1)
    [mail] = sink.received
    method, event = read(invited(mail.message))
    assert (method, event.uid, event.dtstamp) == ("REQUEST", "SPIP-D1-CP-1@pathways.example", moment(STAMP.date()))
    assert (event.dtstart, event.attendees[0].uri) == (TEN, "mailto:fca1@staff.example")
    assert mail.message["Subject"] == "SPIP-D1: child session on 9 February 2026 at 10:00"
    text = mail.message.get_body(("plain",)).get_content()
    assert "The child session CP-1 under SPIP-D1 is set for 9 February 2026 at 10:00." in text


def test_set_moved_and_called_off_each_goes_by_itself_even_to_who_wants_one_mail_a_day(office: Office, sink: Sink):
    office.put(t.Practitioner, {"code": "FCA1"}, telling="daily")
    for n, wording in enumerate(("session-set", "session-moved", "session-called-off")):
        tell(office, wording, sequence=n)
    assert office.mail(TEN) == Counter(sent=3)
    events = [read(invited(mail.message)) for mail in sink.received]
    assert [(method, event.sequence) for method, event in events] == [("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2)]
    assert len({event.uid for _, event in events}) == 1


def test_a_mail_sent_again_carries_the_same_invitation(office: Office, sink: Sink):
    sink.drops_in_data = True
    tell(office)
    office.mail(TEN)
    sink.drops_in_data = False
    assert office.mail(TEN + timedelta(minutes=1)) == Counter(sent=1)
    first, second = (invited(mail.message) for mail in sink.received)
    assert first == second


def test_after_an_address_is_corrected_the_invitation_asks_who_gets_it(office: Office, sink: Sink):
    office.put(t.Practitioner, {"code": "FCA1"}, email="right@staff.example")
    tell(office)
    office.mail(TEN)
    assert read(invited(sink.received[0].message))[1].attendees[0].uri == "mailto:right@staff.example"


def test_other_notices_carry_none(office: Office, sink: Sink):
    office.notice("attended", ADVISER)
    office.mail(TEN)
    assert [part.get_content_type() for part in sink.received[0].message.iter_parts()] == ["text/plain", "text/html"]


# SR-12 ----------------------------------------------------------------------------------------------------------------


def fit(calendar: bytes, *forbidden: str, own: tuple[str, ...] = (FROM, TO)) -> str | None:
    return fit_to_send(Letter("x", "x", "x", calendar), LINK, frozenset(forbidden), own)


@given(
    st.integers(0, 12_000_000).map(lambda n: datetime(2017, 11, 1, tzinfo=UTC) + timedelta(minutes=n)), st.integers(0, 40),
    st.integers(1, 9999), st.sampled_from(["parent", "child", "joint"]), st.sampled_from(["REQUEST", "CANCEL"]),
)  # fmt: skip
def test_sr_12_no_ordinary_invitation_is_stopped(starts: datetime, sequence: int, n: int, sitting: str, method: str):
    somebody = ("Jo Frostgarden", "Flat 3, 12 Rosehill Terrace, Llanfair, LL61 5AB", "07700 900123", "jo@home.example")
    one = made(method, starts, sequence, reference=f"CPPP-R{n:04}", session=f"R{n:04}-1", sitting=sitting)
    assert fit(one, *somebody) is None


@pytest.mark.parametrize("name", ["Jack London", "Summer Standard", "April Child", "Grace Parent", "Guy Event"])
def test_sr_12_a_party_named_like_a_word_of_every_invitation_stops_none(name: str):
    assert fit(made(), name) is None
    assert {"london", "standard", "child", "parent", "joint"} <= vocabulary()


@pytest.mark.parametrize(
    "words", ["Jo Frostgarden", "frostgarden", "jo@home.example", "LL61 5AB", "07700 900123", "07700900123"]
)
@pytest.mark.parametrize("where", [b"SUMMARY:", b"ATTENDEE;CN=", b"LOCATION:", b"UID:"])
def test_sr_12_anything_of_a_party_in_an_invitation_stops_it(words: str, where: bytes):
    personal = ("Jo Frostgarden", "12 Rosehill Terrace, Llanfair, LL61 5AB", "07700 900123", "jo@home.example")
    line = b"SEQUENCE:0\r\n"
    one = made().replace(line, line + where + words.encode() + b":mailto:fca1@staff.example\r\n")
    why = fit(one, *personal)
    assert why and words.casefold() not in why.casefold()


def test_sr_12_what_is_personal_is_found_across_a_fold():
    folded = made().replace(b"SUMMARY:", b"SUMMARY:Frost\r\n garden ")
    assert fit(folded, "Jo Frostgarden") and fit(made(sitting="x" * 50 + " Frostgarden"), "Jo Frostgarden")


def test_sr_12_nobody_else_is_asked():
    assert fit(made(attendee="jo@home.example")) == "it holds what looks like an e-mail address"
    assert fit(made(organizer="jo@home.example")) == "it holds what looks like an e-mail address"
    assert fit(made(), own=()) == "it holds what looks like an e-mail address"


def test_sr_12_the_address_of_a_practitioner_may_hold_the_name_a_party_bears():
    assert (
        fit(made(attendee="jo.frostgarden@staff.example"), "Jo Frostgarden", own=(FROM, "jo.frostgarden@staff.example"))
        is None
    )


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"session": "Jo Frostgarden"}, "SR-12: NotSayable"),
        ({"session": "FROSTGARDEN"}, "SR-12: it holds a name or an address of a party"),
        ({"sitting": "frostgarden"}, "SR-12: it holds a name or an address of a party"),
        ({"sitting": "Child\r\nLOCATION:here"}, "SR-12: NotSayable"),
        ({"starts": "tomorrow"}, "SR-12: NotSayable"),
        ({"starts": "2026-02-09T10:00"}, "SR-12: NotSayable"),
        ({"ends": None}, "SR-12: KeyError"),
    ],
)
def test_sr_12_a_notice_of_a_session_with_something_personal_in_it_is_stopped(
    office: Office, sink: Sink, fields: dict, error: str
):
    tell(office, **fields)
    assert office.mail(TEN) == Counter(failed=1)
    assert office.rows(t.MessageRow)[0].error == error and sink.received == []


# In words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        ("2022-02-07T10:00:00+00:00", "7 February 2022 at 10:00"),
        ("2022-07-07T09:05:00Z", "7 July 2022 at 10:05"),
        ("2026-03-28T23:30:00+00:00", "28 March 2026 at 23:30"),
        ("2026-03-29T23:30:00+00:00", "30 March 2026 at 00:30"),
    ],
)
def test_a_moment_is_said_as_the_clocks_in_london_show_it(starts: str, words: str):
    fields = {**ABOUT, "starts": starts, "ends": starts, "sequence": 1}
    assert said("CPPP-R0001", "session-moved", fields).subject == f"CPPP-R0001: child session moved to {words}"


@pytest.mark.parametrize("starts", ["2022-02-07", "2022-02-07T10:00:00", "soon", 5, None.__class__, "Jo"])
def test_what_is_no_moment_in_a_zone_is_not_said(starts: object):
    with pytest.raises(NotSayable):
        said("CPPP-R0001", "session-set", {**ABOUT, "starts": starts, "ends": "2022-02-07T10:00:00Z", "sequence": 1})
