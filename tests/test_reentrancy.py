"""The promise: run it on whatever days the machine happened to be up, and in the end all is as if it had run every day.

Random lives of a SPIP pathway are told to two databases: one goes round every day, the other only on some. At the end
the standing, the duties and the notices must be the same; of chases, the one that is current replaces a backlog.
"""

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.working_days import add_working_days
from tests.life import Life
from tests.world import World

BEGIN = date(2026, 1, 5)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking a life that goes through a database a hundred times takes minutes; the one found is small enough to read."""


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, date]:
    """A life in which people answer early, late or never, with anything that may come between."""
    life = Life(BEGIN, route=draw(st.sampled_from(["court", "adviser"])), monitoring=draw(st.booleans()))
    now = BEGIN

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
        if maybe(4):
            life.add(later(3), "withdrawn", reason="agreement_reached")

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
    return life, later(40)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(lives(), st.data())
def test_running_on_some_days_ends_as_running_every_day(given_life: tuple[Life, date], data: st.DataObject) -> None:
    life, end = given_life
    days = [BEGIN + timedelta(days=n) for n in range((end - BEGIN).days + 1)]
    some = {*data.draw(st.sets(st.sampled_from(days))), end}
    every_day, now_and_then = World.of(life), World.of(life)
    for today in days:
        every_day.go(today)
        if today in some:
            now_and_then.go(today)
    assert now_and_then.standing() == every_day.standing()
    assert now_and_then.duties() == every_day.duties()
    assert now_and_then.notices() == every_day.notices()
    assert now_and_then.rungs() == every_day.rungs()
    chased_daily = every_day.chases()
    assert all(len(steps) <= len(chased_daily[duty]) for duty, steps in now_and_then.chases().items())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(lives())
def test_advancing_twice_changes_nothing(given_life: tuple[Life, date]) -> None:
    life, end = given_life
    world = World.of(life)
    world.go(end)
    before = world.everything()
    world.go(end)
    assert world.everything() == before


@settings(max_examples=200, deadline=None)
@given(lives())
def test_a_life_is_never_complete_without_a_report_of_attendance(given_life: tuple[Life, date]) -> None:
    """SR-21, over random lives and long after their end."""
    life, end = given_life
    decision = life.on(add_working_days(end, 400))
    attended = any(f.kind == "attendance_reported" and f.result == "attended" for f in life.facts)
    assert attended or decision.standing.state != "closed_completed"
