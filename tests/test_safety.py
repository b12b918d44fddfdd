"""The safety rules, each through the real store: what is refused, what stands still, what is never said."""

import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from models.forms import BadFact, fact
from notifications.papers import court_paper
from notifications.wording import _read, said
from store.ask import story
from store.database import database, reading, writing
from store.record import Outcome
from tests.life import Life, day, moment
from tests.smtp_sink import Sink
from tests.world import FIELDS, SETTINGS, Office, at_once, empty, evening, mailing

NINE = datetime.fromisoformat("2026-01-06T09:00:00+00:00")


@pytest.fixture
def office(engine: Engine) -> Office:
    """One case with two parents, PA and PB, and a pathway of each: SPIP-D1 and SPIP-D2, ordered by the court."""
    made = Office(engine).case()
    assert (made.opens("SPIP-D1", "PA", monitoring=True), made.opens("SPIP-D2", "PB")) == ("", "")
    return made


def one(**kinds: Any) -> Office:
    """The same in memory with a pathway of PA alone, for the rules that no database has a part in."""
    made = Office(empty()).case()
    assert made.opens("SPIP-D1", "PA", **kinds) == ""
    return made


def refused(outcome: Outcome, rule: str) -> str:
    """The words of a refusal, which was by this rule."""
    assert (outcome.result, outcome.rule) == ("refused", rule), outcome
    assert outcome.why.startswith(f"{rule}: ")
    return outcome.why


# SR-01, SR-02: the gate -----------------------------------------------------------------------------------------------


def refer(office: Office, on: str = "2026-01-09", **more: Any) -> Outcome:
    return office.says("SPIP-D1", "referral_sent", on, provider="P1", **more)


def test_sr_01_no_referral_of_an_advisers_own_before_enquiries_are_finished():
    office = one(route="adviser")
    assert "enquiries, conversation with PA, conversation with PB" in refused(refer(office), "SR-01")
    office.says("CASE1", "parent_spoken_to", "2026-01-06", party="PA")
    office.says("CASE1", "parent_spoken_to", "2026-01-07", party="PB")
    assert refused(refer(office), "SR-01").endswith("still missing: enquiries")
    office.says("CASE1", "enquiries_done", "2026-01-08")
    assert refer(office).result == "recorded"


def test_sr_01_a_safeguarding_letter_lets_what_the_court_ordered_go_on_and_no_advisers_own():
    ordered, own = one(route="court"), one(route="adviser")
    assert "enquiries" in refused(refer(ordered), "SR-01")
    for office in (ordered, own):
        office.says("CASE1", "safeguarding_letter_filed", "2026-01-08")
    assert refer(ordered).result == "recorded"
    refused(refer(own), "SR-01")


def test_sr_01_a_referral_cannot_be_dated_before_the_day_the_gate_was_passed():
    office = one(route="court")
    office.says("CASE1", "safeguarding_letter_filed", "2026-01-08")
    refused(refer(office, "2026-01-07", at=moment(date(2026, 1, 9))), "SR-01")
    assert refer(office, "2026-01-08").result == "recorded"


@pytest.mark.parametrize("route", ["court", "adviser"])
def test_sr_01_time_alone_never_passes_the_gate(route: str):
    office = one(route=route)
    for n in range(1, 400, 7):
        office.round(date(2026, 1, 5) + timedelta(days=n))
    assert office.pathway().state == "safeguarding_hold"
    assert not office.rows(t.NoticeRow, to_role="provider")


def test_sr_02_both_parents_are_spoken_to_before_enquiries_are_finished():
    office = one(route="adviser")
    office.says("CASE1", "enquiries_done", "2026-01-06")
    office.says("CASE1", "parent_spoken_to", "2026-01-07", party="PA")
    assert refused(refer(office), "SR-01").endswith("still missing: conversation with PB")
    office.round("2026-01-07")
    assert office.pathway().state == "safeguarding_hold"
    office.says("CASE1", "parent_spoken_to", "2026-01-08", party="PB")
    office.round("2026-01-08")
    assert office.pathway().state == "ready_to_refer"


@pytest.mark.parametrize(("route", "result"), [("court", "recorded"), ("adviser", "refused")])
def test_sr_02_a_failed_contact_stands_for_a_conversation_only_where_the_court_ordered(route: str, result: str):
    office = one(route=route)
    office.says("CASE1", "enquiries_done", "2026-01-06")
    office.says("CASE1", "parent_spoken_to", "2026-01-07", party="PA")
    failed = {"party": "PB", "attempts": 3, "reason": "no_answer"}
    not_hers = office.says("CASE1", "contact_failed", "2026-01-08", **failed, accepted_by="FCA1")
    assert (not_hers.result, not_hers.field) == ("refused", "accepted_by")
    assert office.says("CASE1", "contact_failed", "2026-01-08", **failed, accepted_by="SM1").result == "recorded"
    office.round("2026-01-08")
    assert (office.pathway().state == "ready_to_refer") is (result == "recorded")
    assert refer(office).result == result


# SR-03: never two parties of one case in one session ------------------------------------------------------------------


@pytest.fixture
def both(office: Office) -> Office:
    """Both parents are referred to P1, and PA has a place in session S1 on 16 January, 18:00 to 22:00."""
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    assert office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-16", venue="V1").result == "recorded"
    return office


def test_sr_03_the_other_parent_cannot_be_booked_into_the_same_session(both: Office):
    why = refused(both.books("SPIP-D2", "S1", "2026-01-08", "2026-01-16", venue="V1"), "SR-03")
    assert why == "SR-03: this person cannot be booked into this session; choose another"


@pytest.mark.parametrize(
    ("session", "held", "hour", "venue", "result"),
    [
        ("S1", "2026-02-16", 18, "V2", "refused"),  # the same session, whatever is said of its hours and venue
        ("S2", "2026-01-16", 18, None, "refused"),  # a venue nobody named may be the same
        ("S2", "2026-01-16", 18, "V1", "refused"),
        ("S2", "2026-01-16", 15, "V1", "refused"),  # 15:00 to 19:00 overlaps
        ("S2", "2026-01-16", 17, "V1", "refused"),
        ("S2", "2026-01-16", 18, "V2", "recorded"),
        ("S2", "2026-01-16", 14, "V1", "recorded"),  # over by 18:00
        ("S2", "2026-01-17", 18, "V1", "recorded"),
    ],
)
def test_sr_03_nor_into_one_at_the_same_hours_unless_both_venues_are_known_and_differ(
    both: Office, session: str, held: str, hour: int, venue: str | None, result: str
):
    outcome = both.books("SPIP-D2", session, "2026-01-08", held, hour=hour, venue=venue)
    assert outcome.result == result, outcome.why


def test_sr_03_an_unknown_venue_of_the_first_booking_blocks_too(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2").books("SPIP-D1", "S1", "2026-01-08", "2026-01-16")
    refused(office.books("SPIP-D2", "S2", "2026-01-08", "2026-01-16", venue="V2"), "SR-03")


def test_sr_03_another_provider_or_another_case_is_no_hindrance(office: Office):
    office.acknowledged("SPIP-D1", "P1").acknowledged("SPIP-D2", "P2")
    office.case("CASE2", ("PC",)).opens("SPIP-D3", "PC", case="CASE2")
    office.acknowledged("SPIP-D3", "P1")
    for reference in ("SPIP-D1", "SPIP-D2", "SPIP-D3"):
        assert office.books(reference, "S1", "2026-01-08", "2026-01-16").result == "recorded"


def test_sr_03_the_refusal_is_the_same_whoever_is_in_the_session_and_names_nobody(both: Office):
    outcome = both.books("SPIP-D2", "S1", "2026-01-08", "2026-01-16")
    for other in ("SPIP-D1", "PA", "CASE1", "party", "parent", "other p", "case"):
        assert other not in outcome.why


def test_sr_03_a_cancelled_place_is_free_and_is_not_taken_back_once_the_other_parent_has_it(both: Office):
    gone = both.says("SPIP-D1", "session_cancelled", "2026-01-09", session="S1", cancelled_by="person")
    assert both.books("SPIP-D2", "S1", "2026-01-09", "2026-01-16", venue="V1").result == "recorded"
    why = refused(both.says("SPIP-D1", "retracted", "2026-01-09", supersedes=gone.fact_id), "SR-03")
    assert why == "SR-03: this person cannot be booked into this session; choose another"


def test_sr_03_a_correction_is_held_to_it_as_well(both: Office):
    booked = both.books("SPIP-D2", "S2", "2026-01-08", "2026-01-17", venue="V1")
    moved = both.books("SPIP-D2", "S2", "2026-01-08", "2026-01-16", venue="V1", supersedes=booked.fact_id)
    refused(moved, "SR-03")
    renamed = both.books("SPIP-D2", "S1", "2026-01-08", "2026-01-16", venue="V1", supersedes=booked.fact_id)
    refused(renamed, "SR-03")


def test_sr_03_holds_for_one_whom_the_provider_declined_and_books_all_the_same(office: Office):
    office.acknowledged("SPIP-D1").referred("SPIP-D2")
    office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-16")
    office.says("SPIP-D2", "referral_declined", "2026-01-08", by="P1", provider="P1", reason="other")
    refused(office.books("SPIP-D2", "S1", "2026-01-09", "2026-01-16"), "SR-03")


def moved_to_p2(office: Office, reference: str, on: str = "2026-01-12") -> None:
    office.says(reference, "referral_recalled", on, provider="P1", reason="other", by="CO1")
    assert office.says(reference, "referral_sent", on, provider="P2", by="CO1").result == "recorded"


def test_sr_03_goes_by_who_had_the_referral_when_the_place_was_taken_whoever_has_it_now(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    office.books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", by="P1")
    gone = office.says("SPIP-D1", "session_cancelled", "2026-01-09", by="P1", session="S1", cancelled_by="provider")
    assert office.books("SPIP-D2", "S1", "2026-01-09", "2026-02-20", by="P1").result == "recorded"
    moved_to_p2(office, "SPIP-D1")
    refused(office.says("SPIP-D1", "retracted", "2026-01-13", supersedes=gone.fact_id), "SR-03")
    late = office.booking("SPIP-D1", "S2", "2026-01-09", "2026-02-20", by="FCA1", at=moment(day("2026-01-13")))
    refused(office.record(late).outcomes[0], "SR-03")


def test_sr_03_a_place_with_the_provider_before_is_not_corrected_into_that_of_the_other_parent(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    booked = office.books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", venue="V1", by="P1")
    assert office.books("SPIP-D2", "S2", "2026-01-08", "2026-02-20", venue="V2", by="P1").result == "recorded"
    moved_to_p2(office, "SPIP-D1")
    there = office.books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", venue="V2", supersedes=booked.fact_id)
    refused(there, "SR-03")


def test_sr_03_a_place_that_was_given_up_is_not_taken_again_behind_the_cancellation(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    booked = office.books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", by="P1")
    office.says("SPIP-D1", "session_cancelled", "2026-01-09", by="P1", session="S1", cancelled_by="provider")
    again = office.books("SPIP-D1", "S1", "2026-01-10", "2026-02-20", by="P1")
    assert (again.result, again.field) == ("refused", "session")
    assert again.why.endswith("give the session another code")
    later = office.books("SPIP-D1", "S1", "2026-01-10", "2026-02-20", by="P1", supersedes=booked.fact_id)
    assert (later.result, later.field) == ("refused", "happened_on")
    assert office.books("SPIP-D2", "S1", "2026-01-10", "2026-02-20", by="P1").result == "recorded"


def test_sr_03_no_day_is_corrected_so_that_another_provider_had_the_referral_when_a_place_was_taken(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    booked = office.books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", by="P1")
    (sent,) = office.rows(t.FactRow, subject="SPIP-D1", kind="referral_sent")
    after = office.says("SPIP-D1", "referral_sent", "2026-01-09", provider="P1", by="CO1", supersedes=sent.id)
    assert (after.result, after.field) == ("refused", "happened_on")
    moved_to_p2(office, "SPIP-D1")
    with_p2 = office.books("SPIP-D1", "S1", "2026-01-13", "2026-02-20", by="FCA1", supersedes=booked.fact_id)
    assert (with_p2.result, with_p2.field) == ("refused", "happened_on")
    refused(office.books("SPIP-D2", "S1", "2026-01-13", "2026-02-20", by="P1"), "SR-03")


def test_a_provider_is_not_told_what_the_one_before_it_had_booked(office: Office):
    office.acknowledged("SPIP-D1").books("SPIP-D1", "S1", "2026-01-08", "2026-02-20", by="P1")
    moved_to_p2(office, "SPIP-D1")
    own = office.books("SPIP-D1", "S1", "2026-01-13", "2026-03-20", by="P2")
    assert (own.field, own.why) == (
        "session", "a session of an earlier provider has this code; give the session another",
    )  # fmt: skip


def test_sr_03_of_two_bookings_in_one_call_one_is_accepted(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    done = office.record(*(office.booking(r, "S1", "2026-01-08", "2026-01-16") for r in ("SPIP-D1", "SPIP-D2")))
    assert [outcome.result for outcome in done.outcomes] == ["recorded", "refused"]


def test_sr_03_of_two_bookings_at_one_moment_exactly_one_is_accepted(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    for n in range(5):
        done = at_once(
            lambda n=n: office.books("SPIP-D1", f"S{n}", "2026-01-08", f"2026-01-{16 + n}"),
            lambda n=n: office.books("SPIP-D2", f"S{n}", "2026-01-08", f"2026-01-{16 + n}"),
        )
        assert sorted(outcome.result for outcome in done) == ["recorded", "refused"]


def book_in_another_process(url: str, reference: str) -> str:
    return Office.at(database(url)).books(reference, "S1", "2026-01-08", "2026-01-16").result


def test_sr_03_of_two_bookings_from_two_processes_exactly_one_is_accepted(office: Office):
    office.acknowledged("SPIP-D1").acknowledged("SPIP-D2")
    url = office.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(2) as processes:
        done = [processes.submit(book_in_another_process, url, r) for r in ("SPIP-D1", "SPIP-D2")]
        assert sorted(each.result(60) for each in done) == ["recorded", "refused"]
    assert len(office.rows(t.FactRow, kind="session_booked")) == 1


# SR-12: references, codes and dates only ------------------------------------------------------------------------------

CANARY = {
    "name": "Zebedee Quillfeather-O'Malley",
    "address": "17 Larkspur Crescent, Wibblethorpe, YO91 7ZQ",
    "phone": "01904 555 0173",
    "email": "zebedee@quillfeather.example",
}
PIECES = [
    "zebedee",
    "quillfeather",
    "malley",
    "larkspur",
    "wibblethorpe",
    "yo91 7",
    "yo917",
    "555 0",
    "5550",
    "person p",
]
"""None so short that the signature of a link holds it by chance."""
WORDINGS = sorted(name for name, text in _read().items() if "bundle" in text)
RECIPIENTS = [("provider", "P1"), ("adviser", "FCA1"), ("commissioning_officer", "CO1"), ("service_manager", "SM1")]


def fields_of(wording: str) -> dict[str, Any]:
    text = f"{_read()[wording]['subject']} {_read()[wording]['says']}"
    text += "{ends} {sequence}" if "calendar" in _read()[wording] else ""
    return FIELDS if wording == "chase" else {n: v for n, v in FIELDS.items() if f"{{{n}}}" in text}


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


@pytest.fixture
def mailed(sink: Sink):
    """An office with mail, in memory, whose parties are full of personal things."""
    engine = empty()
    made = Office(engine, mailing(sink)).case(parties=("PA",), **CANARY)
    made.opens("SPIP-D1", "PA")
    return made


def everything_in(sink: Sink) -> str:
    parts = [
        part.get_content()
        for mail in sink.received
        for part in mail.message.walk()
        if part.get_content_maintype() == "text"
    ]
    heads = [mail.message[name] for mail in sink.received for name in ("Subject", "From", "To", "Date")]
    return "\n".join([*parts, *heads]).casefold()


@pytest.mark.parametrize("wording", WORDINGS)
def test_sr_12_every_wording_is_mailed_and_holds_nothing_personal(mailed: Office, sink: Sink, wording: str):
    for to in RECIPIENTS:
        mailed.notice(wording, to, **fields_of(wording))
    assert mailed.mail(NINE) == Counter(sent=len(RECIPIENTS))
    text = everything_in(sink)
    assert "spip-d1" in text
    assert [piece for piece in PIECES if piece in text] == []


def test_sr_12_through_a_whole_life_no_mail_holds_anything_personal(sink: Sink):
    office = Office(empty(), mailing(sink)).case(**CANARY)
    office.opens("SPIP-D1", "PA", monitoring=True)
    office.opens("SPIP-D2", "PB", route="adviser")
    office.says("CASE1", "hearing_listed", "2026-01-06", hearing_on="2026-03-16")
    office.round("2026-01-06").awaiting_report()
    for n in range(70):
        today = date(2026, 1, 8) + timedelta(days=n)
        if today == date(2026, 3, 2):
            office.says("SPIP-D1", "attendance_reported", today, by="P1", session="S-SPIP-D1", result="part")
            office.says("SPIP-D1", "risk_raised", today)
        office.round(today).mail(datetime.combine(today + timedelta(days=1), NINE.timetz()))
    assert {row.state for row in office.rows(t.MessageRow)} <= {"sent", "waiting"}
    assert len(sink.received) > 20
    text = everything_in(sink)
    assert [piece for piece in PIECES if piece in text] == []


PERSONAL = [
    ("a name", {"proposed": [CANARY["name"]]}, "SR-12: NotSayable"),
    ("a name as a code", {"proposed": ["ZEBEDEE"]}, "SR-12: it holds a name or an address of a party"),
    ("an address", {"due": CANARY["address"]}, "SR-12: NotSayable"),
    ("a telephone number", {"proposed": ["01904-555-0173"]}, "SR-12: it holds a telephone number of a party"),
    ("an e-mail address", {"due": CANARY["email"]}, "SR-12: NotSayable"),
    ("a postcode as a code", {"proposed": ["YO917ZQ"]}, "SR-12: it holds what looks like a postcode"),
    ("a field that is missing", {"due": None}, "SR-12: KeyError"),
]


@pytest.mark.parametrize(("what", "fields", "error"), PERSONAL)
def test_sr_12_a_notice_with_something_personal_in_it_is_stopped_and_shown_to_a_person(
    mailed: Office, sink: Sink, what: str, fields: dict[str, Any], error: str
):
    mailed.notice(
        "ready-to-refer", ("commissioning_officer", "CO1"), **{"due": "2026-01-12", "proposed": ["P1"]} | fields
    )
    mailed.notice("attended", ("adviser", "FCA1"))
    assert mailed.mail(NINE) == Counter(failed=1, sent=1)
    assert [(row.to_code, row.error) for row in mailed.rows(t.MessageRow, state="failed")] == [("CO1", error)]
    assert len(sink.received) == 1


@pytest.mark.parametrize("name", ["QUILLFEATHER", "FROSTGARDEN"])
def test_sr_12_the_names_of_both_parties_of_the_case_are_stopped(sink: Sink, name: str):
    office = Office(empty(), mailing(sink)).case(parties=("PA",), name="Wilhelmina Frostgarden")
    office.opens("SPIP-D1", "PA")
    with writing(office.engine) as c:
        c.execute(t.Party.__table__.insert(), {"reference": "PB", "case": "CASE1", "role": "respondent", **CANARY})
    office.notice("ready-to-refer", ("commissioning_officer", "CO1"), due="2026-01-12", proposed=[name])
    assert office.mail(NINE) == Counter(failed=1)
    assert sink.received == []


def test_sr_12_nothing_personal_is_in_the_error_of_a_failed_message(mailed: Office):
    for n, (_, fields, _) in enumerate(PERSONAL):
        given = {"due": "2026-01-12", "proposed": ["P1"]} | fields
        mailed.notice("ready-to-refer", ("commissioning_officer", "CO1"), occasion=f"x:{n}", **given)
    mailed.mail(NINE)
    errors = " ".join(row.error for row in mailed.rows(t.MessageRow)).casefold()
    assert [piece for piece in PIECES if piece in errors] == []


# SR-13: nothing goes to a court without a named signature -------------------------------------------------------------


@pytest.fixture
def breached(office: Office) -> Office:
    """PA refused, and the court had asked for monitoring."""
    office.acknowledged("SPIP-D1").says("SPIP-D1", "refused", "2026-01-08", by="P1")
    office.round("2026-01-08")
    return office


def note(office: Office) -> str | None:
    with reading(office.engine) as c:
        return court_paper(story(c, "SPIP-D1", date(2026, 1, 12), SETTINGS), date(2026, 1, 12))


def test_sr_13_the_note_goes_only_with_the_signature_of_the_cases_adviser(breached: Office):
    breached.says("SPIP-D1", "breach_decided", "2026-01-09", decision="report")
    breached.rounds("2026-01-09", "2026-03-31")
    assert breached.pathway().label == "Awaiting signature"
    assert note(breached).endswith("NOT SIGNED. Not to be sent.")
    for other in ("FCA2", "SM1", "CO1"):
        refused(breached.says("SPIP-D1", "court_paper_signed", "2026-03-31", by=other, signed_by=other), "SR-13")
    assert breached.says("SPIP-D1", "court_paper_signed", "2026-03-31", signed_by="FCA1").result == "recorded"
    breached.round("2026-03-31")
    assert breached.pathway().state == "court_notified"
    assert note(breached).endswith("Signed by FCA1 on 31 March 2026")


def test_sr_13_no_signature_before_the_decision_to_report(breached: Office):
    assert breached.says("SPIP-D1", "court_paper_signed", "2026-01-09", signed_by="FCA1").result == "refused"


def test_sr_13_the_court_is_not_told_where_it_did_not_ask_for_monitoring(office: Office):
    office.acknowledged("SPIP-D2").says("SPIP-D2", "refused", "2026-01-08", by="P1")
    refused(office.says("SPIP-D2", "breach_decided", "2026-01-09", decision="report"), "SR-13")
    assert note(office) is None
    assert office.says("SPIP-D2", "breach_decided", "2026-01-09", decision="no_report").result == "recorded"


def test_sr_13_the_court_is_no_recipient_of_any_message():
    offices = {"provider", "provider_lead", "adviser", "commissioning_officer", "commissioning_manager"}
    decision = (
        Life(monitoring=True)
        .acknowledged()
        .add("2026-01-08", "refused")
        .add("2026-01-09", "breach_decided", decision="report")
    )
    assert {notice.to.role for notice in decision.on("2026-01-09").notices} <= offices


# SR-14: a new risk stops every open pathway of its case ---------------------------------------------------------------


@pytest.fixture
def at_risk(office: Office) -> Office:
    """PA's report is late and chased up to R2; PB is referred. On 30 January a new risk is raised."""
    office.awaiting_report("SPIP-D1", "P1").referred("SPIP-D2", "P2")
    office.rounds("2026-01-06", "2026-01-30")
    assert "phone_provider" in office.owed()
    office.says("CASE1", "risk_raised", "2026-01-30", at=evening(date(2026, 1, 30)), by="P2")
    return office.round("2026-01-30")


def test_sr_14_a_new_risk_pauses_every_open_pathway_of_the_case_and_no_other(at_risk: Office):
    at_risk.case("CASE2", ("PC",)).opens("SPIP-D3", "PC", case="CASE2")
    at_risk.round("2026-01-31")
    labels = {row.reference: row.label for row in at_risk.rows(t.PathwayRow)}
    held = "On hold: awaiting risk review"
    assert labels == {"SPIP-D1": held, "SPIP-D2": held, "SPIP-D3": "Awaiting safeguarding enquiries"}
    for reference in ("SPIP-D1", "SPIP-D2"):
        assert ("FCA1", "new-risk") in at_risk.told(reference)
        assert all(row.paused for row in at_risk.rows(t.DutyRow, pathway=reference, state="open", on_role="provider"))


def test_sr_14_a_closed_pathway_stays_closed(office: Office):
    office.says("SPIP-D1", "withdrawn", "2026-01-06", reason="data_error")
    office.round("2026-01-06").says("CASE1", "risk_raised", "2026-01-07")
    office.round("2026-01-07")
    assert office.pathway("SPIP-D1").state == "closed_withdrawn"
    assert ("FCA1", "new-risk") not in office.told("SPIP-D1")


def test_sr_14_meanwhile_nothing_is_chased_but_the_review(at_risk: Office):
    before = len(at_risk.chases())
    at_risk.rounds("2026-01-31", "2026-03-31")
    rows = at_risk.rows(t.NoticeRow, wording="chase")[before:]
    assert {row.fields["duty"] for row in rows} == {"risk_review"}
    assert {row.to_role for row in rows} == {"adviser", "service_manager"}


def test_sr_14_meanwhile_nobody_is_referred_or_booked(at_risk: Office):
    refused(at_risk.says("SPIP-D1", "referral_sent", "2026-01-31", provider="P2"), "SR-14")
    refused(at_risk.books("SPIP-D2", "S2", "2026-01-31", "2026-02-10"), "SR-14")


def review(
    office: Office, reference: str, by: str = "FCA1", on: str = "2026-02-02", decision: str = "continue"
) -> Outcome:
    return office.says(reference, "risk_reviewed", on, by=by, decision=decision)


@pytest.mark.parametrize("other", ["FCA2", "SM1", "CO1", "P1"])
def test_sr_14_nobody_but_the_cases_adviser_releases(at_risk: Office, other: str):
    refused(review(at_risk, "SPIP-D1", by=other), "SR-14")
    at_risk.round("2026-02-02")
    assert at_risk.pathway().label == "On hold: awaiting risk review"


@pytest.mark.parametrize("by", ["FCA1", "FCA2", "P1"])
def test_sr_14_nor_are_all_released_at_once_by_retracting_the_risk(at_risk: Office, by: str):
    risk = at_risk.rows(t.FactRow, kind="risk_raised")[0].id
    refused(at_risk.says("CASE1", "retracted", "2026-02-02", by=by, supersedes=risk), "SR-14")
    at_risk.round("2026-02-02")
    assert at_risk.pathway().label == "On hold: awaiting risk review"


def test_sr_14_the_provider_that_holds_a_referral_is_told_to_wait_and_to_go_on_and_never_why(at_risk: Office):
    assert ("P1", "referral-paused") in at_risk.told("SPIP-D1")
    assert ("P2", "referral-paused") in at_risk.told("SPIP-D2")
    review(at_risk, "SPIP-D1")
    at_risk.round("2026-02-02")
    assert ("P1", "referral-resumed") in at_risk.told("SPIP-D1")
    assert ("P2", "referral-resumed") not in at_risk.told("SPIP-D2")
    for row in at_risk.rows(t.NoticeRow, to_role="provider"):
        assert "risk" not in said(row.pathway, row.wording, row.fields).sentence
        assert row.wording != "new-risk"


def test_sr_14_each_pathway_is_released_separately(at_risk: Office):
    assert review(at_risk, "SPIP-D1").result == "recorded"
    at_risk.round("2026-02-02")
    assert (at_risk.pathway("SPIP-D1").state, at_risk.pathway("SPIP-D2").state) == ("report_due", "safeguarding_hold")
    review(at_risk, "SPIP-D2", on="2026-02-03")
    at_risk.round("2026-02-03")
    assert at_risk.pathway("SPIP-D2").state == "referred"


def test_sr_14_after_the_release_clocks_go_on_with_the_time_there_was(at_risk: Office):
    due = at_risk.duty("attendance_report").due_on
    review(at_risk, "SPIP-D1")
    at_risk.round("2026-02-02")
    assert at_risk.duty("attendance_report").due_on == due  # it had run out before the risk came
    assert at_risk.chases("2026-02-02") == []
    at_risk.round("2026-02-06")
    assert {step for step, *_ in at_risk.chases("2026-02-06", pathway="SPIP-D1")} == {"S1"}
    at_risk.round("2026-02-09")  # E1 is due on the 6th, and one working day of it was spent on hold
    assert {step for step, *_ in at_risk.chases("2026-02-09", pathway="SPIP-D1")} >= {"E1"}


def test_sr_14_a_second_risk_needs_a_second_review_even_when_it_happened_before_the_first(office: Office):
    office.referred("SPIP-D1")
    office.says("CASE1", "risk_raised", "2026-01-12")
    review(office, "SPIP-D1", on="2026-01-13")
    assert office.round("2026-01-13").pathway().state == "referred"
    office.says("CASE1", "risk_raised", "2026-01-09", at=moment(date(2026, 1, 14)))
    assert office.round("2026-01-14").pathway().label == "On hold: awaiting risk review"
    refused(office.books("SPIP-D1", "S1", "2026-01-14", "2026-01-26"), "SR-14")
    review(office, "SPIP-D1", on="2026-01-15")
    assert office.round("2026-01-15").pathway().state == "referred"
    assert office.books("SPIP-D1", "S1", "2026-01-15", "2026-01-26").result == "recorded"


def test_sr_14_an_unsuitable_pathway_of_the_court_stays_on_hold_until_the_court_takes_it_back(at_risk: Office):
    review(at_risk, "SPIP-D1", decision="unsuitable")
    at_risk.rounds("2026-02-02", "2026-03-31")
    assert at_risk.pathway().state == "safeguarding_hold"
    assert at_risk.owed()["court_variation"] == "FCA1"
    at_risk.says("SPIP-D1", "direction_discharged", "2026-04-01")
    assert at_risk.round("2026-04-01").pathway().closed_on == date(2026, 4, 1)


# SR-15, SR-16: what takes no referral ---------------------------------------------------------------------------------


def test_sr_15_no_advisers_own_referral_after_the_court_declined_to_order():
    office = one(route="court")
    office.says("CASE1", "court_declined", "2026-01-06")
    assert "chose not to order it" in office.opens("SPIP-D2", "PB", route="adviser", on="2026-01-07")
    assert [row.reference for row in office.rows(t.PathwayRow)] == ["SPIP-D1"]
    assert office.opens("SPIP-D2", "PB", route="court", on="2026-01-07") == ""


def test_sr_15_an_advisers_own_referral_that_is_open_ends_when_the_court_declines():
    office = one(route="adviser")
    for kind, details in (
        ("enquiries_done", {}),
        ("parent_spoken_to", {"party": "PA"}),
        ("parent_spoken_to", {"party": "PB"}),
    ):
        office.says("CASE1", kind, "2026-01-06", **details)
    office.says("CASE1", "court_declined", "2026-01-07")
    refused(refer(office, "2026-01-07"), "SR-15")
    row = office.round("2026-01-07").pathway()
    assert (row.state, row.reason) == ("closed_unsuitable", "court_declined")


@pytest.mark.parametrize(
    ("provider", "line", "says"),
    [
        ({"suspended_from": date(2026, 1, 1)}, {}, "P1 is suspended since 01/01/2026"),
        ({}, {"contracted_until": date(2025, 12, 31)}, "P1 has no contract for SPIP on 09/01/2026"),
        ({}, {"open_to_referrals": False}, "P1 is not open to referrals"),
    ],
)
def test_sr_16_a_suspended_expired_or_closed_provider_takes_no_referral(provider: dict, line: dict, says: str):
    office = one()
    office.says("CASE1", "safeguarding_letter_filed", "2026-01-06")
    office.put(t.Provider, {"code": "P1"}, **provider or {"suspended_from": None})
    office.put(t.ServiceLine, {"provider": "P1", "programme": "SPIP"}, **line or {"open_to_referrals": True})
    assert refused(refer(office), "SR-16") == f"SR-16: {says}"


def test_sr_16_a_closed_service_takes_no_referral_from_any_provider():
    office = one(on="2023-03-28")
    office.says("CASE1", "safeguarding_letter_filed", "2023-03-28")
    office.settings = SETTINGS.model_copy(update={"profile": "dated"})
    assert refused(refer(office, "2023-03-30"), "SR-16") == "SR-16: SPIP takes no referrals on 30/03/2023"


# SR-17: no chase tells of the other parent ----------------------------------------------------------------------------


def digests_of(sink: Sink, *, with_the_other: bool) -> list[bytes]:
    """What P1 is mailed while PA's report gets later, until the second chase."""
    office = Office(empty(), mailing(sink)).case()
    office.opens("SPIP-D1", "PA")
    if with_the_other:
        office.opens("SPIP-D0", "PB")
        office.awaiting_report("SPIP-D0", "P2", held="2026-01-19")
    office.awaiting_report("SPIP-D1", "P1")
    sink.received.clear()
    for n in range(29):
        today = date(2026, 1, 6) + timedelta(days=n)
        office.mail(datetime.combine(today, NINE.timetz()))
        office.round(today)
    mails = [mail for mail in sink.received if mail.to == ["p1@p.example"]]
    late = [mail.raw for mail in mails if "late or due" in mail.message["Subject"]]
    return [
        re.sub(rb"/l/[\s\S]*?about=3D", b"/l/", raw.replace(b"=\r\n", b"")) for raw in late
    ]  # a link is drawn by lot


def test_sr_17_a_providers_digest_is_byte_for_byte_the_same_whether_or_not_the_other_parent_has_a_pathway(sink: Sink):
    alone, with_the_other = digests_of(sink, with_the_other=False), digests_of(sink, with_the_other=True)
    assert len(alone) == 4  # R0, R1 and R2 to the mailbox, and R2 to the named contact, who has no other address here
    assert alone == with_the_other


# SR-21: silence is not attendance -------------------------------------------------------------------------------------


def test_sr_21_400_days_of_silence_never_complete_a_pathway():
    office = one()
    office.awaiting_report()
    for n in range(400):
        office.round(date(2026, 1, 8) + timedelta(days=n))
    row = office.pathway()
    assert (row.state, row.label, row.closed_on) == ("report_due", "Awaiting attendance report", None)
    assert office.owed()["attendance_report"] == "P1"
    assert {r.wording for r in office.rows(t.NoticeRow)}.isdisjoint({"attended", "not-attended"})


@pytest.mark.parametrize("silent_from", ["requested", "referred", "acknowledged", "booked"])
def test_sr_21_wherever_it_falls_silent_it_is_never_complete(silent_from: str):
    office = one()
    {
        "requested": lambda: None,
        "referred": office.referred,
        "acknowledged": office.acknowledged,
        "booked": office.awaiting_report,
    }[silent_from]()
    for n in (1, 30, 100, 200, 400):
        office.round(date(2026, 1, 20) + timedelta(days=n))
    assert office.pathway().closed_on is None


def test_sr_21_an_unanswered_absence_ends_with_the_adviser_and_not_in_completion():
    office = one()
    office.awaiting_report()
    office.says("SPIP-D1", "attendance_reported", "2026-01-19", by="P1", session="S-SPIP-D1", result="absent")
    for n in range(0, 400, 3):
        office.round(date(2026, 1, 20) + timedelta(days=n))
    assert office.pathway().label == "Awaiting breach review"


@pytest.mark.parametrize("code", ["QUILLFEATHER", "07700900123", "LARKSPUR-CRESCENT-17", "-", "A--B", "S 1"])
def test_sr_12_a_code_somebody_makes_up_has_no_room_for_a_name_or_a_number(code: str):
    starts = moment(date(2026, 1, 16), 18)
    details = {"session": code, "starts_at": starts, "ends_at": starts + timedelta(hours=4)}
    with pytest.raises(BadFact, match="at most five letters and five digits in a row"):
        fact("session_booked", details, happened_on=date(2026, 1, 8), recorded_at=starts, recorded_by="P1")


@pytest.mark.parametrize("code", ["ROBIN", "ROBIN-7", "GRP-ROBIN"])
def test_sr_12_a_code_somebody_makes_up_holds_no_name_of_a_party(code: str):
    office = Office(empty()).case(name="Robin Sample")
    office.opens()
    office.acknowledged()
    refused = office.books("SPIP-D1", code, "2026-01-08", "2026-01-16", by="P1")
    assert refused.result == "refused" and "SR-12" in refused.why and "Robin" not in refused.why
    assert office.books("SPIP-D1", "GRP-7", "2026-01-08", "2026-01-16", by="P1").result == "recorded"
