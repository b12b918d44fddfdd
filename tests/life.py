"""A pathway's life in memory: facts by date, and what its function says on any day. No database, no clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flows.spip import spip
from models.facts import KINDS, Fact
from models.limits import limits_on
from models.pathway import Pathway, decide
from models.standing import Decision, Known, People

PEOPLE = People("FCA1", "CO1", "CM1", "SM1", "AD1", "BS1")


def day(text: str | date) -> date:
    return text if isinstance(text, date) else date.fromisoformat(text)


def moment(on: date, hour: int = 12) -> datetime:
    return datetime.combine(on, time(hour), UTC)


class Life:
    """One person's SPIP. `requested` is a day; the other parent is party PB."""

    def __init__(
        self,
        requested: str | date = "2026-01-05",
        route: str = "court",
        monitoring: bool = False,
        proposed: Sequence[str] = ("P1", "P2"),
        reference: str = "SPIP-D1",
    ) -> None:
        self.requested = day(requested)
        self.monitoring = monitoring
        self.proposed = proposed
        self.reference = reference
        self.facts: list[Fact] = []
        self.add(requested, "requested", route=route)

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

    def booked(self, on: str | date, session: str, held: str | date) -> "Life":
        starts = moment(day(held), 18)
        return self.add(on, "session_booked", session=session, starts_at=starts, ends_at=starts + timedelta(hours=4))

    def gate_passed(self, on: str | date = "2026-01-05") -> "Life":
        return self.add(on, "safeguarding_letter_filed")

    def referred(self, on: str | date = "2026-01-06", provider: str = "P1") -> "Life":
        return self.gate_passed().add(on, "referral_sent", provider=provider)

    def acknowledged(self, on: str | date = "2026-01-07") -> "Life":
        return self.referred().add(on, "acknowledged", provider="P1")

    def known(self, upto: date | None = None) -> Known:
        facts = [fact for fact in self.facts if upto is None or fact.recorded_on <= upto]
        return Known(
            reference=self.reference, programme="SPIP", party="PA", parties=["PA", "PB"], people=PEOPLE,
            limits=limits_on("SPIP", self.requested), facts=facts, monitoring_requested=self.monitoring,
            proposed=lambda: self.proposed,
        )  # fmt: skip

    def on(self, today: str | date, story: Callable[[Pathway], None] = spip) -> Decision:
        """What the function says on a day, knowing what was recorded by then."""
        return decide(story, self.known(day(today)), day(today))


def told(decision: Decision) -> set[tuple[str, str]]:
    """Who was told what: (code, wording)."""
    return {(notice.to.code, notice.wording) for notice in decision.notices}


def owed(decision: Decision) -> dict[str, tuple[str, str]]:
    """What is open: kind of duty, to (by whom, until when)."""
    return {d.kind: (d.owed_by.code, d.due_on.isoformat()) for d in decision.duties.values() if d.state == "open"}
