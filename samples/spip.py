"""Fictional SPIP pathways, one or more at every stage."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import count

from samples.sample import Files, Sample, Stages, tell


@dataclass
class Spip(Sample):
    """A SPIP pathway being told."""

    programme = "SPIP"

    route: str = "court"
    monitoring: bool = False
    twin_of: "Spip | None" = None

    def __post_init__(self) -> None:
        self.letter = "D" if self.route == "court" else "R"
        super().__post_init__()
        if self.twin_of:
            self.case, self.adviser = self.twin_of.case, self.twin_of.adviser
            self.party = self.person("R")

    def has_case(self) -> None:
        if not self.twin_of:
            super().has_case()

    def opens(self, ago: int) -> None:
        if self.route == "court":
            self.direction(ago, monitoring_requested=self.monitoring)
        else:
            self.request(ago)

    def cleared(self, ago: int) -> "Spip":
        """The safeguarding gate passed, as its route asks."""
        if self.twin_of:
            return self
        if self.route == "court":
            return self.about_case("safeguarding_letter_filed", ago)
        self.about_case("enquiries_done", ago)
        for letter in "AR":
            self.about_case("parent_spoken_to", ago, party=self.person(letter))
        return self

    def referred(self, ago: int) -> "Spip":
        return self.opened(ago + 5).cleared(ago + 3).fact("referral_sent", ago, by="CO01", provider=self.provider)

    def taken(self, ago: int) -> "Spip":
        self.referred(ago + 2).fact("acknowledged", ago, by=self.provider, provider=self.provider)
        return self.fact("letter_sent", ago, by="BS01", letter="referral-made")

    def booked(self, held: int, ago: int | None = None) -> "Spip":
        """Taken, and booked into the session held (or to be held) so many working days ago."""
        self.taken(max(held, 0) + 12)
        return self.book(f"S-{self.number:04}", held, ago if ago is not None else max(held, 0) + 8)

    def book(self, session: str, held: int, ago: int) -> "Spip":
        on = self.day(held)
        return self.fact("session_booked", ago, by=self.provider, session=session,
                         starts_at=f"{on} 17:30", ends_at=f"{on} 21:30")  # fmt: skip

    def reported(self, result: str, ago: int, session: str = "") -> "Spip":
        session = session or f"S-{self.number:04}"
        return self.fact("attendance_reported", ago, by=self.provider, session=session, result=result)

    def missed_twice(self, ago: int) -> "Spip":
        """A first session missed, a rebooking missed, both reported."""
        self.booked(held=ago + 14).reported("absent", ago + 12)
        return self.book(f"S-{self.number:04}-2", ago + 3, ago + 10).reported("absent", ago, f"S-{self.number:04}-2")


def held_for_a_parent(s: Spip) -> None:
    s.opened(3).about_case("enquiries_done", 2).about_case("parent_spoken_to", 2, party=s.person("A"))


def unsuitable_but_ordered(s: Spip) -> None:
    s.opened(10).cleared(8).fact("suitability_decided", 1, suitable="no")


def at_new_risk(s: Spip) -> None:
    s.booked(held=-6, ago=4).about_case("risk_raised", 0)


def declined_by_everybody(s: Spip) -> None:
    s.referred(4).fact("referral_declined", 3, by=s.provider, provider=s.provider, reason="no_capacity")


def court_waits(s: Spip) -> None:
    s.missed_twice(8).fact("breach_decided", 6, decision="report").fact(
        "court_paper_signed", 4, signed_by=s.adviser
    ).hearing(15)


def late_report(late: int) -> Callable[[Spip], object]:
    """A session whose attendance report is so many working days late (its limit is five)."""
    return lambda s: s.booked(held=5 + late)


STAGES: Stages = [
    (1, "SA01", "P001", "asked for today by the adviser, enquiries to do (SR-01)", lambda s: s.opened(0), {"route": "adviser"}),
    (1, "SA02", "P004", "one parent still to be spoken to (SR-02)", held_for_a_parent, {"route": "adviser"}),
    (1, "SA03", "P007", "court-ordered, safeguarding letter overdue", lambda s: s.opened(9), {}),
    (2, "SA01", "P001", "ready to refer", lambda s: s.opened(4).cleared(1), {}),
    (1, "SA04", "P010", "ready to refer, late", lambda s: s.opened(12).cleared(7), {}),
    (1, "SA05", "P012", "no provider open in the area (SR-16)", lambda s: s.opened(5).cleared(2), {}),
    (1, "SA04", "P010", "declined, to be referred to the next", declined_by_everybody, {}),
    (2, "SA01", "P002", "referred today", lambda s: s.referred(0), {}),
    (1, "SA02", "P004", "acknowledgement late, first chase", lambda s: s.referred(3), {}),
    (1, "SA03", "P008", "acknowledgement late, second chase", lambda s: s.referred(8), {}),
    (3, "SA02", "P005", "acknowledged, to be booked", lambda s: s.taken(4), {}),
    (1, "SA02", "P005", "booking late, first chase", lambda s: s.taken(12), {}),
    (1, "SA02", "P006", "booking late and a hearing near", lambda s: s.taken(14).hearing(6), {}),
    (4, "SA01", "P001", "booked, session to come", lambda s: s.booked(held=-7, ago=2), {}),
    (2, "SA01", "P003", "session held, report not yet due", lambda s: s.booked(held=1), {}),
    (1, "SA01", "P003", "report due in two working days, courtesy reminder", lambda s: s.booked(held=3), {}),
    (2, "SA01", "P003", "report late, first chase", late_report(1), {}),
    (2, "SA01", "P003", "report late, second chase", late_report(5), {}),
    (1, "SA01", "P003", "report late, escalated to commissioning", late_report(10), {}),
    (1, "SA01", "P003", "report late, escalated to operations", late_report(15), {}),
    (1, "SA03", "P009", "report late and a hearing near", lambda s: s.booked(held=7).hearing(8), {}),
    (1, "SA03", "P007", "attended, reported today", lambda s: s.booked(held=2).reported("attended", 0), {}),
    (1, "SA03", "P007", "missed once, to be rebooked", lambda s: s.booked(held=4).reported("absent", 1), {}),
    (1, "SA03", "P007", "missed once, booked again",
     lambda s: s.booked(held=12).reported("absent", 10).book(f"S-{s.number:04}-2", -4, 7), {}),
    (1, "SA04", "P011", "missed twice, the adviser decides", lambda s: s.missed_twice(1), {}),
    (1, "SA04", "P011", "missed twice, the adviser's decision late", lambda s: s.missed_twice(7), {}),
    (1, "SA04", "P010", "compliance note to sign",
     lambda s: s.missed_twice(4).fact("breach_decided", 1, decision="report"), {"monitoring": True}),
    (1, "SA04", "P010", "the court has the note", court_waits, {"monitoring": True}),
    (3, "SA02", "P006", "attended, next step offered", lambda s: s.booked(held=12).reported("attended", 9), {}),
    (1, "SA02", "P006", "on hold at the court's request",
     lambda s: s.taken(6).fact("held", 2, reason="court_request"), {}),
    (1, "SA01", "P002", "on hold for a new risk (SR-14)", at_new_risk, {}),
    (1, "SA03", "P008", "unsuitable, but the court's direction stands", unsuitable_but_ordered, {}),
    (3, "SA01", "P002", "completed",
     lambda s: s.booked(held=30).reported("attended", 28).fact("next_step_taken", 20, by=s.provider, step="mediation"), {}),
    (1, "SA03", "P009", "closed, not completed", lambda s: s.missed_twice(10).fact("breach_decided", 8, decision="no_report"), {}),
    (1, "SA02", "P004", "withdrawn, the parents agreed",
     lambda s: s.taken(10).fact("withdrawn", 3, reason="agreement_reached"), {}),
]  # fmt: skip

TWINS = [("SA01", "P001", "P002"), ("SA02", "P004", "P006")]
"""Two parents of one case, each with a provider of their own; neither provider ever learns of the other."""

LATER: Stages = [
    (1, "SA03", "P009", "asked for by the adviser, then found unsuitable",
     lambda s: s.opened(8).cleared(6).fact("suitability_decided", 4, suitable="no"), {"route": "adviser"}),
]  # fmt: skip
"""Told last: the documents name earlier ones by their references, which go by their places."""


def tell_all(files: Files, today: date) -> None:
    numbers = count(1)
    tell(Spip, STAGES, files, today, numbers)
    for area, mine, theirs in TWINS:
        first = Spip(files, today, next(numbers), area, mine).booked(held=-5, ago=1)
        Spip(files, today, next(numbers), area, theirs, twin_of=first).taken(3)
    tell(Spip, LATER, files, today, numbers)
