"""A pathway's life in memory: facts by date, and what its function says on any day. No database, no clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flows.programmes import PROGRAMMES
from models.decide import decide
from models.facts import KINDS, Fact
from models.limits import limits_on
from models.pathway import Pathway
from models.standing import Decision, Known, People, Terms

PEOPLE = People("FCA1", "CO1", "CM1", "SM1", "AD1", "BS1", "RA1")


def day(text: str | date) -> date:
    return text if isinstance(text, date) else date.fromisoformat(text)


def moment(on: date, hour: int = 12) -> datetime:
    return datetime.combine(on, time(hour), UTC)


class Life:
    """One pathway's life. `requested` is a day; it is party PA's, or both parents' (PA and PB) where it is a CPPP."""

    def __init__(
        self,
        requested: str | date = "2026-01-05",
        route: str = "court",
        monitoring: bool = False,
        proposed: Sequence[str] = ("P1", "P2"),
        reference: str = "SPIP-D1",
        in_final_order: bool = False,
        assessment_only: bool = False,
        accredited_until: str | None = None,
        closed_weeks: Sequence[tuple[str, str]] = (),
        **asked: Any,
    ) -> None:
        self.requested = day(requested)
        self.terms = Terms(monitoring, in_final_order, assessment_only)
        self.proposed = proposed
        self.reference = reference
        self.programme = reference.partition("-")[0]
        self.story = PROGRAMMES[self.programme]
        self.party = None if self.programme == "CPPP" else "PA"
        self.accredited_until = accredited_until and day(accredited_until)
        self.closed_weeks = [(day(begins), day(ends)) for begins, ends in closed_weeks]
        self.facts: list[Fact] = []
        self.add(requested, "requested", route=route, **asked)

    def __repr__(self) -> str:
        """What happened, to read when a random life breaks something: the day it was reported, and what."""
        lines = [f"{f.place}: {f.recorded_on} {f.kind} {f.payload or ''} ({f.happened_on})" for f in self.facts]
        return "\n".join([f"{self.reference} {self.terms}", *lines])

    def add(
        self, on: str | date, kind: str, recorded: str | date | None = None, by: str = "FCA1", **details: Any
    ) -> "Life":
        """A fact that happened on a day, and was recorded the same day unless said otherwise."""
        number = len(self.facts) + 1
        happened = day(on)
        made = KINDS[kind](
            id=number,
            place=number,
            happened_on=happened,
            recorded_at=moment(day(recorded or happened)),
            recorded_by=by,
            **details,
        )
        self.facts.append(made)
        return self

    def correct(self, number: int, recorded: str | date, on: str | date | None = None, **details: Any) -> "Life":
        """A fact put right on a later day; what is not given stays as it was."""
        old = self.facts[number - 1]
        says = {"id": len(self.facts) + 1, "supersedes": number, "recorded_at": moment(day(recorded))}
        happened = {"happened_on": day(on)} if on else {}
        self.facts.append(type(old).model_validate(old.model_dump() | details | happened | says))
        return self

    def booked(self, on: str | date, session: str, held: str | date) -> "Life":
        starts = moment(day(held), 18)
        return self.add(on, "session_booked", session=session, starts_at=starts, ends_at=starts + timedelta(hours=4))

    def gate_passed(self, on: str | date = "2026-01-05") -> "Life":
        return self.add(on, "safeguarding_letter_filed")

    def referred(self, on: str | date = "2026-01-06", provider: str = "P1") -> "Life":
        return self.gate_passed().add(on, "referral_sent", provider=provider)

    def acknowledged(self, on: str | date = "2026-01-07") -> "Life":
        return self.referred().add(on, "acknowledged", provider="P1")

    def set_session(
        self, on: str | date, session: str, held: str | date, sitting: str = "parent", **more: Any
    ) -> "Life":
        """A CPPP session fixed for an hour at noon; one with a parent is PA's unless said otherwise."""
        starts = moment(day(held), 12)
        party = {"party": more.pop("party", "PA")} if sitting == "parent" else {}
        times = {"starts_at": starts, "ends_at": starts + timedelta(hours=1)}
        return self.add(on, "session_set", session=session, sitting=sitting, **times, **party, **more)

    def moved(self, on: str | date, session: str, held: str | date, **more: Any) -> "Life":
        starts = moment(day(held), 12)
        return self.add(
            on, "session_moved", session=session, starts_at=starts, ends_at=starts + timedelta(hours=1), **more
        )

    def known(self, upto: date | None = None) -> Known:
        known = [fact for fact in self.facts if upto is None or fact.recorded_on <= upto]
        gone = {fact.supersedes for fact in known}
        return Known(
            reference=self.reference, programme=self.programme, party=self.party, parties=["PA", "PB"], people=PEOPLE,
            limits=limits_on(self.programme, self.requested), terms=self.terms,
            facts=[fact for fact in known if fact.id not in gone], corrected=[fact for fact in known if fact.id in gone],
            proposed=lambda: self.proposed, accredited_until=lambda _: self.accredited_until,
            closed_weeks=lambda _: self.closed_weeks,
        )  # fmt: skip

    def on(self, today: str | date, story: Callable[[Pathway], None] | None = None) -> Decision:
        """What the function says on a day, knowing what was recorded by then."""
        return decide(story or self.story, self.known(day(today)), day(today))


def told(decision: Decision) -> set[tuple[str, str]]:
    """Who was told what: (code, wording)."""
    return {(notice.to.code, notice.wording) for notice in decision.notices}


def owed(decision: Decision) -> dict[str, tuple[str, str]]:
    """What is open: kind of duty, to (by whom, until when)."""
    return {d.kind: (d.owed_by.code, d.due_on.isoformat()) for d in decision.duties.values() if d.state == "open"}
