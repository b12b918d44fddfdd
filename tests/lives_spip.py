"""Random lives of a SPIP pathway, in which people answer early, late or never, with anything that may come between."""

from datetime import date, timedelta

from hypothesis import strategies as st

from tests.life import Life

BEGIN = date(2026, 1, 5)
LATE = {"contact_attempted", "refused", "session_booked", "session_cancelled", "attendance_reported"}
"""What providers may report some days after it happened."""


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, date]:
    """A life, and the day it is looked at last."""
    life = Life(BEGIN, route=draw(st.sampled_from(["court", "adviser"])), monitoring=draw(st.booleans()))
    now, provider = BEGIN, ""

    def later(most: int) -> date:
        nonlocal now
        now += timedelta(days=draw(st.integers(0, most)))
        return now

    def maybe(chance: int) -> bool:
        return draw(st.integers(1, 100)) <= chance

    def between() -> None:
        if maybe(8):
            life.add(later(3), "risk_raised")
            if maybe(80):
                life.add(later(8), "risk_reviewed", decision="continue" if maybe(80) else "unsuitable")
        if maybe(8):
            life.add(later(3), "held", reason="court_request")
            if maybe(80):
                life.add(later(20), "released")
        if maybe(8):
            life.add(later(3), "hearing_listed", hearing_on=now + timedelta(days=draw(st.integers(1, 60))))
            if maybe(25):
                life.add(later(9), "hearing_vacated", hearing_on=life.facts[-1].hearing_on)
        if maybe(4):
            life.add(later(3), "withdrawn", reason="agreement_reached")
        if maybe(4):
            life.add(later(3), "suitability_decided", suitable=False)
        if provider and maybe(6):
            sent_anew()

    def sent_anew() -> None:
        """Commissioning takes the referral back, and another provider takes it."""
        nonlocal provider
        life.add(later(6), "referral_recalled", provider=provider, reason="no_answer")
        provider = "P2" if provider == "P1" else "P1"
        life.add(later(6), "referral_sent", provider=provider)
        if maybe(80):
            life.add(later(6), "acknowledged", provider=provider)

    life.add(later(10), "enquiries_done")
    life.add(later(5), "parent_spoken_to", party="PA").add(later(5), "parent_spoken_to", party="PB")
    between()
    provider = "P1"
    life.add(later(6), "referral_sent", provider=provider)
    if maybe(25):
        life.add(later(6), "referral_declined", provider=provider, reason="no_capacity")
        provider = "P2"
        life.add(later(6), "referral_sent", provider=provider)
    between()
    life.add(later(8), "acknowledged", provider=provider)
    for session in range(draw(st.integers(0, 4))):
        between()
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            life.add(later(4), "contact_attempted")
        if maybe(15):
            life.add(later(5), "refused")
        held = later(14) + timedelta(days=draw(st.integers(0, 25)))
        life.booked(now, f"S{session}", held)
        between()
        now = max(now, held)
        if maybe(10):
            life.add(
                later(4),
                "session_cancelled",
                session=f"S{session}",
                cancelled_by=draw(st.sampled_from(["provider", "person"])),
            )
            continue
        if maybe(15):
            break
        result = draw(st.sampled_from(["attended", "absent", "absent", "part"]))
        life.add(later(12), "attendance_reported", session=f"S{session}", result=result)
        if maybe(30):
            life.add(later(9), "breach_decided", decision=draw(st.sampled_from(["retry", "no_report", "report"])))
            if maybe(60):
                life.add(later(6), "court_paper_signed", signed_by="FCA1")
                if maybe(70):
                    life.add(later(20), "court_result", result=draw(st.sampled_from(["reordered", "ended"])))
    if maybe(40):
        life.add(later(25), "next_step_taken", step="girfc")
    return some_of_it_reported_late(life, draw), later(40)


def some_of_it_reported_late(life: Life, draw: st.DrawFn) -> Life:
    """The same things, in the order in which they became known."""
    late = [draw(st.sampled_from([0, 0, 0, 2, 15])) if fact.kind in LATE else 0 for fact in life.facts]
    reports = [(fact.recorded_on + timedelta(days=days), fact) for fact, days in zip(life.facts, late, strict=True)]
    told = Life(BEGIN, monitoring=life.terms.monitoring_requested, **life.facts[0].payload)
    for recorded, fact in sorted(reports[1:], key=lambda report: report[0]):
        told.add(fact.happened_on, fact.kind, recorded, **fact.payload)
    return told
