"""One sample pathway being told: its case, what opens it, and what has happened since."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any, ClassVar, TypeVar

from models.working_days import add_working_days
from samples.places import ADVISERS, COURTS, TREES

Row = dict[str, str]
Files = dict[str, list[Row]]
S = TypeVar("S", bound="Sample")
Stages = list[tuple[int, str, str, str, Callable[[Any], object], dict[str, object]]]
"""How many, where, with which provider or practitioner, the situation in words, what tells it, and what of its order."""


@dataclass
class Sample:
    """One pathway being told, in working days before (or, negative, after) the day of loading.

    Its case, its reference and its adviser follow from its number.
    """

    programme: ClassVar[str] = ""
    letter: ClassVar[str] = "D"
    role: ClassVar[str] = "A"
    """Whom it is for: the applicant or the respondent; both when empty."""

    files: Files
    today: date
    number: int
    area: str
    provider: str

    def __post_init__(self) -> None:
        self.given = f"{self.letter}{self.number:04}"
        self.pathway = f"{self.programme}-{self.given}"
        self.case = f"ZZ26P{self.number:05}"
        self.adviser = ADVISERS[self.number % len(ADVISERS)]
        self.asked = 0
        self.party = self.person(self.role) if self.role else ""

    def person(self, letter: str) -> str:
        return f"{self.case}-{letter}"

    def day(self, ago: int) -> date:
        return add_working_days(self.today, -ago)

    def opened(self: S, ago: int) -> S:
        """The case, and the direction or request that opens the pathway."""
        self.asked = ago
        self.has_case()
        self.opens(ago)
        return self

    def opens(self, ago: int) -> None:
        """What opens the pathway, in its file."""
        raise NotImplementedError

    def direction(self, ago: int, **terms: bool) -> None:
        made = {"made_on": str(self.day(ago)), "received_on": str(self.day(ago))}
        said = {name: "yes" if value else "no" for name, value in terms.items()}
        row = {"direction": self.given, "order": f"O{self.case[4:]}", "activity": self.programme, **made, **said}
        self.files["directions"].append(row | self._common(ago))

    def request(self, ago: int, **more: str) -> None:
        asked = {"requested_on": str(self.day(ago)), "requested_by": self.adviser}
        row = {"request": self.given, "programme": self.programme, **asked, **more}
        self.files["requests"].append(row | self._common(ago))

    def _common(self, ago: int) -> Row:
        return {"case": self.case, "party": self.party, "told_already": self._told(self.day(ago))}

    def _told(self, day: date) -> str:
        """What is older than yesterday is known already to those concerned."""
        return "yes" if day < self.day(1) else "no"

    def has_case(self) -> None:
        courts = [code for code, _, area in COURTS if area == self.area]
        row = {
            "case": self.case, "court": courts[self.number % len(courts)], "adviser": self.adviser,
            "received_on": str(self.day(self.asked + 5)), "hearings": "",
        }  # fmt: skip
        for role, letter, at in (("applicant", "A", 0), ("respondent", "R", 1)):
            tree = TREES[(2 * self.number + at) % len(TREES)]
            row |= {role: self.person(letter), f"{role}_name": f"{'Sam' if at else 'Robin'} {tree}-Sample"}
        self.files["cases"].append(row)

    def fact(
        self: S,
        kind: str,
        on: int | date,
        by: str | None = None,
        about: str | None = None,
        known: date | None = None,
        **details: object,
    ) -> S:
        """A fact of so many working days ago, or of a day; known to us on that day, unless another is given."""
        day = self.day(on) if isinstance(on, int) else on
        row = {
            "about": about or self.pathway, "fact": kind, "happened_on": str(day), "recorded_on": str(known or day),
            "recorded_by": by or self.adviser, "told_already": self._told(known or day),
        }  # fmt: skip
        self.files["facts"].append(row | {name: str(value) for name, value in details.items()})
        return self

    def about_case(self: S, kind: str, ago: int, **details: object) -> S:
        return self.fact(kind, ago, about=self.case, **details)

    def hearing(self: S, ahead: int) -> S:
        return self.about_case("hearing_listed", self.asked, hearing_on=self.day(-ahead), hearing_type="review")

    def signed(self: S, ago: int, paper: str, by: str | None = None) -> S:
        """A paper for the court, with the adviser's name unless another's is given."""
        return self.fact("court_paper_signed", ago, by=by, paper=paper, signed_by=by or self.adviser)


def tell(kind: type[Sample], stages: Stages, files: Files, today: date, numbers: "count[int]") -> None:
    """Tell all the samples of a table, each with the next number."""
    for how_many, area, provider, _, stage, more in stages:
        for _ in range(how_many):
            stage(kind(files, today, next(numbers), area, provider, **more))
