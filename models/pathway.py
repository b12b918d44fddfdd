"""What a pathway function is given, and what it may say.

A pathway function is told what is known (facts) and what day it is. It says what is owed, who must be told and where
the pathway stands, always from the beginning and always the same way, so it may be run at any time and any number of
times. It ends by waiting for something or by closing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from models.facts import Fact
from models.facts.case import HearingListed, HearingVacated, RiskRaised
from models.facts.every import LetterSent, Requested, RiskReviewed
from models.history import History, in_order
from models.standing import Duty, Known, Notice, Spawn, Standing, Who
from models.working_days import Pause, add_days, add_working_days

F = TypeVar("F", bound=Fact)


class Stands(Exception):
    def __init__(self, standing: Standing) -> None:
        self.standing = standing


class StoryError(Exception):
    """A pathway function came to its end without waiting for anything and without closing."""


def _who(role: str) -> Any:
    return property(lambda p: Who(role, getattr(p.known.people, role)))


class Pathway:
    """One run of a programme for one person, as its function sees it on one day."""

    def __init__(self, known: Known, today: date) -> None:
        self.known = known
        self.reference = known.reference
        self.today = today
        self.facts = History(known.facts)
        self.pauses: list[Pause] = []
        self.duties: dict[str, Duty] = {}
        self.notices: dict[tuple[str, str], Notice] = {}
        self.spawned: list[Spawn] = []
        self.look: date | None = None
        self.pause: Standing | None = None
        self.end: End | None = None

    adviser = _who("adviser")
    commissioning = _who("commissioning_officer")
    commissioning_manager = _who("commissioning_manager")
    service_manager = _who("service_manager")
    business_support = _who("business_support")
    research_analyst = _who("research_analyst")

    # What is known ---------------------------------------------------------------------------------------------------

    def all(self, *kinds: type[F], after: Fact | None = None, **matching: Any) -> list[F]:
        """The facts of these kinds in the order they happened, later than `after`, with the fields given."""
        return list(self._each(kinds, after, matching))

    def first(self, *kinds: type[F], after: Fact | None = None, **matching: Any) -> F | None:
        found = self._each(kinds, after, matching)
        return found[0] if found else None

    def last(self, *kinds: type[F], before: Fact | None = None, **matching: Any) -> F | None:
        found = self._each(kinds, None, matching)
        earlier = [fact for fact in found if in_order(fact) < in_order(before)] if before else found
        return earlier[-1] if earlier else None

    def _each(self, kinds: tuple[type[F], ...], after: Fact | None, matching: dict[str, Any]) -> Sequence[F]:
        found = self.facts.of(*kinds)
        if not found:
            return found
        if after is not None:
            since = in_order(after)
            found = [fact for fact in found if in_order(fact) > since]
        for name, value in matching.items():
            found = [fact for fact in found if getattr(fact, name) == value]
        return found

    def recorded(self, *kinds: type[F], since: Fact | None = None, **matching: Any) -> list[F]:
        """The facts of these kinds in the order they became known, since `since` did: what comes later moves none."""
        known = sorted(self.all(*kinds, **matching), key=known_at)
        return [fact for fact in known if known_at(fact) > known_at(since)] if since else known

    def versions(self, fact: F) -> list[F]:
        """A fact as it was first recorded, and corrected since, in order; itself the last."""
        earlier = [f for f in self.known.corrected if f.place == fact.place and isinstance(f, type(fact))]
        return [*sorted(earlier, key=known_at), fact]

    @cached_property
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
        return self.court_ordered and self.known.terms.monitoring_requested

    @property
    def provider(self) -> Who | None:
        """Who holds it: the provider it was referred to, or the practitioner it was given to."""
        return self.facts.holder

    def held_by(self, when: Fact) -> Who | None:
        """Who held it when a fact became known."""
        return self._known_with(when, self.facts).holder

    def _known_with(self, when: Fact, of: Iterable[Fact]) -> History:
        """What was known of some facts when one became known, that one included."""
        then = known_at(when)
        return History(fact for fact in of if known_at(fact) <= then)

    def number(self, name: str) -> int:
        return self.known.limits.number(name)

    def named(self, name: str) -> list[Any]:
        """A list of the limits file."""
        return self.known.limits.lists[name]

    # Reckoning -------------------------------------------------------------------------------------------------------

    def within(self, limit: str, of: Fact | date) -> date:
        """The due date of a limit that runs from a fact or a day. Days on hold do not count."""
        start = of.happened_on if isinstance(of, Fact) else of
        return self.known.limits.spans[limit].after(start, self.pauses)

    def weeks_after(self, count: int, of: Fact | date) -> date:
        """The day so many weeks after a fact or a day, on the same day of the week. Days on hold do not count."""
        start = of.happened_on if isinstance(of, Fact) else of
        return add_days(start, 7 * count, self.pauses)

    def within_whatever_is_held(self, limit: str, day: date) -> date:
        """The due date of what a hold does not stop: its own review, and letters."""
        return self.known.limits.spans[limit].after(day)

    def before_hearing(self, due: date, opened: date) -> date:
        """`due`, or the earlier day that leaves time before the next hearing (m01), never before `opened`."""
        return self._leaving_time(due, opened, self.facts.hearing_after(opened))

    def _leaving_time(self, due: date, opened: date, hearing: date | None) -> date:
        if hearing is None:
            return due
        leaves_time = add_working_days(hearing, -self.known.limits.spans["before_hearing"].count)
        return max(opened, min(due, leaves_time))

    def due_as_known(self, limit: str, of: Fact, when: Fact) -> date:
        """The due date of a limit before the next hearing, by the holds and hearings that were known with a fact."""
        pauses = [pause for pause in self.pauses if pause[1] <= when.recorded_on]
        due = self.known.limits.spans[limit].after(of.happened_on, pauses)
        hearings = self._known_with(when, self.facts.of(HearingListed, HearingVacated))
        return self._leaving_time(due, of.happened_on, hearings.hearing_after(of.happened_on))

    def passed(self, day: date) -> bool:
        """Whether a day lies behind us; if not, the pathway will be looked at again on the day after it."""
        if self.today > day:
            return True
        self.look_again(day + timedelta(days=1))
        return False

    def look_again(self, day: date) -> None:
        self.look = min(self.look or day, day)

    # At any point ----------------------------------------------------------------------------------------------------

    def ends_with(
        self,
        kind: type[Fact],
        state: str,
        reason: str | None = None,
        *,
        before: Fact | None = None,
        since: Fact | None = None,
        court_told: bool = False,
        **matching: Any,
    ) -> None:
        """A fact of `kind` ends the pathway wherever it stands; one recorded before or since another, where given.

        Where the court must be told, it closes only once the adviser has signed the note. What was recorded after the
        end is left out, so that the story is told as it stood then.
        """
        found = self.all(kind, **matching)
        if not found:
            return
        ends = [fact for fact in found if fact.place > self.request.place]
        ends = [f for f in ends if not before or known_at(f) < known_at(before)]
        end = min((f for f in ends if not since or known_at(f) > known_at(since)), key=known_at, default=None)
        if end is None:
            return
        self.end = End(end, state, reason or getattr(end, "reason", ""), court_told)
        self.facts = History(f for f in self.facts if known_before(f, end) or isinstance(f, Requested))
        self.today = min(self.today, end.recorded_on)

    @property
    def ending(self) -> Fact | None:
        """What has ended it, if something has come over the story."""
        return self.end and self.end.fact

    def pauses_for(
        self,
        kind: type[Fact],
        until: type[Fact],
        *,
        state: str,
        duty: str,
        told: str | None = None,
        before: Fact | None = None,
        **lifting: Any,
    ) -> None:
        """From a fact of `kind` until one of `until`, clocks stop and the pathway waits for its adviser's review.

        The review has the limit of its own name. The provider that holds the referral is told to wait, not why.
        """
        for cause in self.all(kind):
            if before and known_at(cause) > known_at(before):
                continue
            later = sorted((fact for fact in self.all(until) if fact.place > cause.place), key=known_at)
            due = self.within_whatever_is_held(duty, cause.recorded_on)
            owed = self._owe(duty, cause, self.adviser, due, cause.recorded_on, next(iter(later), None))
            owed.reviews = True
            lifted = next((f for f in later if all(getattr(f, k) == v for k, v in lifting.items())), None)
            if owed.fact and owed.fact is not lifted:
                owed = self._variation(owed.fact, met=lifted)
            # What is on hold still is said even where it was known before: nobody may work on under it.
            if told:
                self.tell(self.adviser, told, about=cause, anyway=not lifted)
            self._tell_holder(cause, lifted)
            if lifted:
                self.pauses.append((cause.recorded_on, lifted.recorded_on))
            else:
                label = f"On hold: awaiting {owed.label}"
                self._stop(cause, Standing(state, label, owed.opened_on, self.adviser, owed.due_on))

    def _tell_holder(self, cause: Fact, lifted: Fact | None = None) -> None:
        """Tell the provider that held the referral when a pause began to wait, and when it may go on."""
        holder = History(fact for fact in self.facts if fact.place < cause.place).holder
        if holder:
            self.tell(holder, "referral-paused", about=cause, anyway=not lifted)
            if lifted:
                self.tell(holder, "referral-resumed", about=lifted)

    def stays_until_varied(self, unsuitable: Fact, state: str) -> None:
        """From here on it stands still: what the court ordered only the court takes back, and the adviser has to ask.

        What is reported meanwhile is heard all the same.
        """
        owed = self._variation(unsuitable)
        self._tell_holder(unsuitable)
        self._stop(unsuitable, Standing(state, f"Awaiting {owed.label}", owed.opened_on, self.adviser, owed.due_on))

    def tell_holder_to_wait(self, about: Fact) -> None:
        """Tell whoever holds the referral to hold no session under it: what it rests on is gone."""
        if self.provider:
            self.tell(self.provider, "referral-paused", about=about, anyway=True)

    def _variation(self, since: Fact, met: Fact | None = None) -> Duty:
        """When a review said no, the adviser owes the court's variation of the order, unless they think again."""
        due = self.within_whatever_is_held("court_result", since.recorded_on)
        owed = self._owe("court_variation", since, self.adviser, due, since.recorded_on, met)
        owed.reviews = True
        return owed

    def _stop(self, cause: Fact, standing: Standing) -> None:
        """The clock stops on the day of the first of several causes; the first one named says where it stands."""
        self.pause = self.pause or standing
        self.today = min(self.today, cause.recorded_on)

    def as_it_stood(self, end: Fact, story: Callable[[], object]) -> None:
        """Tell a part of the story that `end` has undone, as it stood then; what was still owed is dropped that day.

        Where it had closed by itself before, it stays closed.
        """
        now = self.facts, self.pauses, self.today, self.look
        self.facts = History(fact for fact in self.facts if fact is not end and known_before(fact, end))
        self.pauses = [pause for pause in self.pauses if pause[0] < end.recorded_on]
        self.today = min(self.today, end.recorded_on)
        before = set(self.duties)
        try:
            story()
        except Stands as stood:
            if stood.standing.closed:
                raise
        self.facts, self.pauses, self.today, self.look = now
        for key in self.duties.keys() - before:
            answer = self.duties[key].fact
            if not answer or not known_before(answer, end):
                self.duties[key].state, self.duties[key].closed_on = "dropped", end.recorded_on

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
        which: object = "",
        **matching: Any,
    ) -> Duty:
        """Record what somebody owes from `after` on, and the fact that answers it if it has come.

        The answer is the first later fact of `kinds`, or `met` where no single kind of fact answers it. `which` tells
        apart several of one kind that follow from the same fact.
        """
        met = met or (self.first(*kinds, after=after, **matching) if kinds else None)
        return self._owe(duty, after, by, due, opened or after.happened_on, met, which=which)

    def _owe(
        self,
        kind: str,
        anchor: Fact,
        by: Who,
        due: date,
        opened: date,
        met: Fact | None,
        outlives: bool = False,
        which: object = "",
    ) -> Duty:
        duty = Duty(
            f"{kind}:{anchor.place}" + (f":{which}" if which else ""),
            kind,
            by,
            opened,
            due,
            self.facts.hearing_from(self.today),
            outlives=outlives,
        )
        if met:
            duty.fact, duty.state, duty.closed_on = met, "met", self._answered_on(met)
        self.duties[duty.key] = duty
        return duty

    def _answered_on(self, met: Fact) -> date:
        """The day an answer became known. What is put right in it later closes nothing anew."""
        if met.supersedes is None:
            return met.recorded_on
        return next(version.recorded_on for version in self.versions(met) if version.same_as(met))

    def lapsed(self, duty: Duty) -> bool:
        """Whether a duty's day passed before it was met; so it stays, even when it was met later.

        No day passes on hold.
        """
        return min(duty.closed_on, self.today) > duty.due_on if duty.closed_on else self.passed(duty.due_on)

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
        raise Stands(Standing(state, label or f"Awaiting {owed.label}", owed.opened_on, owed.owed_by, owed.due_on))

    def wait_until(self, day: date, state: str, label: str, on: Who, since: date) -> None:
        """Stop here until the day after `day`; nobody owes anything meanwhile."""
        if not self.passed(day):
            raise Stands(Standing(state, f"Awaiting {label}", since, on, day))

    def tell(
        self,
        who: Who,
        wording: str,
        about: Fact,
        *,
        anyway: bool = False,
        overtaken: bool = False,
        which: object = "",
        because: Fact | None = None,
        since: date | None = None,
        outlives: bool = False,
        **fields: Any,
    ) -> None:
        """Tell somebody something once. Fields are references, codes and dates, never a name or free text (SR-12).

        Nothing is sent of what people knew before it came to us, unless `anyway`, nor of what events have overtaken.
        `because` is the fact that made it so, where that is another: what is new of it is told. `since` is the day from
        which it can be said, where that is later than the fact itself; what `outlives` the pathway is said after its
        end too.
        """
        because = because or about
        withheld = "told already" if because.told_already and not anyway else "overtaken" if overtaken else None
        occasion = f"{wording}:{about.place}" + (f":{which}" if which else "")
        notice = Notice(who, wording, occasion, fields, withheld, since or because.recorded_on, outlives)
        self.notices.setdefault((who.role, occasion), notice)

    def letter(self, letter: str, about: Fact, sent: Fact | None = None, which: object = "") -> None:
        """A letter task for staff: parents get letters, never automatic mail (N02). One sent before is another."""
        if about.told_already:
            return
        letters = (f for f in self.known.facts if isinstance(f, LetterSent) and f.letter == letter)
        sent = sent or next((f for f in letters if f.place > about.place or f.happened_on >= about.happened_on), None)
        due = self.within_whatever_is_held("letter", about.recorded_on)
        kind = f"letter_{letter.replace('-', '_')}"
        self._owe(kind, about, self.business_support, due, about.recorded_on, sent, outlives=True, which=which)

    def opens(self, programme: str, party: str, because: Fact) -> None:
        """Open a pathway of another programme for a person of the case, once."""
        number = f"{self.reference.partition('-')[2]}-{1 + list(self.known.parties).index(party)}"
        self.spawned.append(Spawn(f"{programme}-{number}", programme, party, because))

    def close(self, state: str, reason: str, on: date | Fact) -> NoReturn:
        """The pathway is over, for a reason of m05."""
        day = on.recorded_on if isinstance(on, Fact) else on
        raise Stands(Standing(state, f"Closed: {reason.replace('_', ' ')}", day, reason=reason))


@dataclass(frozen=True)
class End:
    fact: Fact
    state: str
    reason: str
    court_told: bool


def known_at(fact: Fact) -> tuple[datetime, int]:
    return fact.recorded_at, fact.id


def known_before(fact: Fact, end: Fact) -> bool:
    """Whether a fact was known when another was recorded, or corrects one that was: it stands in that one's place."""
    corrects = fact.supersedes is not None and fact.place < end.place
    return corrects or known_at(fact) <= known_at(end)


def soonest(*facts: F | None, after: Fact | None = None, nth: int = 1) -> F | None:
    """Of some facts, the one that became known first, or as the nth; later than another one, where given.

    What is reported late comes after all that was known, whenever it happened: it undoes nothing that was said. A
    correction stands in the place of what it corrects.
    """
    known = sorted(filter(None, facts), key=lambda fact: fact.place)
    later = [fact for fact in known if after is None or known_at(fact) > known_at(after)]
    return later[nth - 1] if len(later) >= nth else None
