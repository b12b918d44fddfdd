"""The promise: run it on whatever days the machine happened to be up, and in the end all is as if it had run every day.

Random lives of a pathway are told to two databases: one goes round every day, the other only on some. At the end the
standing, the duties and the notices must be the same; of chases, the one that is current replaces a backlog.
"""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.standing import Decision
from models.working_days import add_working_days
from tests import lives_cppp, lives_dvpp, lives_spip
from tests.life import Life
from tests.world import World

LIVES = {"SPIP": lives_spip.lives, "DVPP": lives_dvpp.lives, "CPPP": lives_cppp.lives}
"""Random lives of each programme: each with the day it is looked at last."""
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking a life that goes through a database a hundred times takes minutes; the one found is small enough to read."""
EVERY_PROGRAMME = pytest.mark.parametrize("programme", sorted(LIVES))


@EVERY_PROGRAMME
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(st.data())
def test_running_on_some_days_ends_as_running_every_day(programme: str, data: st.DataObject) -> None:
    life, end = data.draw(LIVES[programme]())
    days = [life.requested + timedelta(days=n) for n in range((end - life.requested).days + 1)]
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


@EVERY_PROGRAMME
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(st.data())
def test_advancing_twice_changes_nothing(programme: str, data: st.DataObject) -> None:
    life, end = data.draw(LIVES[programme]())
    world = World.of(life)
    world.go(end)
    before = world.everything()
    world.go(end)
    assert world.everything() == before


@EVERY_PROGRAMME
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(st.data())
def test_nothing_that_was_said_is_ever_unsaid(programme: str, data: st.DataObject) -> None:
    """On every day, what was owed or told on a day before it is owed or told still, or was at its time."""
    life, end = data.draw(LIVES[programme]())
    said: dict[tuple[str, ...], date] = {}
    today = life.requested
    while today <= end:
        decision = life.on(today)
        now_said = sayings(decision)
        unsaid = {saying: day.isoformat() for saying, day in said.items() if saying not in now_said}
        assert not unsaid, f"on {today}, of what was said first on these days"
        said = {saying: said.get(saying, today) for saying in now_said}
        recorded = [fact.recorded_on for fact in life.facts if fact.recorded_on > today]
        today = min([*recorded, *filter(None, [decision.look_on]), end + timedelta(days=1)])


def sayings(decision: Decision) -> set[tuple[str, ...]]:
    # Who owes it may change, as when a family is given to another practitioner; in what office may not.
    owed = {(d.owed_by.role, d.key, d.opened_on.isoformat()) for d in decision.duties.values()}
    return owed | {(str(notice.to), notice.occasion) for notice in decision.notices}


@settings(max_examples=200, deadline=None)
@given(lives_spip.lives())
def test_a_life_is_never_complete_without_a_report_of_attendance(given_life: tuple[Life, date]) -> None:
    """SR-21, over random lives and long after their end."""
    life, end = given_life
    decision = life.on(add_working_days(end, 400))
    attended = any(f.kind == "attendance_reported" and f.result == "attended" for f in life.facts)
    assert attended or decision.standing.state != "closed_completed"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives_dvpp.lives())
def test_a_programme_is_never_complete_without_a_final_report_that_says_so(given_life: tuple[Life, date]) -> None:
    """SR-21, over random lives and long after their end."""
    life, end = given_life
    decision = life.on(add_working_days(end, 400))
    completed = any(f.kind == "final_reported" and f.outcome == "completed" for f in life.facts)
    assert completed or decision.standing.state != "closed_completed"
