"""What people are told, as they read it: what is new, what was corrected, who declined, and how late is late."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import tables as t
from models.screen import words
from notifications.channels import vocabulary
from notifications.wording import NotSayable, said
from settings import Sending
from store.links import STAFF, Holder
from store.strand import strand
from tests.fresh import with_tables
from tests.life import day, moment
from tests.smtp_sink import Sink
from tests.strand import Sides, apart, to_sink
from tests.world import Office, empty, mailing
from web.sending import why_not

OFFICER = ("commissioning_officer", "CO1")


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


@pytest.fixture
def office(sink: Sink) -> Office:
    return Office(empty(), mailing(sink)).case()


def morning(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC)


def mails(sink: Sink, to: str) -> list[str]:
    """What somebody was sent, as text; each mail with its lines made one."""
    sent = [mail.message for mail in sink.received if mail.to == [to]]
    return [" ".join(mail.get_body(("plain",)).get_content().split()) for mail in sent]


def html(sink: Sink, to: str) -> str:
    return next(mail.message.get_body(("html",)).get_content() for mail in sink.received if mail.to == [to])


# What is new ----------------------------------------------------------------------------------------------------------


def brought_in(office: Office) -> None:
    """A case brought in from elsewhere while it waited for safeguarding, and its letter, filed here."""
    assert office.opens(told_already=True) == ""
    assert office.says("CASE1", "safeguarding_letter_filed", "2026-01-07").result == "recorded"


def test_commissioning_is_mailed_that_a_case_brought_in_can_be_referred_now(office: Office, sink: Sink):
    brought_in(office)
    office.round("2026-01-07").mail(morning("2026-01-08"))
    [mail] = mails(sink, "co1@staff.example")
    assert "SPIP-D1 can be referred. Please send the referral by 9 January 2026. Proposed, best first: P1, P2." in mail


@pytest.mark.parametrize("withheld", [None, "told already"])
def test_a_database_that_holds_the_request_to_refer_is_sent_no_other(office: Office, sink: Sink, withheld: str | None):
    """One of an earlier version: sent, or wrongly kept back; then the chase asks for what is late."""
    brought_in(office)
    office.notice("ready-to-refer", OFFICER, "ready-to-refer:1", due="2026-01-09", proposed=["P1"])
    office.put(t.NoticeRow, {"to_code": "CO1"}, withheld=withheld)
    office.put(t.PathwayRow, {"reference": "SPIP-D1"}, provider=None)
    office.round("2026-01-07").mail(morning("2026-01-08"))
    assert [row.withheld for row in office.rows(t.NoticeRow, wording="ready-to-refer")] == [withheld]
    assert len(mails(sink, "co1@staff.example")) == (0 if withheld else 1)
    assert office.rounds("2026-01-08", "2026-01-12").chases("2026-01-12") == [("S1", *OFFICER)]


@pytest.mark.parametrize("open_at_first", [True, False])
def test_a_provider_that_opens_or_closes_later_is_news_although_all_else_was_known(office: Office, open_at_first: bool):
    """Brought in weeks after it was asked for, when somebody was open who then closes; or when nobody was."""
    assert office.opens(told_already=True) == ""
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06", told_already=True)
    said = []
    for on, is_open in (
        ("2026-01-26", open_at_first),
        ("2026-01-27", open_at_first),
        ("2026-01-28", not open_at_first),
    ):
        office.put(t.ServiceLine, {"programme": "SPIP"}, open_to_referrals=is_open)
        office.round(on)
        said.append({row.wording: row.withheld for row in office.rows(t.NoticeRow) if row.to_role != "adviser"})
    first, then = ("ready-to-refer", "no-provider") if open_at_first else ("no-provider", "ready-to-refer")
    known = {first: "told already"}
    assert [{name: why for name, why in one.items() if name != "chase"} for one in said] == [
        known,
        known,
        known | {then: None},
    ]


# What was corrected, and who declined ---------------------------------------------------------------------------------


def reports(office: Office, on: str, result: str, supersedes: int | None = None, **more: str) -> int:
    fact = {"by": "P1", "session": "S-SPIP-D1", "result": result, **more}
    done = office.says("SPIP-D1", "attendance_reported", on, supersedes=supersedes, **fact)
    assert done.result == "recorded", done.why
    return done.fact_id


def test_an_absence_corrected_to_a_part_is_mailed_to_the_adviser_and_says_what_it_is(office: Office, sink: Sink):
    office.opens()
    office.awaiting_report()
    absent = reports(office, "2026-01-19", "absent")
    office.round("2026-01-19").mail(morning("2026-01-20"))
    part = reports(office, "2026-01-20", "part", supersedes=absent)
    reports(office, "2026-01-21", "part", supersedes=part, reason="work")  # which is no news
    office.round("2026-01-21").mail(morning("2026-01-22"))
    told = [mail for mail in mails(sink, "fca1@staff.example") if "not attended in full" in mail]
    assert [mail.partition(" http")[0] for mail in told] == [
        "Under SPIP-D1 the session was not attended in full: absent.",
        "Under SPIP-D1 the session was not attended in full: part. This corrects what was reported before.",
    ]


def test_what_was_corrected_before_anybody_heard_of_it_is_told_once(office: Office, sink: Sink):
    office.opens()
    office.awaiting_report()
    reports(office, "2026-01-20", "part", supersedes=reports(office, "2026-01-19", "absent"))
    office.round("2026-01-20").mail(morning("2026-01-21"))
    assert sum("not attended in full" in mail for mail in mails(sink, "fca1@staff.example")) == 1


def test_commissioning_is_mailed_who_declined_and_why(office: Office, sink: Sink):
    office.opens()
    office.referred().says("SPIP-D1", "referral_declined", "2026-01-07", by="P1", provider="P1", reason="out_of_area")
    office.round("2026-01-07").mail(morning("2026-01-08"))
    mail = mails(sink, "co1@staff.example")[-1]
    assert "Proposed, best first: P2. P1 declined it: out of area." in mail


@pytest.mark.parametrize("wrong", [{"declined_by": "Zebedee Quill"}, {"declined_by": "P1", "reason": "He is away"}])
def test_sr_12_what_follows_a_sentence_has_its_form_too(wrong: dict[str, str]):
    with pytest.raises(NotSayable):
        said("SPIP-D1", "no-provider", {"due": "2026-01-09", "reason": "other"} | wrong)


def test_a_refusal_on_the_site_calls_things_by_their_words(office: Office):
    office.opens()
    office.acknowledged().says("SPIP-D1", "risk_raised", "2026-01-08")
    outcome = office.books("SPIP-D1", "S1", "2026-01-09", "2026-01-20")
    assert "(risk_reviewed)" in outcome.why  # as it is typed
    assert "its adviser must review it first (new risk reviewed)" in why_not(outcome, Holder(STAFF, "FCA1", ""))
    first = office.says("SPIP-D1", "suitability_decided", "2026-01-09", suitable=True)
    other = why_not(
        office.says("SPIP-D1", "suitability_decided", "2026-01-09", suitable=False), Holder(STAFF, "FCA1", "")
    )
    assert other.endswith(f"; to correct that one, open the page /corrections/{first.fact_id}")


# How late -------------------------------------------------------------------------------------------------------------

FRIDAY = {"duty": "attendance_report", "due": "2026-01-23", "late": 0}


@pytest.mark.parametrize(
    ("day", "late", "says"),
    [
        ("2026-01-21", 0, "due soon"),
        ("2026-01-23", 0, "due today"),
        ("2026-01-24", 0, "less than a working day late"),
        ("2026-01-26", 1, "1 working day late"),
        (None, 0, "due soon"),  # written down by an earlier version
    ],
)
def test_what_is_said_of_a_day_that_is_past_is_never_that_it_is_to_come(day: str | None, late: int, says: str):
    line = said("SPIP-D1", "chase", FRIDAY | {"late": late, "day": day})
    assert line.subject == f"SPIP-D1: attendance report {says}"
    assert set(words(says)) - {"1"} <= vocabulary()  # nobody of that name stops the message


def test_a_digest_of_a_saturday_says_that_fridays_report_is_late(sink: Sink):
    settings = mailing(sink, sending=Sending(days="any", opens="00:00", closes="23:59"))
    office = Office(empty(), settings).case().case("CASE2", ("PC", "PD"))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    office.awaiting_report(held="2026-01-16")  # due on Friday the 23rd
    office.awaiting_report("SPIP-D2", held="2026-01-15")  # chased that day
    office.rounds("2026-01-16", "2026-01-22").mail(morning("2026-01-23"))
    office.round("2026-01-23").mail(morning("2026-01-24"))
    digest = mails(sink, "p1@p.example")[-1]
    assert "SPIP-D2: attendance report, due 22 January 2026, 1 working day late" in digest
    assert "SPIP-D1: attendance report, due 23 January 2026, less than a working day late" in digest


# The strand -----------------------------------------------------------------------------------------------------------


def test_the_strands_mail_says_a_command_as_one_and_links_to_nothing(tmp_path: Path, sink: Sink):
    settings = apart(tmp_path, restricted_channels=to_sink(sink.port))
    with_tables(strand(settings), restricted=True)
    sides = Sides(empty(settings.database_url), settings)
    sides.staffed().man().referred().sweep("2026-01-08")
    to, command = "sw1@support.example", f"pathways restricted show {sides.support().reference}"
    assert f"In a terminal: {command}" in mails(sink, to)[0]
    assert f"In a terminal: <code>{command}</code>" in html(sink, to)
    assert "href" not in html(sink, to)


def test_mail_with_an_address_in_it_links_there(office: Office, sink: Sink):
    office.opens()
    office.round("2026-01-05").mail(morning("2026-01-06"))
    assert 'href="http' in html(sink, "fca1@staff.example")
    assert "In a terminal" not in "".join(mails(sink, "fca1@staff.example"))


# Recalled, and sent to another ----------------------------------------------------------------------------------------


def recalled(office: Office) -> None:
    office.says("SPIP-D1", "referral_recalled", "2026-01-12", provider="P1", reason="no_answer", by="CO1")
    office.says("SPIP-D1", "referral_sent", "2026-01-12", provider="P2", by="CO1")
    office.round("2026-01-12")


def test_the_day_of_a_referral_is_not_corrected_past_its_recall_so_it_stays_with_the_next_provider():
    office = Office(empty()).case()
    office.opens()
    office.referred()
    recalled(office)
    (sent,) = (row for row in office.rows(t.FactRow, kind="referral_sent") if row.payload["provider"] == "P1")
    late = office.says("SPIP-D1", "referral_sent", "2026-01-14", provider="P1", by="CO1", supersedes=sent.id)
    assert (late.result, late.field) == ("refused", "happened_on")
    assert office.says("SPIP-D1", "acknowledged", "2026-01-14", by="P2", provider="P2").result == "recorded"


def test_what_the_first_provider_did_and_staff_report_late_holds_nobody_up():
    office = Office(empty()).case()
    office.opens()
    office.referred()
    recalled(office)
    late = office.booking("SPIP-D1", "S1", "2026-01-09", "2026-02-20", by="FCA1", at=moment(day("2026-01-13")))
    assert office.record(late).outcomes[0].result == "recorded"
    assert office.advance("2026-01-13").failed == []
    assert office.owed() == {"acknowledgement": "P2"}


def test_a_second_referral_to_a_provider_is_not_given_back_before_it_was_sent():
    office = Office(empty()).case()
    office.opens()
    office.referred()
    office.says("SPIP-D1", "referral_declined", "2026-01-08", provider="P1", reason="other", by="P1")
    office.says("SPIP-D1", "referral_sent", "2026-01-12", provider="P1", by="CO1")
    early = office.reported(
        "SPIP-D1",
        "referral_declined",
        "2026-01-09",
        at=moment(day("2026-01-13")),
        provider="P1",
        reason="other",
        by="P1",
    )
    assert office.record(early).outcomes[0].why == "P1 was sent this referral on 12 January 2026"


def test_a_letter_sent_on_the_day_of_what_it_tells_or_later_meets_its_task_whichever_was_written_down_first():
    office = Office(empty()).case()
    office.opens()
    office.referred()
    office.says("SPIP-D1", "letter_sent", "2026-01-08", letter="referral-made", by="BS1")
    office.record(
        office.reported("SPIP-D1", "acknowledged", "2026-01-07", at=moment(day("2026-01-09")), by="P1", provider="P1")
    )
    office.round("2026-01-09")
    assert office.owed() == {"booking": "P1"}
