"""The chase ladder (m03): which step of it a late duty stands on, and on which day to look again.

Pure reckoning in working days from the due date. After days on which nobody chased, the step that is current goes out
once; those it passed by are not made up for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.limits import Limits, Step
from models.working_days import add_working_days


@dataclass(frozen=True)
class Climb:
    """A duty on its ladder: what it is, by when it is due, and how far it has climbed."""

    kind: str
    due_on: date
    hearing_on: date | None = None
    step: str | None = None
    hearing_step_on: date | None = None


def steps_due(limits: Limits, climb: Climb, today: date) -> list[Step]:
    """The steps to send today: the highest rung reached and not yet sent, and the hearing's own."""
    reached = [step for step in _ahead(limits, climb) if _on(step, climb) <= today]
    current = reached[-1:]
    hearing = _hearing_day(limits, climb)
    if hearing is None or hearing > today:
        return current
    passed = _rung_of_hearing(limits, climb)
    return [limits.at_hearing, *(step for step in current if _index(limits, climb, step.step) > passed)]


def next_day(limits: Limits, climb: Climb) -> date | None:
    """The first day on which a step is due; None when the ladder has nothing more."""
    rung = next((_on(step, climb) for step in _ahead(limits, climb)), None)
    return min(filter(None, (rung, _hearing_day(limits, climb))), default=None)


def climbed(limits: Limits, climb: Climb, sent: Sequence[Step], today: date) -> Climb:
    """Where the duty stands once these steps are sent. The hearing's counts as the rung that marks the contract."""
    ladder = limits.ladder(climb.kind)
    indexes = [_index(limits, climb, climb.step)]
    hearing_step_on = climb.hearing_step_on
    for step in sent:
        if step is limits.at_hearing:
            hearing_step_on = today
            indexes.append(_rung_of_hearing(limits, climb))
        else:
            indexes.append(_index(limits, climb, step.step))
    highest = max(indexes)
    return Climb(
        climb.kind, climb.due_on, climb.hearing_on, ladder[highest].step if highest >= 0 else None, hearing_step_on
    )


def _on(step: Step, climb: Climb) -> date:
    return add_working_days(climb.due_on, step.at)


def _index(limits: Limits, climb: Climb, step: str | None) -> int:
    names = [rung.step for rung in limits.ladder(climb.kind)]
    return names.index(step) if step in names else -1


def _rung_of_hearing(limits: Limits, climb: Climb) -> int:
    return next(i for i, step in enumerate(limits.ladder(climb.kind)) if step.marks_contract)


def _ahead(limits: Limits, climb: Climb) -> tuple[Step, ...]:
    return limits.ladder(climb.kind)[_index(limits, climb, climb.step) + 1 :]


def _hearing_day(limits: Limits, climb: Climb) -> date | None:
    """The next day for the step a near hearing brings (m03 H): once the duty is late, and again every few days."""
    if climb.hearing_on is None or not limits.jumps_at_hearing(climb.kind):
        return None
    near = add_working_days(climb.hearing_on, -limits.hearing_within)
    day = max(near, add_working_days(climb.due_on, limits.at_hearing.at))
    if climb.hearing_step_on:
        day = max(day, add_working_days(climb.hearing_step_on, limits.repeat))
    return day if day <= climb.hearing_on else None
