"""Some fifty fictional SPIP pathways, one or more at every stage, counted back from the day they are loaded.

A stage is a function that tells one pathway's facts; `STAGES` says how many there are of each and why it is there.
Nobody in it exists: names are of trees and birds, addresses end in `.example`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from models.working_days import add_working_days
from samples.places import ADVISERS, COURTS, TREES, directory

Row = dict[str, str]
Files = dict[str, list[Row]]


@dataclass
class Sample:
    """One sample pathway being told, in working days before (or, negative, after) the day of loading."""

    files: Files
    today: date
    number: int
    area: str
    provider: str
    route: str = "court"
    monitoring: bool = False
    asked: int = 30
    twin_of: "Sample | None" = None
    facts: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.letter = "D" if self.route == "court" else "R"
        self.given = f"{self.letter}{self.number:04}"
        self.pathway = f"SPIP-{self.given}"
        self.case = self.twin_of.case if self.twin_of else f"ZZ26P{self.number:05}"
        self.adviser = ADVISERS[self.number % len(ADVISERS)] if not self.twin_of else self.twin_of.adviser
        self.party = f"{self.case}-{'R' if self.twin_of else 'A'}"

    def day(self, ago: int) -> date:
        return add_working_days(self.today, -ago)

    def opened(self, ago: int) -> "Sample":
        """The case, and the direction or request that opens the pathway."""
        self.asked = ago
        if not self.twin_of:
            self._case()
        told = "yes" if ago > 1 else "no"
        common = {"case": self.case, "party": self.party, "told_already": told}
        if self.route == "court":
            self.files["directions"].append(
                {"direction": self.given, "order": f"O{self.case[4:]}", "activity": "SPIP", "made_on": str(self.day(ago)),
                 "received_on": str(self.day(ago)), "monitoring_requested": "yes" if self.monitoring else "no"} | common
            )  # fmt: skip
        else:
            self.files["requests"].append(
                {
                    "request": self.given,
                    "programme": "SPIP",
                    "requested_on": str(self.day(ago)),
                    "requested_by": self.adviser,
                }
                | common
            )
        return self

    def _case(self) -> None:
        courts = [code for code, _, area in COURTS if area == self.area]
        row = {
            "case": self.case, "court": courts[self.number % len(courts)], "adviser": self.adviser,
            "received_on": str(self.day(self.asked + 5)), "hearings": "",
        }  # fmt: skip
        for role, letter, at in (("applicant", "A", 0), ("respondent", "R", 1)):
            tree = TREES[(2 * self.number + at) % len(TREES)]
            row |= {role: f"{self.case}-{letter}", f"{role}_name": f"{'Sam' if at else 'Robin'} {tree}-Sample"}
        self.files["cases"].append(row)

    def fact(self, kind: str, ago: int, by: str | None = None, about: str | None = None, **details: object) -> "Sample":
        """A fact of so many working days ago. What is older than yesterday is known already to those concerned."""
        row = {
            "about": about or self.pathway, "fact": kind, "happened_on": str(self.day(ago)), "recorded_on": str(self.day(ago)),
            "recorded_by": by or self.adviser, "told_already": "yes" if ago > 1 else "no",
        }  # fmt: skip
        self.files["facts"].append(row | {name: str(value) for name, value in details.items()})
        return self

    def about_case(self, kind: str, ago: int, **details: object) -> "Sample":
        return self.fact(kind, ago, about=self.case, **details)

    def hearing(self, ahead: int) -> "Sample":
        return self.about_case("hearing_listed", self.asked, hearing_on=self.day(-ahead), hearing_type="review")

    def cleared(self, ago: int) -> "Sample":
        """The safeguarding gate passed, as its route asks."""
        if self.twin_of:
            return self
        if self.route == "court":
            return self.about_case("safeguarding_letter_filed", ago)
        self.about_case("enquiries_done", ago)
        for letter in "AR":
            self.about_case("parent_spoken_to", ago, party=f"{self.case}-{letter}")
        return self

    def referred(self, ago: int) -> "Sample":
        return self.opened(ago + 5).cleared(ago + 3).fact("referral_sent", ago, by="CO01", provider=self.provider)

    def taken(self, ago: int) -> "Sample":
        self.referred(ago + 2).fact("acknowledged", ago, by=self.provider, provider=self.provider)
        return self.fact("letter_sent", ago, by="BS01", letter="referral-made")

    def booked(self, held: int, ago: int | None = None, session: str = "") -> "Sample":
        """Booked into the session held (or to be held) so many working days ago."""
        if not any(row["about"] == self.pathway for row in self.files["facts"]):
            self.taken(max(held, 0) + 12)
        return self.book(session or f"S-{self.number:04}", held, ago if ago is not None else max(held, 0) + 8)

    def book(self, session: str, held: int, ago: int) -> "Sample":
        on = self.day(held)
        return self.fact("session_booked", ago, by=self.provider, session=session,
                         starts_at=f"{on} 17:30", ends_at=f"{on} 21:30")  # fmt: skip

    def reported(self, result: str, ago: int, session: str = "") -> "Sample":
        session = session or f"S-{self.number:04}"
        return self.fact("attendance_reported", ago, by=self.provider, session=session, result=result)

    def missed_twice(self, ago: int) -> "Sample":
        """A first session missed, a rebooking missed, both reported."""
        self.booked(held=ago + 14).reported("absent", ago + 12)
        return self.book(f"S-{self.number:04}-2", ago + 3, ago + 10).reported("absent", ago, f"S-{self.number:04}-2")


Stage = Callable[[Sample], object]


def held_for_a_parent(s: Sample) -> None:
    s.opened(3).about_case("enquiries_done", 2).about_case("parent_spoken_to", 2, party=f"{s.case}-A")


def unsuitable_but_ordered(s: Sample) -> None:
    s.opened(10).cleared(8).fact("suitability_decided", 1, suitable="no")


def at_new_risk(s: Sample) -> None:
    s.booked(held=-6, ago=4).about_case("risk_raised", 0)


def declined_by_everybody(s: Sample) -> None:
    s.referred(4).fact("referral_declined", 3, by=s.provider, provider=s.provider, reason="no_capacity")


def court_waits(s: Sample) -> None:
    s.missed_twice(8).fact("breach_decided", 6, decision="report").fact(
        "court_paper_signed", 4, signed_by=s.adviser
    ).hearing(15)


def late_report(late: int) -> Stage:
    """A session whose attendance report is so many working days late (its limit is five)."""
    return lambda s: s.booked(held=5 + late)


#  how many, where, which provider, the stage, and what of the request: in the words of the caseload page
STAGES: list[tuple[int, str, str, str, Stage, dict[str, object]]] = [
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


def caseload(today: date) -> Files:
    """The rows of every file, by kind of file, for samples loaded on a day."""
    # From a weekend on, "so many working days ago" is counted from the working day before it.
    today = add_working_days(today + timedelta(days=1), -1)
    files: Files = directory(today) | {"cases": [], "directions": [], "requests": [], "facts": []}
    numbers = count(1)
    for how_many, area, provider, _, stage, more in STAGES:
        for _ in range(how_many):
            stage(Sample(files, today, next(numbers), area, provider, **more))
    for area, mine, theirs in TWINS:
        first = Sample(files, today, next(numbers), area, mine)
        first.booked(held=-5, ago=1)
        Sample(files, today, next(numbers), area, theirs, twin_of=first).taken(3)
    return files
