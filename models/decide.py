"""Asking a pathway function where a pathway stands, and what follows when an end or a pause has come over its story."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from models.facts import Fact
from models.facts.case import ProceedingsEnded
from models.facts.every import CourtPaperSigned, Withdrawn
from models.pathway import Pathway, Stands, StoryError, known_at
from models.standing import Decision, Duty, Known, Standing
from models.working_days import Pause, add_working_days, working_days_after


def decide(story: Callable[[Pathway], None], known: Known, today: date) -> Decision:
    """Ask a pathway function where one pathway stands today, and all that follows from it."""
    p = Pathway(known, today)
    try:
        story(p)
    except Stands as stood:
        standing = stood.standing
    else:
        raise StoryError(f"{known.reference}: {story.__name__} neither waited nor closed")
    if standing.closed:
        _nothing_after(p, standing.since)
    else:
        standing = _interrupted(p, standing)
    _settle(p, standing)
    _still_waiting(p, standing)
    if nobody := next((duty.key for duty in p.duties.values() if duty.owed_by is None), None):
        raise StoryError(f"{known.reference}: nobody owes {nobody}")
    return Decision(
        standing=standing,
        duties=p.duties,
        notices=list(p.notices.values()),
        look_on=_look_on(p, standing, today),
        provider=p.provider.code if p.provider else None,
        spawned=p.spawned,
    )


def _interrupted(p: Pathway, standing: Standing) -> Standing:
    """Where the pathway stands when an end or a pause has come over the story."""
    end = p.end
    if end is None:
        return p.pause or standing
    if p.provider:
        p.tell(p.provider, "referral-withdrawn", about=end.fact)
        p.letter("referral-ended", about=end.fact)
    note = _court_note(p, end.fact) if end.court_told else None
    if note and not note.fact:
        return Standing(standing.state, f"Awaiting {note.label}", note.opened_on, note.owed_by, note.due_on)
    closed_on = note.fact.recorded_on if note else end.fact.recorded_on
    return Standing(end.state, f"Closed: {end.reason.replace('_', ' ')}", closed_on, reason=end.reason)


def _court_note(p: Pathway, end: Fact) -> Duty:
    """The note that tells the court why it ended, signed by the adviser (SR-13); not once proceedings are over."""
    later = sorted((f for f in p.known.facts if known_at(f) > known_at(end)), key=known_at)
    answers = (CourtPaperSigned, ProceedingsEnded, Withdrawn)
    signed = next((f for f in later if isinstance(f, answers) and getattr(f, "paper", "note") == "note"), None)
    due = p.within_whatever_is_held("court_note", end.recorded_on)
    p.tell(p.adviser, "paper-to-sign", about=end, paper="note", due=due, overtaken=bool(signed))
    return p.owe("court_note", by=p.adviser, due=due, after=end, opened=end.recorded_on, met=signed)


def _nothing_after(p: Pathway, closed_on: date) -> None:
    """What was recorded after a pathway closed by itself is neither owed nor said."""
    p.duties = {key: duty for key, duty in p.duties.items() if duty.opened_on <= closed_on or duty.outlives}
    p.notices = {key: notice for key, notice in p.notices.items() if notice.since <= closed_on or notice.outlives}


def _still_waiting(p: Pathway, standing: Standing) -> None:
    """Nobody is told to go on while something else still holds the pathway, or when another has the referral by now."""
    held = standing is p.pause or standing.state == "safeguarding_hold"
    for key, notice in p.notices.items():
        if notice.wording == "referral-resumed" and not notice.withheld and (held or notice.to != p.provider):
            p.notices[key] = notice._replace(withheld="overtaken")


def _settle(p: Pathway, standing: Standing) -> None:
    """Drop what a closed pathway no longer owes; stop the clocks of a paused one."""
    ends = (p.end and p.end.fact.recorded_on, standing.closed and standing.since)
    over = min(filter(None, ends), default=None)
    for duty in p.duties.values():
        if duty.state != "open":
            continue
        if over and not duty.outlives and duty.kind != "court_note":
            duty.state, duty.closed_on = "dropped", over
        elif p.pause and standing is p.pause:
            duty.paused = duty.stops
        duty.counts_from = _moved_on(duty.due_on, p.pauses if duty.stops else ())


def _moved_on(due: date, pauses: Sequence[Pause]) -> date:
    """A due date, moved on by the working days of pauses that came after it."""
    held = sum(max(0, working_days_after(max(begun, due), ended)) for begun, ended in pauses if ended > due)
    return add_working_days(due, held)


def _look_on(p: Pathway, standing: Standing, today: date) -> date | None:
    """The first day the answer may change by itself: a date the story asked about, or the day after a hearing."""
    if standing.closed or p.end:
        return None
    if standing is p.pause:
        p.look = None
    hearing = p.facts.hearing_from(today)
    if hearing:
        p.look_again(hearing + timedelta(days=1))
    return p.look
