"""The life of one survivor's support as a table, as the pathway function tells it. No database."""

import pytest

from tests.life import owed, told
from tests.strand import UNTAKEN, Supported

LIFE = [
    # day, facts recorded that day, state, label, newly told
    ("2026-01-05", [], "offer_due", "Awaiting support offer", {"support-wanted"}),
    ("2026-01-08", [("survivor_contact_tried", {})], "offered", "Awaiting support answer", set()),
    ("2026-01-12", [("survivor_contact_tried", {})], "offered", "Awaiting support answer", set()),
    ("2026-01-20", [("support_accepted", {})], "engaged", "Support goes on", set()),
    ("2026-02-02", [("man_started", {})], "engaged", "Support goes on", {"support-started"}),
    ("2026-03-02", [("man_absent", {})], "engaged", "Support goes on", {"support-absence"}),
    ("2026-03-03", [("risk_heard", {})], "engaged", "Support goes on", {"support-risk"}),
    ("2026-04-01", [("man_dropped", {})], "engaged", "Awaiting support end", {"support-dropped"}),
    ("2026-04-20", [("man_finished", {})], "engaged", "Awaiting support end", {"support-over"}),
    ("2026-04-27", [("support_ended", {"reason": "her_wish"})], "closed_ended", "Closed: her wish", set()),
]


def test_support_from_the_offer_to_its_end():
    life, before = Supported(), set()
    for today, facts, state, label, newly in LIFE:
        for kind, details in facts:
            life.add(today, kind, **details)
        decision = life.on(today)
        keys = {(n.to.code, n.wording, n.occasion) for n in decision.notices}
        assert (decision.standing.state, decision.standing.label) == (state, label), today
        assert {(code, wording) for code, wording, _ in keys - before} == {("SW1", one) for one in newly}, today
        before |= keys


def test_limits_are_reckoned_in_working_days_from_what_they_follow():
    life = Supported("2026-01-05")
    assert owed(life.on("2026-01-05")) == {"support_offer": ("SW1", "2026-01-12")}
    life.add("2026-01-08", "survivor_contact_tried").add("2026-01-15", "survivor_contact_tried")
    assert owed(life.on("2026-01-15")) == {"support_answer": ("SW1", "2026-02-05")}
    life.add("2026-01-20", "support_accepted")
    assert owed(life.on("2026-01-20")) == {"support_end": ("SW1", "2026-09-01")}
    life.add("2026-03-02", "man_finished")
    assert owed(life.on("2026-03-02")) == {"support_end": ("SW1", "2026-03-30")}


@pytest.mark.parametrize(
    ("answer", "state", "label"),
    [("support_declined", "closed_declined", "Closed: declined"), ("no_contact_made", "closed_no_contact", "Closed: no contact")],
)  # fmt: skip
def test_it_closes_when_she_does_not_want_it_or_cannot_be_reached(answer: str, state: str, label: str):
    life = Supported().add("2026-01-08", "survivor_contact_tried").add("2026-01-20", answer)
    decision = life.on("2026-01-20")
    assert (decision.standing.state, decision.standing.label) == (state, label)
    assert not owed(decision)


def test_silence_is_no_answer():
    life = Supported().add("2026-01-08", "survivor_contact_tried")
    assert life.on("2027-01-08").standing.state == "offered"
    assert Supported().on("2027-01-08").standing.state == "offer_due"


@pytest.mark.parametrize("fact", ["man_dropped", "man_finished"])
@pytest.mark.parametrize("stage", [[], ["survivor_contact_tried"], ["survivor_contact_tried", "support_accepted"]])
def test_nothing_he_does_ends_it(fact: str, stage: list[str]):
    life = Supported()
    for kind in stage:
        life.add("2026-01-08", kind)
    before = life.on("2026-01-08").standing.state
    assert life.add("2026-02-02", fact).on("2027-02-02").standing.state == before


def test_she_who_rings_first_needs_no_attempt():
    assert Supported().add("2026-01-07", "support_accepted").on("2026-01-07").standing.state == "engaged"


def test_with_nobody_to_take_it_nobody_is_told_and_it_is_shown():
    decision = Supported(people=UNTAKEN).add("2026-01-07", "risk_heard").on("2026-01-08")
    assert decision.standing.label == "Nobody to take it"
    assert decision.notices == []
    taken = Supported().add("2026-01-07", "risk_heard").on("2026-01-08")
    assert told(taken) == {("SW1", "support-wanted"), ("SW1", "support-risk")}


def test_news_that_was_known_elsewhere_is_withheld_but_the_offer_is_not():
    life = Supported(told_already=True).add("2026-01-07", "man_started", told_already=True)
    withheld = {notice.wording: notice.withheld for notice in life.on("2026-01-08").notices}
    assert withheld == {"support-wanted": None, "support-started": "told already"}


def test_a_risk_raised_before_he_was_referred_is_no_news():
    assert told(Supported("2026-01-05").add("2025-12-01", "risk_heard").on("2026-01-05")) == {("SW1", "support-wanted")}


def test_what_happens_after_she_declined_is_not_told():
    life = Supported().add("2026-01-08", "survivor_contact_tried").add("2026-01-09", "support_declined")
    assert told(life.add("2026-02-02", "risk_heard").on("2026-02-02")) == {("SW1", "support-wanted")}
