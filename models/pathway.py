"""What a pathway function is given, and what it may say.

A pathway function is told what is known (facts) and what day it is. It says what is owed, who must be told and where
the pathway stands, always from the beginning and always the same way, so it may be run at any time and any number of
times. It ends by waiting for something or by closing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NoReturn, TypeVar

from models.facts import Fact
from models.facts.case import HearingListed, HearingVacated, RiskRaised
from models.facts.every import LetterSent, Requested, RiskReviewed
from models.facts.referral import ReferralDeclined, ReferralRecalled, ReferralSent
from models.standing import Decision, Duty, Known, Notice, Standing, Who
from models.working_days import Pause, add_working_days, working_days_after

F = TypeVar("F", bound=Fact)


class _Stands(Exception):
    def __init__(self, standing: Standing) -> None:
        self.standing = standing


class StoryError(Exception):
    """A pathway function came to its end without waiting for anything and without closing."""


class Pathway:
    """One run of a programme for one person, as its function sees it on one day."""

    def __init__(self, known: Known, today: date) -> None:
        self.known = known
        self.reference = known.reference
        self.today = today
        self.facts = sorted(known.facts, key=lambda fact: (fact.happened_on, fact.place))
        self.pauses: list[Pause] = []
        self.duties: dict[str, Duty] = {}
        self.notices: dict[tuple[str, str], Notice] = {}
        self._look: date | None = None
        self._hearings: set[date] | None = None
        self._pause: Standing | None = None
        self._end: tuple[Fact, str, str, str | None] | None = None
        people = known.people
        self.adviser = Who("adviser", people.adviser)
        self.commissioning = Who("commissioning_officer", people.commissioning_officer)
        self.commissioning_manager = Who("commissioning_manager", people.commissioning_manager)
        self.business_support = Who("business_support", people.business_support)

    # What is known ---------------------------------------------------------------------------------------------------

    def all(self, *kinds: type[F], after: Fact | None = None, **matching: Any) -> list[F]:
        """The facts of these kinds in the order they happened, later than `after`, with the fields given."""
        facts = self.facts[self.facts.index(after) + 1 :] if after else self.facts
        found = [fact for fact in facts if isinstance(fact, kinds)]
        if matching:
            found = [fact for fact in found if all(getattr(fact, k) == v for k, v in matching.items())]
        return found

    def first(self, *kinds: type[F], after: Fact | None = None, **matching: Any) -> F | None:
        return next(iter(self.all(*kinds, after=after, **matching)), None)

    def last(self, *kinds: type[F], before: Fact | None = None, **matching: Any) -> F | None:
        earlier = self.facts[: self.facts.index(before)] if before else self.facts
        return next((fact for fact in reversed(self.all(*kinds, **matching)) if fact in earlier), None)

    @property
    def request(self) -> Requested:
        request = self.first(Requested)
        if request is None:
            raise StoryError(f"{self.reference} has no request")
        return request

    @property
    def court_ordered(self) -> bool:
        return self.request.route == "court"

    @property
    def monitoring_requested(self) -> bool:
        """Whether the court asked Cafcass to watch and report compliance (section 11G): a flag on the order."""
        return self.court_ordered and self.known.monitoring_requested

    @property
    def provider(self) -> Who | None:
        """Who holds the referral."""
        return self.holder(self.facts)

    def holder(self, facts: Sequence[Fact]) -> Who | None:
        """Who held the referral when these facts were all that was known: whoever it went to last and has kept it."""
        held: Who | None = None
        for fact in facts:
            if isinstance(fact, ReferralSent):
                held = Who("provider", fact.provider)
            elif isinstance(fact, (ReferralDeclined, ReferralRecalled)) and held and held.code == fact.provider:
                held = None
        return held

    def number(self, name: str) -> int:
        return self.known.limits.number(name)

    def next_hearing(self, after: date) -> date | None:
        """The first listed and not vacated hearing later than a day."""
        if self._hearings is None:
            vacated = {fact.hearing_on for fact in self.all(HearingVacated)}
            self._hearings = {fact.hearing_on for fact in self.all(HearingListed)} - vacated
        return min((day for day in self._hearings if day > after), default=None)

    # Reckoning -------------------------------------------------------------------------------------------------------

    def within(self, limit: str, of: Fact | date) -> date:
        """The due date of a limit that runs from a fact or a day. Days on hold do not count."""
        start = of.happened_on if isinstance(of, Fact) else of
        return self.known.limits.spans[limit].after(start, self.pauses)

    def _within_whatever_is_held(self, limit: str, day: date) -> date:
        """The due date of what a hold does not stop: its own review, and letters."""
        return self.known.limits.spans[limit].after(day)

    def before_hearing(self, due: date, opened: date) -> date:
        """`due`, or the earlier day that leaves time before the next hearing (m01), never before `opened`."""
        hearing = self.next_hearing(opened)
        if hearing is None:
            return due
        leaves_time = add_working_days(hearing, -self.known.limits.spans["before_hearing"].count)
        return max(opened, min(due, leaves_time))

    def passed(self, day: date) -> bool:
        """Whether a day lies behind us; if not, the pathway will be looked at again on the day after it."""
        if self.today > day:
            return True
        self._look_again(day + timedelta(days=1))
        return False

    def _look_again(self, day: date) -> None:
        self._look = min(filter(None, (self._look, day)), default=None)

    # At any point ----------------------------------------------------------------------------------------------------

    def ends_with(
        self, kind: type[Fact], state: str, reason: str | None = None, told: str = "referral-withdrawn", **matching: Any
    ) -> None:
        """A fact of `kind` ends the pathway wherever it stands; `told` is what its provider is told then.

        What was recorded after the end is left out, so that the story is told as it stood then.
        """
        ends = [fact for fact in self.all(kind, **matching) if fact.place > self.request.place]
        end = min(ends, key=_recorded, default=None)
        if end is None:
            return
        self._end = (end, state, reason or getattr(end, "reason", ""), told)
        self.facts = [f for f in self.facts if _recorded(f) <= _recorded(end) or isinstance(f, Requested)]
        self._hearings = None
        self.today = min(self.today, end.recorded_on)

    def pauses_for(
        self, kind: type[Fact], until: type[Fact], *, state: str, duty: str, told: str | None = None, **lifting: Any
    ) -> None:
        """From a fact of `kind` until one of `until`, clocks stop and the pathway waits for its adviser's review.

        The review has the limit of its own name. The provider that holds the referral is told to wait, not why.
        """
        for cause in self.all(kind):
            later = [fact for fact in self.all(until) if fact.place > cause.place]
            due = self._within_whatever_is_held(duty, cause.recorded_on)
            owed = self._owe(duty, cause, self.adviser, due, cause.recorded_on, next(iter(later), None))
            owed.reviews = True
            lifted = next((f for f in later if all(getattr(f, k) == v for k, v in lifting.items())), None)
            # What is on hold still is said even where it was known before: nobody may work on under it.
            if told:
                self.tell(self.adviser, told, about=cause, anyway=not lifted)
            self._tell_holder(cause, lifted)
            if lifted:
                self.pauses.append((cause.recorded_on, lifted.recorded_on))
            elif self._pause is None:
                self._pause_for(state, owed)

    def _tell_holder(self, cause: Fact, lifted: Fact | None = None) -> None:
        """Tell the provider that held the referral when a pause began to wait, and when it may go on."""
        holder = self.holder([fact for fact in self.facts if fact.place < cause.place])
        if holder:
            self.tell(holder, "referral-paused", about=cause, anyway=not lifted)
            if lifted:
                self.tell(holder, "referral-resumed", about=lifted)

    def tell_holder_to_wait(self, about: Fact) -> None:
        """Tell whoever holds the referral to hold no session under it: what it rests on is gone."""
        if self.provider:
            self.tell(self.provider, "referral-paused", about=about, anyway=True)

    def _pause_for(self, state: str, review: Duty) -> None:
        """Stand on hold; when the review said no, the adviser still owes the court's variation of the order."""
        if review.fact:
            due = self._within_whatever_is_held("court_result", review.fact.recorded_on)
            review = self._owe("court_variation", review.fact, self.adviser, due, review.fact.recorded_on, None)
        review.reviews = True
        self._pause = Standing(
            state, f"On hold: awaiting {review.label}", review.opened_on, self.adviser, review.due_on
        )
        self.today = min(self.today, review.opened_on)

    # What is owed, what is said --------------------------------------------------------------------------------------

    def owe(
        self,
        duty: str,
        *kinds: type[Fact],
        by: Who,
        due: date,
        after: Fact,
        opened: date | None = None,
        met: Fact | None = None,
        **matching: Any,
    ) -> Duty:
        """Record what somebody owes from `after` on, and the fact that answers it if it has come.

        The answer is the first later fact of `kinds`, or `met` where no single kind of fact answers it.
        """
        met = met or (self.first(*kinds, after=after, **matching) if kinds else None)
        return self._owe(duty, after, by, due, opened or after.happened_on, met)

    def _owe(
        self, kind: str, anchor: Fact, by: Who, due: date, opened: date, met: Fact | None, outlives: bool = False
    ) -> Duty:
        duty = Duty(
            f"{kind}:{anchor.place}",
            kind,
            by,
            opened,
            due,
            self.next_hearing(self.today - timedelta(days=1)),
            outlives=outlives,
        )
        if met:
            duty.fact, duty.state, duty.closed_on = met, "met", met.recorded_on
        self.duties[duty.key] = duty
        return duty

    def lapsed(self, duty: Duty) -> bool:
        """Whether a duty's day passed before it was met; so it stays, even when it was met later."""
        return duty.closed_on > duty.due_on if duty.closed_on else self.passed(duty.due_on)

    def drop(self, duty: Duty) -> None:
        """Nobody owes this any more from the day after it was due, unless it was met after all."""
        if not duty.fact:
            duty.state, duty.closed_on = "dropped", duty.due_on + timedelta(days=1)

    def wait_for(self, duty: str, *kinds: type[Fact], state: str, by: Who, due: date, after: Fact, **more: Any) -> Fact:
        """The fact that answers a duty; the pathway stands here until it comes."""
        owed = self.owe(duty, *kinds, by=by, due=due, after=after, **more)
        return owed.fact or self.stand(state, owed)

    @property
    def at_risk(self) -> bool:
        """Whether a new risk on the case still waits for the adviser's review of this pathway (SR-14)."""
        raised = max((fact.place for fact in self.all(RiskRaised)), default=0)
        released = max((fact.place for fact in self.all(RiskReviewed, decision="continue")), default=0)
        return raised > released

    def stand(self, state: str, owed: Duty, label: str | None = None) -> NoReturn:
        """Stop here, waiting for a duty to be met."""
        raise _Stands(Standing(state, label or f"Awaiting {owed.label}", owed.opened_on, owed.owed_by, owed.due_on))

    def wait_until(self, day: date, state: str, label: str, on: Who, since: date) -> None:
        """Stop here until the day after `day`; nobody owes anything meanwhile."""
        if not self.passed(day):
            raise _Stands(Standing(state, f"Awaiting {label}", since, on, day))

    def tell(
        self, who: Who, wording: str, about: Fact, *, anyway: bool = False, overtaken: bool = False, **fields: Any
    ) -> None:
        """Tell somebody something once. Fields are references, codes and dates, never a name or free text (SR-12).

        Nothing is sent of what people knew before it came to us, unless `anyway`, nor of what events have overtaken.
        """
        withheld = "told already" if about.told_already and not anyway else "overtaken" if overtaken else None
        occasion = f"{wording}:{about.place}"
        notice = Notice(who, wording, occasion, fields, withheld, about.recorded_on)
        self.notices.setdefault((who.role, occasion), notice)

    def letter(self, letter: str, about: Fact) -> None:
        """A letter task for staff: parents get letters, never automatic mail (N02)."""
        if about.told_already:
            return
        sent = next((f for f in self.known.facts if isinstance(f, LetterSent) and f.letter == letter), None)
        due = self._within_whatever_is_held("letter", about.recorded_on)
        kind = f"letter_{letter.replace('-', '_')}"
        self._owe(kind, about, self.business_support, due, about.recorded_on, sent, outlives=True)

    def close(self, state: str, reason: str, on: date | Fact) -> NoReturn:
        """The pathway is over, for a reason of m05."""
        day = on.recorded_on if isinstance(on, Fact) else on
        raise _Stands(Standing(state, f"Closed: {reason.replace('_', ' ')}", day, reason=reason))


def _recorded(fact: Fact) -> tuple[datetime, int]:
    return fact.recorded_at, fact.id


def decide(story: Callable[[Pathway], None], known: Known, today: date) -> Decision:
    """Ask a pathway function where one pathway stands today, and all that follows from it."""
    p = Pathway(known, today)
    try:
        story(p)
    except _Stands as stood:
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
    )


def _interrupted(p: Pathway, standing: Standing) -> Standing:
    """Where the pathway stands when an end or a pause has come over the story."""
    if p._end:
        end, state, reason, told = p._end
        if p.provider and told:
            p.tell(p.provider, told, about=end)
            p.letter("referral-ended", about=end)
        return Standing(state, f"Closed: {reason.replace('_', ' ')}", end.recorded_on, reason=reason)
    return p._pause or standing


def _nothing_after(p: Pathway, closed_on: date) -> None:
    """What was recorded after a pathway closed by itself is neither owed nor said."""
    p.duties = {key: duty for key, duty in p.duties.items() if duty.opened_on <= closed_on or duty.outlives}
    p.notices = {key: notice for key, notice in p.notices.items() if notice.since <= closed_on}


def _still_waiting(p: Pathway, standing: Standing) -> None:
    """Nobody is told to go on while something else still holds the pathway, or when another has the referral by now."""
    held = standing is p._pause or standing.state == "safeguarding_hold"
    for key, notice in p.notices.items():
        if notice.wording == "referral-resumed" and not notice.withheld and (held or notice.to != p.provider):
            p.notices[key] = replace(notice, withheld="overtaken")


def _settle(p: Pathway, standing: Standing) -> None:
    """Drop what a closed pathway no longer owes; stop the clocks of a paused one."""
    for duty in p.duties.values():
        if duty.state != "open":
            continue
        if standing.closed and not duty.outlives:
            duty.state, duty.closed_on = "dropped", standing.since
        elif p._pause and standing is p._pause:
            duty.paused = duty.stops
        duty.counts_from = _moved_on(duty.due_on, p.pauses if duty.stops else ())


def _moved_on(due: date, pauses: Sequence[Pause]) -> date:
    """A due date, moved on by the working days of pauses that came after it."""
    held = sum(max(0, working_days_after(max(begun, due), ended)) for begun, ended in pauses if ended > due)
    return add_working_days(due, held)


def _look_on(p: Pathway, standing: Standing, today: date) -> date | None:
    """The first day the answer may change by itself: a date the story asked about, or the day after a hearing."""
    if standing.closed:
        return None
    if standing is p._pause:
        p._look = None
    hearing = p.next_hearing(today - timedelta(days=1))
    if hearing:
        p._look_again(hearing + timedelta(days=1))
    return p._look
