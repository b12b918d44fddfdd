"""The mail server fails in every way it can: all that was to be said arrives, and nothing more than twice."""

import ssl
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from models import tables as t
from notifications.channels import Channels, called
from settings import Channel, Sending, Settings
from store import ask, outbox
from store.database import reading
from tasks.deliver import held_up_in_words, send
from tests.smtp_sink import Sink, free_port
from tests.test_channels import certificate
from tests.world import FIELDS, Office, empty, mailing

NINE = datetime(2026, 1, 6, 9, tzinfo=UTC)
ANY_HOUR = Sending(days="any", opens="00:00", closes="23:59:59", batch=10)
STAFF = ("FCA1", "FCA2", "CO1", "CM1", "SM1", "AD1", "BS1", "RA1")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def office_with(sink: Sink, messages: int = 24, timeout: float = 5, **more: object) -> Office:
    """Somebody of the staff is told something, that many times."""
    url = f"pathways-mail://127.0.0.1:{sink.port}?security=none&timeout={timeout}"
    usual = {"channels": {"mail": Channel(url=url)}, "sending": ANY_HOUR}
    made = Office(empty(), mailing(sink, **usual | more)).case()
    made.opens()
    for n in range(messages):
        made.notice("attended", ("adviser", STAFF[n % len(STAFF)]), f"attended:{n}")
    assert made.gather(NINE) == messages
    return made


def all_of(office: Office, now: datetime) -> Counter[str]:
    """Send all that may be sent now."""
    done: Counter[str] = Counter()
    while batch := office.send(now):
        done += batch
    return done


def arrived(sink: Sink) -> Counter[str]:
    """How many times each mail arrived, by its Message-ID."""
    return Counter(mail.message["Message-ID"] for mail in sink.received)


def numbers(office: Office) -> set[str]:
    return {row.message_id for row in office.rows(t.MessageRow)}


def test_a_week_of_every_trouble_ends_with_each_mail_there_once_or_twice_and_the_refused_shown(sink: Sink):
    office, now = office_with(sink), NINE
    sink.refuses.add("fca2@staff.example")  # three of the mails
    for trouble in ("drops_at_connect", "greylists", "drops_in_data"):
        setattr(sink, trouble, True)
        assert all_of(office, now)["waiting"]
        setattr(sink, trouble, False)
        now += timedelta(minutes=15)
    all_of(office, now)
    assert all_of(office, now) == Counter()
    assert Counter(row.state for row in office.rows(t.MessageRow)) == {"sent": 21, "failed": 3}
    refused = {row.message_id for row in office.rows(t.MessageRow, state="failed")}
    assert arrived(sink).keys() == numbers(office) - refused
    assert set(arrived(sink).values()) <= {1, 2}


def test_a_server_that_is_down_for_the_night_gets_everything_once_in_the_morning(sink: Sink):
    down = f"pathways-mail://127.0.0.1:{free_port()}?security=none"
    office, up = office_with(sink), mailing(sink, sending=ANY_HOUR)
    office.settings = mailing(sink, sending=ANY_HOUR, channels={"mail": Channel(url=down)})
    for hour in range(12):
        assert all_of(office, NINE + timedelta(hours=hour)).keys() <= {"waiting"}
    assert {row.error for row in office.rows(t.MessageRow)} == {"connection refused"}
    office.settings = up
    assert all_of(office, NINE + timedelta(hours=24)) == Counter(sent=24)
    assert set(arrived(sink).values()) == {1}


def test_a_server_slower_than_the_time_allowed_holds_up_no_mail_for_good(sink: Sink):
    office = office_with(sink, messages=4, timeout=0.2)
    sink.hangs_at = "RCPT"
    assert all_of(office, NINE) == Counter(waiting=4)
    assert {row.error for row in office.rows(t.MessageRow)} == {"timed out"}
    sink.hangs_at = None
    assert all_of(office, NINE + timedelta(minutes=1)) == Counter(sent=4)
    assert set(arrived(sink).values()) == {1}


def test_a_connection_that_breaks_after_the_text_makes_a_mail_go_twice_as_the_same_mail(sink: Sink):
    office = office_with(sink, messages=3)
    sink.drops_in_data = True
    assert all_of(office, NINE) == Counter(waiting=3)
    sink.drops_in_data = False
    assert all_of(office, NINE + timedelta(minutes=1)) == Counter(sent=3)
    assert arrived(sink) == dict.fromkeys(numbers(office), 2)
    texts = {mail.message.get_body(("plain",)).get_content() for mail in sink.received}
    assert len(texts) == 3, "and it says the same"


def test_no_mail_goes_to_a_server_that_is_not_who_it_says_and_all_goes_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cert_file, key_file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    with Sink(options={"tls_context": context, "require_starttls": True}) as sink:
        over_tls = Channel(url=f"pathways-mail://127.0.0.1:{sink.port}?security=starttls&timeout=2")
        office = office_with(sink, messages=3, channels={"mail": over_tls})
        assert all_of(office, NINE) == Counter(waiting=3)
        assert {row.error for row in office.rows(t.MessageRow)} == {"certificate not trusted"} and not sink.received
        monkeypatch.setenv("SSL_CERT_FILE", str(cert_file))
        assert all_of(office, NINE + timedelta(minutes=1)) == Counter(sent=3)
        assert set(arrived(sink).values()) == {1}


# Slow -----------------------------------------------------------------------------------------------------------------


def test_a_batch_that_would_outlast_its_claim_is_put_back_and_no_mail_goes_twice(sink: Sink):
    """Fifty mails at ten seconds each are more than eight minutes, and the claim is for five."""
    office = office_with(sink, messages=30, sending=ANY_HOUR.model_copy(update={"batch": 30}))
    seconds = count(0, 10)

    def slowly() -> Counter[str]:
        with Channels(office.settings) as channels:
            return send(office.engine, channels, NINE, office.settings, clock=lambda: next(seconds))

    assert slowly() == Counter(sent=7)  # begun in the first of five minutes
    left = office.rows(t.MessageRow, state="waiting")
    assert {(row.attempts, row.try_at) for row in left} == {(0, NINE)} and len(left) == 23
    assert all_of(office, NINE) == Counter(sent=23)  # another takes what was left at once
    assert all_of(office, NINE + timedelta(minutes=10)) == Counter()
    assert arrived(sink) == dict.fromkeys(numbers(office), 1)


def test_even_where_one_mail_takes_all_the_time_there_is_each_batch_sends_one(sink: Sink):
    office = office_with(sink, messages=3)
    with Channels(office.settings) as channels:
        hours = count(0, 3600)
        for _ in range(3):
            assert send(office.engine, channels, NINE, office.settings, clock=lambda: next(hours)) == Counter(sent=1)
    assert arrived(sink) == dict.fromkeys(numbers(office), 1)


def test_of_what_is_put_back_nothing_is_taken_from_who_has_it_by_now(sink: Sink):
    office = office_with(sink, messages=2)
    mine = outbox.claim(office.engine, NINE, office.settings)
    later = NINE + timedelta(minutes=6)
    assert len(outbox.claim(office.engine, later, office.settings)) == 2  # for the claim had run out
    outbox.put_back(office.engine, mine, later)
    assert {row.state for row in office.rows(t.MessageRow)} == {"sending"}


# What people are told of it -------------------------------------------------------------------------------------------


def test_mail_that_waits_for_its_server_is_said_with_the_server_the_reason_and_the_time(sink: Sink):
    port = free_port()
    url = f"pathways-mail://user:word@127.0.0.1:{port}?security=none&from=Us%20%3Cus%40ours.example%3E"
    office = office_with(sink, messages=2, channels={"mail": Channel(url=url)})
    assert office.send(NINE) == Counter(waiting=2)
    said = held_up_in_words(office.engine, NINE, office.settings)
    assert said == [
        f"2 waiting: the mail server at 127.0.0.1:{port} did not take them (connection refused); next try 09:01"
    ]
    next_week = NINE + timedelta(days=7)
    assert held_up_in_words(office.engine, next_week, office.settings)[0].endswith("next try with the next delivery")
    with reading(office.engine) as connection:
        listed = ask.outbox(connection, "held up")
    assert [(row["error"], row["next try"]) for row in listed] == [
        ("connection refused", NINE + timedelta(minutes=1))
    ] * 2


def test_what_has_gone_or_was_never_tried_is_not_held_up(sink: Sink):
    office = office_with(sink, messages=2)
    assert held_up_in_words(office.engine, NINE, office.settings) == []
    all_of(office, NINE)
    assert held_up_in_words(office.engine, NINE, office.settings) == []


@pytest.mark.parametrize(
    ("url", "said"),
    {
        "pathways-mails://user:word@mail.example": "the mail server at mail.example",
        "pathways-mail://user:pa/ss@mail.example:25": "the channel mail",
        "msteams://secret/of/theirs": "the channel mail",
    }.items(),
)
def test_a_channel_is_called_by_nothing_that_is_secret(url: str, said: str):
    assert called("mail", Settings(channels={"mail": Channel(url=url)})) == said


# Interrupted ----------------------------------------------------------------------------------------------------------


def test_one_message_that_cannot_be_written_stops_no_other_and_makes_none_go_again(sink: Sink):
    office = office_with(sink, messages=6)
    office.notice("session-set", ("adviser", "FCA3"), "session-set:1", **FIELDS | {"sequence": "third"})
    office.notice("no-longer-said", ("adviser", "FCA1"), "no-longer-said:1")  # by a version that had other words
    office.gather(NINE)
    assert all_of(office, NINE) == Counter(sent=6, failed=2)
    failed = {row.to_code: row.error for row in office.rows(t.MessageRow, state="failed")}
    assert failed == {"FCA3": "SR-12: ValueError", "FCA1": "SR-12: KeyError"}
    assert all_of(office, NINE + timedelta(days=1)) == Counter() and set(arrived(sink).values()) == {1}


def test_who_is_interrupted_in_the_middle_of_a_batch_writes_down_what_went(sink: Sink, monkeypatch: pytest.MonkeyPatch):
    office, third = office_with(sink, messages=6), count(1)
    real = Channels.deliver

    def deliver(*args: object) -> None:
        if next(third) == 3:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(Channels, "deliver", deliver)
    with pytest.raises(KeyboardInterrupt):
        office.send(NINE)
    assert Counter(row.state for row in office.rows(t.MessageRow)) == {"sent": 2, "waiting": 4}
    assert all_of(office, NINE) == Counter(sent=4)
    assert arrived(sink) == dict.fromkeys(numbers(office), 1)
