"""What facts alone can say: their order, those of a kind, who holds the referral, the next hearing."""

from datetime import date

import pytest

from models.facts.case import HearingListed
from models.facts.referral import Acknowledged, ReferralDeclined, ReferralSent
from models.history import History
from tests.life import Life


def places(facts: list) -> list[int]:
    return [fact.place for fact in facts]


@pytest.fixture
def life() -> Life:
    """Requested; sent to P1, acknowledged before that was written down, and declined; sent to P2."""
    return (
        Life("2026-01-05")
        .add("2026-01-12", "acknowledged", provider="P1")
        .add("2026-01-08", "referral_sent", provider="P1", recorded="2026-01-13")
        .add("2026-01-14", "referral_declined", provider="P1", reason="no_capacity")
        .add("2026-01-15", "referral_sent", provider="P2")
    )


def test_facts_stand_in_the_order_they_happened_whatever_came_to_be_known_first(life: Life):
    assert places(History(life.facts)) == [1, 3, 2, 4, 5]
    assert places(History(reversed(life.facts))) == [1, 3, 2, 4, 5]


def test_on_one_day_they_stand_in_the_order_of_the_record(life: Life):
    life.add("2026-01-08", "referral_sent", provider="P3")
    assert places(History(life.facts).of(ReferralSent)) == [3, 6, 5]


def test_those_of_several_kinds_stand_in_order_together(life: Life):
    assert places(History(life.facts).of(ReferralSent, ReferralDeclined)) == [3, 4, 5]
    assert places(History(life.facts).of(ReferralDeclined, Acknowledged)) == [2, 4]
    assert places(History(life.facts).of(ReferralDeclined, HearingListed)) == [4]
    assert not History(life.facts).of(HearingListed) and not History().of(HearingListed, Acknowledged)


def test_whoever_it_went_to_last_holds_it_unless_they_gave_it_back(life: Life):
    told = History(life.facts)
    assert [History(told[:count]).holder and History(told[:count]).holder.code for count in range(6)] == [
        None, None, "P1", "P1", None, "P2",
    ]  # fmt: skip


def test_a_provider_gives_back_only_what_it_holds(life: Life):
    life.add("2026-01-16", "referral_declined", provider="P1", reason="no_capacity")
    assert History(life.facts).holder.code == "P2"


def test_the_next_hearing_is_the_first_later_one_that_was_not_vacated(life: Life):
    for day in ("2026-03-02", "2026-02-02", "2026-04-06"):
        life.add("2026-01-06", "hearing_listed", hearing_on=day)
    life.add("2026-01-20", "hearing_vacated", hearing_on="2026-03-02")
    told = History(life.facts)
    assert told.hearing_after(date(2026, 1, 20)) == date(2026, 2, 2)
    assert told.hearing_after(date(2026, 2, 2)) == date(2026, 4, 6)
    assert told.hearing_after(date(2026, 4, 6)) is None


def test_a_fact_recorded_in_another_place_says_what_it_said_and_the_first_one_stays():
    [booked] = Life().booked("2026-01-08", "S1", "2026-01-16").facts[1:]
    moved = booked.recorded_as(place=7, recorded_by="P2")
    assert moved == booked.model_copy(update={"place": 7, "recorded_by": "P2"})
    assert (moved.content, moved.identity, moved.session_on) == (booked.content, booked.identity, booked.session_on)
    assert (booked.place, booked.recorded_by) == (2, "FCA1")
