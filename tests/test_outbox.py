"""The outbox with a real SMTP server: who is told how and when, once each, whatever breaks on the way."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from models import tables as t
from notifications.channels import Channels
from notifications.letters import compose
from notifications.wording import _read, wording
from settings import Channel, Sending, Settings
from store import outbox
from tests.life import moment
from tests.smtp_sink import Sink, free_port
from tests.world import FIELDS, Office, at_once, empty, mailing

NINE = datetime(2026, 1, 6, 9, tzinfo=UTC)
ANY_HOUR = Sending(days="any", opens="00:00", closes="23:59")
WORDINGS = sorted(name for name, text in _read().items() if "bundle" in text)
ALWAYS_INSTANT = {"new-risk", "referral-held", "direction-stands", "not-attended", "breach-review", "paper-to-sign"}
"""Safeguarding and non-attendance: an adviser's preference does not reach these."""
ADVISER, PROVIDER = ("adviser", "FCA1"), ("provider", "P1")


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def office_with(settings: Settings, engine: Engine | None = None) -> Office:
    made = Office(engine or empty(), settings).case()
    made.opens()
    return made


@pytest.fixture
def office(sink: Sink) -> Office:
    """In memory, mail to the sink, working hours."""
    return office_with(mailing(sink))


def one_waiting(engine: Engine, sink: Sink) -> Office:
    """On either database: one message waits for P1."""
    made = office_with(mailing(sink, sending=ANY_HOUR), engine)
    made.notice("referral", PROVIDER, due="2026-01-12")
    assert made.gather(NINE) == 1
    return made


def message(office: Office) -> Any:
    [row] = office.rows(t.MessageRow)
    return row


# How they want to be told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORDINGS)
def test_an_adviser_who_chose_daily_still_hears_of_safety_and_absence_at_once(office: Office, sink: Sink, name: str):
    office.put(t.Practitioner, {"code": "FCA1"}, telling="daily")
    for occasion in ("one", "two"):
        office.notice(name, ADVISER, occasion, **FIELDS)
    office.mail(NINE)
    alone = len(sink.received) == 2
    assert alone is (wording(name).bundle == "now")
    assert alone or len(sink.received) == 1
    if name in ALWAYS_INSTANT:
        assert alone


def test_the_occasions_of_safety_and_absence_are_all_among_the_wordings():
    assert set(WORDINGS) > ALWAYS_INSTANT


@pytest.mark.parametrize("name", [name for name in WORDINGS if wording(name).bundle in ("now", "preference")])
def test_an_adviser_who_chose_instant_gets_a_mail_each(office: Office, sink: Sink, name: str):
    for occasion in ("one", "two"):
        office.notice(name, ADVISER, occasion, **FIELDS)
    office.mail(NINE)
    assert len(sink.received) == 2


def test_a_daily_digest_holds_the_days_updates_and_what_is_late(office: Office, sink: Sink):
    office.put(t.Practitioner, {"code": "FCA1"}, telling="daily")
    office.opens("SPIP-D2", "PB")
    office.notice("attended", ADVISER)
    office.notice("session-late", ADVISER, pathway="SPIP-D2", session_on="2026-01-20")
    office.notice("chase", ADVISER, pathway="SPIP-D2", **FIELDS)
    office.mail(NINE)
    [mail] = sink.received
    text = mail.message.get_body(("plain",)).get_content()
    assert mail.message["Subject"].startswith("1 late or due; SPIP-D2")
    assert "attended under SPIP-D1" in text and "booked under SPIP-D2 is on 20 January 2026" in text
    office.notice("attended", ADVISER, "later")
    assert office.mail(NINE + timedelta(hours=2)) == Counter()
    assert office.mail(NINE + timedelta(days=1)) == Counter(sent=1)


def test_the_preference_is_each_persons_own(office: Office, sink: Sink):
    office.put(t.Practitioner, {"code": "FCA1"}, telling="daily")
    for occasion in ("one", "two"):
        office.notice("attended", ("adviser", "FCA1"), occasion)
        office.notice("attended", ("service_manager", "SM1"), occasion)
    office.mail(NINE)
    assert Counter(mail.to[0] for mail in sink.received) == Counter({"fca1@staff.example": 1, "sm1@staff.example": 2})


# When mail may go ----------------------------------------------------------------------------------------------------

HOURS = [
    ("2026-01-06T07:59", False),
    ("2026-01-06T08:00", True),
    ("2026-01-06T17:59", True),
    ("2026-01-06T18:00", False),
    ("2026-01-10T12:00", False),  # Saturday
    ("2026-01-11T12:00", False),  # Sunday
    ("2026-05-04T12:00", False),  # early May bank holiday
    ("2026-12-28T12:00", False),  # Boxing Day in lieu
    # The last working days before and the first after London goes an hour ahead of UTC, and back.
    ("2026-03-27T07:59", False),
    ("2026-03-27T08:00", True),
    ("2026-03-27T17:59", True),
    ("2026-03-30T06:59", False),
    ("2026-03-30T07:00", True),
    ("2026-03-30T16:59", True),
    ("2026-03-30T17:00", False),
    ("2026-10-23T06:59", False),
    ("2026-10-23T07:00", True),
    ("2026-10-23T17:00", False),
    ("2026-10-26T07:59", False),
    ("2026-10-26T08:00", True),
    ("2026-10-26T17:59", True),
    ("2026-10-26T18:00", False),
]


@pytest.mark.parametrize(("now", "open"), HOURS)
def test_mail_goes_on_working_days_from_8_to_18_in_london_and_what_is_urgent_at_any_hour(
    office: Office, sink: Sink, now: str, open: bool
):
    office.notice("new-risk", ADVISER)
    office.notice("not-attended", ADVISER, result="absent")
    office.notice("chase", PROVIDER, **FIELDS)
    office.mail(at(now))
    assert {mail.message["Subject"].split(": ", 1)[1] for mail in sink.received} >= {"on hold, new risk"}
    assert len(sink.received) == (3 if open else 1)


def test_what_waited_over_the_night_goes_in_the_morning(office: Office, sink: Sink):
    office.notice("not-attended", ADVISER, result="absent")
    assert office.mail(at("2026-01-09T18:30")) == Counter()
    assert office.mail(at("2026-01-12T08:00")) == Counter(sent=1)


def test_where_any_day_is_allowed_mail_goes_on_sundays_within_its_hours(sink: Sink):
    office = office_with(mailing(sink, sending=Sending(days="any")))
    office.notice("not-attended", ADVISER, result="absent")
    assert office.mail(at("2026-01-11T07:30")) == Counter()
    assert office.mail(at("2026-01-11T12:00")) == Counter(sent=1)


# Once ----------------------------------------------------------------------------------------------------------------


def test_one_occasion_is_told_once_however_often_the_pathway_is_advanced(engine: Engine, sink: Sink):
    office = office_with(mailing(sink), engine).acknowledged()
    for _ in range(4):
        office.advance("2026-01-07", "SPIP-D1")
        office.mail(NINE + timedelta(days=2))
    ids = [mail.message["Message-ID"] for mail in sink.received]
    sent = [notice for notice in office.rows(t.NoticeRow) if not notice.withheld]
    assert len(ids) == len(set(ids)) == len(sent) > 0


def test_the_database_itself_takes_one_notice_an_occasion(engine: Engine, sink: Sink):
    office = office_with(mailing(sink), engine)
    office.notice("attended", ADVISER)
    with pytest.raises(IntegrityError):
        office.notice("attended", ADVISER)


def test_what_people_know_already_is_never_mailed(office: Office, sink: Sink):
    office.notice("attended", ADVISER)
    office.put(t.NoticeRow, {"pathway": "SPIP-D1"}, withheld="told already")
    assert office.mail(NINE) == Counter()
    assert office.mail(NINE + timedelta(days=30)) == Counter()


def test_gathering_and_delivering_by_several_at_once_sends_each_message_once(postgres_engine: Engine, sink: Sink):
    office = office_with(
        mailing(sink, sending=Sending(days="any", opens="00:00", closes="23:59", batch=4)), postgres_engine
    )
    for n in range(30):
        office.notice("attended", ADVISER, f"attended:{n}")
        office.notice("chase", PROVIDER, f"chase:{n}", **FIELDS)
    made = at_once(*[lambda: office.gather(NINE)] * 3)
    assert sum(made) == 31  # thirty, and one digest of thirty lines
    assert {row.bundle is not None for row in office.rows(t.NoticeRow)} == {True}

    def deliver() -> int:
        sent = 0
        while batch := office.send(NINE):
            sent += batch["sent"]
        return sent

    assert sum(at_once(*[deliver] * 3)) + deliver() == 31
    ids = [mail.message["Message-ID"] for mail in sink.received]
    assert len(ids) == len(set(ids)) == 31
    assert {row.state for row in office.rows(t.MessageRow)} == {"sent"}
    assert {row.attempts for row in office.rows(t.MessageRow)} == {1}


def test_notices_written_while_another_gathers_are_in_exactly_one_message(postgres_engine: Engine, sink: Sink):
    office = office_with(mailing(sink, sending=ANY_HOUR), postgres_engine)

    def write(who: int) -> None:
        for n in range(15):
            office.notice("attended", ADVISER, f"{who}:{n}")

    at_once(lambda: write(1), lambda: write(2), *[lambda: [office.gather(NINE) for _ in range(10)]] * 2)
    office.gather(NINE)
    bundles = [row.bundle for row in office.rows(t.NoticeRow)]
    assert len(bundles) == len(set(bundles)) == len(office.rows(t.MessageRow)) == 30


# When something breaks -----------------------------------------------------------------------------------------------


def test_a_message_whose_deliverer_died_goes_out_later_with_the_same_message_id(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    assert len(outbox.claim(engine, NINE, office.settings)) == 1  # and then the machine went down
    assert office.send(NINE + timedelta(minutes=4)) == Counter()
    assert office.send(NINE + timedelta(minutes=5)) == Counter(sent=1)
    assert sink.received[0].message["Message-ID"] == message(office).message_id
    assert (message(office).state, message(office).attempts) == ("sent", 2)


def test_one_who_dies_after_sending_and_before_saying_so_makes_it_arrive_twice_as_the_same_mail(
    engine: Engine, sink: Sink
):
    office = one_waiting(engine, sink)
    [claimed] = outbox.claim(engine, NINE, office.settings)
    with Channels(office.settings) as channels:
        letter = compose(claimed.notices, claimed.row.to_role, claimed.row.bundle, claimed.link)
        channels.deliver("mail", letter, claimed.address, claimed.row.message_id, NINE)
    office.send(NINE + timedelta(minutes=10))
    first, second = (mail.message for mail in sink.received)
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    "late", [outbox.Result(0, "again", error="timed out"), outbox.Result(0, "failed", error="550")]
)
def test_a_deliverer_that_was_too_slow_does_not_put_back_what_another_has_sent(engine: Engine, sink: Sink, late: Any):
    office = one_waiting(engine, sink)
    [claimed] = outbox.claim(engine, NINE, office.settings)
    assert office.send(NINE + timedelta(minutes=6)) == Counter(sent=1)
    slow = outbox.Result(claimed.row.id, late.state, error=late.error)
    outbox.settle(engine, [slow], NINE + timedelta(minutes=7), office.settings)
    assert message(office).state == "sent"
    assert office.send(NINE + timedelta(days=2)) == Counter()
    assert len(sink.received) == 1


def test_a_passing_failure_is_tried_again_each_time_later_and_at_last_shown_to_a_person(engine: Engine, sink: Sink):
    office, now = one_waiting(engine, sink), NINE
    sink.says["RCPT"] = "451 4.7.1 come back later"
    for tries, wait in enumerate(office.settings.sending.retry_minutes, 1):
        assert office.send(now) == Counter(waiting=1)
        assert (message(office).attempts, message(office).try_at) == (tries, now + timedelta(minutes=wait))
        assert office.send(now + timedelta(minutes=wait, seconds=-1)) == Counter()
        now += timedelta(minutes=wait)
    assert office.settings.sending.retry_minutes == sorted(set(office.settings.sending.retry_minutes))
    assert office.send(now) == Counter(failed=1)
    assert (message(office).state, message(office).error) == ("failed", "451 try later")
    assert office.send(now + timedelta(days=30)) == Counter()


def test_a_server_that_recovers_gets_it_at_the_next_try(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    sink.once["RCPT"] = "451 4.7.1 greylisted"
    assert office.send(NINE) == Counter(waiting=1)
    assert office.send(NINE + timedelta(minutes=1)) == Counter(sent=1)
    assert (message(office).sent_at, message(office).sent_to) == (NINE + timedelta(minutes=1), "p1@p.example")
    assert message(office).error is None


def test_a_server_that_is_not_there_is_a_passing_failure(engine: Engine):
    channels = {"mail": Channel(url=f"pathways-mail://127.0.0.1:{free_port()}?security=none")}
    office = office_with(Settings(profile="composite", channels=channels), engine)
    office.notice("attended", ADVISER)
    assert office.mail(NINE) == Counter(waiting=1)
    assert message(office).error == "connection refused"


def test_a_permanent_failure_is_shown_to_a_person_at_once(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    sink.refuses.add("p1@p.example")
    assert office.send(NINE) == Counter(failed=1)
    row = message(office)
    assert (row.attempts, row.error, row.sent_at, row.sent_to) == (1, "550 recipient refused", None, None)


def test_nobody_without_an_address_is_forgotten(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    office.put(t.Provider, {"code": "P1"}, mailbox="")
    assert office.send(NINE) == Counter(failed=1)
    assert message(office).error == "no address is known"


def test_one_failing_recipient_holds_up_no_other(office: Office, sink: Sink):
    sink.refuses.add("p1@p.example")
    for n, to in enumerate([PROVIDER, ADVISER, ("provider", "P2")]):
        office.notice("attended", to, f"attended:{n}")
    assert office.mail(NINE) == Counter(failed=1, sent=2)


def test_after_the_address_is_corrected_the_failed_message_is_sent_again_as_the_same_mail(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    sink.refuses.add("p1@p.example")
    office.send(NINE)
    failed = message(office)
    assert outbox.correct_address(engine, "P1", "right@p.example", NINE, "BS1")
    assert outbox.resend(engine, failed.id, NINE + timedelta(hours=1), "BS1")
    assert office.send(NINE + timedelta(hours=1)) == Counter(sent=1)
    row = message(office)
    assert (row.sent_to, row.attempts, row.error) == ("right@p.example", 1, None)
    assert sink.received[0].to == ["right@p.example"]
    assert sink.received[0].message["Message-ID"] == failed.message_id


def test_a_practitioners_address_can_be_corrected_too(office: Office, sink: Sink):
    assert outbox.correct_address(office.engine, "FCA1", "new@staff.example", NINE, "BS1")
    office.notice("attended", ADVISER)
    office.mail(NINE)
    assert sink.received[0].to == ["new@staff.example"]


def test_only_what_failed_can_be_resent_and_only_who_exists_corrected(engine: Engine, sink: Sink):
    office = one_waiting(engine, sink)
    assert not outbox.resend(engine, message(office).id, NINE, "BS1")
    office.send(NINE)
    assert not outbox.resend(engine, message(office).id, NINE, "BS1")
    assert not outbox.resend(engine, 999, NINE, "BS1")
    assert not outbox.correct_address(engine, "P99", "x@p.example", NINE, "BS1")
    assert office.send(NINE + timedelta(days=1)) == Counter()
    assert len(sink.received) == 1


# Channels ------------------------------------------------------------------------------------------------------------


def url(sink: Sink) -> str:
    return f"pathways-mail://127.0.0.1:{sink.port}?security=none"


def test_a_notice_goes_out_on_every_channel_that_serves_its_recipient_and_each_by_itself(engine: Engine):
    with Sink() as mail, Sink() as copies, Sink() as providers_only:
        channels = {
            "mail": Channel(url=url(mail)),
            "copies": Channel(url=url(copies), roles=["adviser"]),
            "providers": Channel(url=url(providers_only), roles=["provider"]),
        }
        office = office_with(Settings(profile="composite", channels=channels), engine)
        office.notice("attended", ADVISER)
        copies.says["RCPT"] = "451 later"
        assert office.mail(NINE) == Counter(sent=1, waiting=1)
        copies.says.clear()
        assert office.mail(NINE + timedelta(minutes=1)) == Counter(sent=1)
        assert [len(each.received) for each in (mail, copies, providers_only)] == [1, 1, 0]
        assert len({row.message_id for row in office.rows(t.MessageRow)}) == 2


def test_a_channel_may_serve_some_occasions_only(sink: Sink):
    with Sink() as urgent:
        channels = {
            "mail": Channel(url=url(sink)),
            "phones": Channel(url=url(urgent), occasions=["new-risk"]),
            "digests": Channel(url=url(urgent), occasions=["digest"], roles=["provider"]),
        }
        office = office_with(Settings(profile="composite", channels=channels))
        office.notice("new-risk", ADVISER)
        office.notice("attended", ADVISER)
        office.notice("chase", PROVIDER, **FIELDS)
        office.mail(NINE)
        assert len(sink.received) == 3
        assert sorted(mail.to[0] for mail in urgent.received) == ["fca1@staff.example", "p1@p.example"]


def test_without_a_channel_notices_wait_until_there_is_one(sink: Sink):
    office = office_with(Settings(profile="composite"))
    office.notice("attended", ADVISER)
    office.notice("chase", PROVIDER, **FIELDS)
    assert office.mail(NINE) == Counter()
    assert office.rows(t.MessageRow) == []
    office.settings = mailing(sink)
    assert office.mail(NINE + timedelta(days=3)) == Counter(sent=2)


def test_whom_no_channel_serves_waits_while_others_are_told(sink: Sink):
    office = office_with(mailing(sink, channels={"mail": Channel(url=url(sink), roles=["provider"])}))
    office.notice("attended", ADVISER)
    office.notice("referral", PROVIDER, due="2026-01-12")
    assert office.mail(NINE) == Counter(sent=1)
    assert [row.to_code for row in office.rows(t.NoticeRow) if row.bundle is None] == ["FCA1"]


def test_a_channel_that_was_taken_out_of_the_settings_leaves_its_messages_waiting(office: Office, sink: Sink):
    office.notice("attended", ADVISER)
    office.gather(NINE)
    office.settings = mailing(sink, channels={"other": Channel(url=url(sink))})
    assert office.send(NINE) == Counter(waiting=1)
    office.settings = mailing(sink)
    assert office.send(NINE + timedelta(minutes=1)) == Counter(sent=1)


def test_a_mail_is_dated_and_addressed_and_links_to_its_pathway(office: Office, sink: Sink):
    office.notice("attended", ADVISER)
    office.mail(NINE)
    mail = sink.received[0].message
    assert (mail["To"], mail["Date"]) == ("fca1@staff.example", "Tue, 06 Jan 2026 09:00:00 +0000")
    assert office.settings.link.format(reference="SPIP-D1") in mail.get_body(("plain",)).get_content()


def test_a_message_remembers_what_it_carried_after_it_was_sent(office: Office):
    office.notice("attended", ADVISER)
    office.mail(NINE)
    [notice] = office.rows(t.NoticeRow)
    assert notice.bundle == message(office).bundle == f"notice:{notice.id}"
    assert moment(date(2026, 1, 6), 9) == message(office).sent_at


def test_a_room_hears_without_a_link_that_would_let_everybody_in_it_answer(sink: Sink):
    mail = Channel(url=f"pathways-mail://127.0.0.1:{sink.port}?security=none")
    room = Channel(url="json://127.0.0.1:9/room", roles=["provider"])
    office = office_with(mailing(sink, channels={"mail": mail, "room": room}))
    office.notice("referral", PROVIDER, **FIELDS)
    office.gather(NINE)
    found = {one.row.channel: one.link for one in outbox.claim(office.engine, NINE, office.settings)}
    assert "/l/" in found["mail"] and found["room"] == f"{office.settings.site.url}/pathways/{{reference}}"
