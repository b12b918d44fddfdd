"""Papers for the court: what they tell, and that they say themselves whether they are signed."""

from datetime import date, timedelta
from types import SimpleNamespace

from notifications.papers import court_paper
from tests.life import Life, day


def drafted(life: Life, today: str) -> str | None:
    """The paper of a life as it stands on a day."""
    decision = life.on(today)
    duties = [
        SimpleNamespace(kind=d.kind, state=d.state, on_role=d.owed_by.role, step="", due_on=d.due_on)
        for d in decision.duties.values()
    ]
    direction = None if life.programme == "CPPP" else life.reference.partition("-")[2]
    row = SimpleNamespace(
        reference=life.reference, programme=life.programme, case="CASE1", direction=direction,
        monitoring_requested=life.terms.monitoring_requested,
    )  # fmt: skip
    facts = sorted(life.known(day(today)).facts, key=lambda fact: (fact.happened_on, fact.place))
    return court_paper(SimpleNamespace(loaded=SimpleNamespace(row=row), facts=facts, duties=duties), day(today))


def on_the_programme(weeks: int = 12) -> Life:
    life = Life(reference="DVPP-D1").add("2026-01-05", "violence_established", basis="found")
    life.add("2026-01-05", "survivor_plan_made").add("2026-01-06", "referral_sent", provider="P1")
    life.add("2026-01-07", "acknowledged", provider="P1").add("2026-01-20", "assessment_reported", result="accepted")
    life.add("2026-02-02", "programme_started", weeks=26)
    for week in range(1, weeks + 1):
        result = {4: "absent", 5: "not_held", 9: "absent"}.get(week, "attended")
        life.add(date(2026, 2, 2) + timedelta(weeks=week - 1), "weekly_attendance", week=week, result=result)
    return life


def test_nothing_is_drafted_while_the_court_waits_for_nothing():
    assert drafted(on_the_programme(), "2026-04-21") is None


def test_the_report_on_a_man_tells_the_register_in_one_line_and_the_reason_and_nothing_of_a_survivor():
    life = on_the_programme().add("2026-04-22", "dropped", reason="behaviour")
    paper = drafted(life, "2026-04-22")
    assert paper.startswith("Report with direction D1, DVPP, case CASE1\nDrafted 22 April 2026 for the court.")
    assert "reported for 12 weeks, attended in 9, absent in 2 (weeks 4, 9)" in paper
    assert "dropped from the programme: reason behaviour" in paper
    assert "survivor" not in paper
    assert paper.endswith("NOT SIGNED. Not to be sent.")


def test_a_signed_report_says_by_whom_and_when():
    life = on_the_programme().add("2026-04-22", "dropped", reason="behaviour")
    life.add("2026-04-24", "court_paper_signed", paper="report", signed_by="FCA1")
    assert drafted(life, "2026-04-24").endswith("Signed by FCA1 on 24 April 2026")


def test_the_advice_on_a_family_tells_criteria_and_consents_and_not_what_was_said_to_the_local_authority():
    life = Life(reference="CPPP-R1", route="adviser", entry="section_7")
    life.add("2026-01-05", "further_work_ordered", work="section_7").add("2026-01-06", "assessment_opened")
    for name in ("both_willing", "court_still_needed", "harmful_conflict", "safe_together"):
        life.add("2026-01-07", "criterion_assessed", criterion=name, met=True)
    life.add("2026-01-07", "la_referral_considered", referred=True, ground="child_in_need")
    life.add("2026-01-08", "suitability_decided", suitable=True).add("2026-01-09", "programme_offered")
    life.add("2026-01-12", "consent_given", party="PA").add("2026-01-13", "consent_given", party="PB")
    paper = drafted(life, "2026-01-13")
    assert paper.startswith("Advice and request for time under CPPP-R1, CPPP, case CASE1")
    assert "criterion safe together, met yes" in paper and "13 January 2026: consent given: party PB" in paper
    assert "local authority" not in paper and "child in need" not in paper
