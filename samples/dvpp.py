"""Fictional DVPP pathways, one or more at every stage, week by week where the programme has begun."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, islice

from models.standing import Days
from models.weeks import nth, session_days
from models.working_days import add_working_days, working_days_after
from samples.places import closures
from samples.sample import Files, Sample, Stages, tell


@dataclass
class Dvpp(Sample):
    """A DVPP pathway being told."""

    programme = "DVPP"
    role = "R"

    monitoring: bool = False
    in_final_order: bool = False
    assessment_only: bool = False
    first: date = date.min
    """The day of the first session, once it is told."""

    def opens(self, ago: int) -> None:
        terms = {"in_final_order": self.in_final_order, "assessment_only": self.assessment_only}
        self.direction(ago, monitoring_requested=self.monitoring, **terms)

    def says(self, kind: str, on: int | date, **details: object) -> "Dvpp":
        """A fact its provider records."""
        return self.fact(kind, on, by=self.provider, **details)

    def gate_passed(self, ago: int) -> "Dvpp":
        return self.fact("violence_established", ago, basis="found").fact("survivor_plan_made", ago)

    def referred(self, ago: int) -> "Dvpp":
        self.opened(ago + 6).gate_passed(ago + 2)
        return self.fact("referral_sent", ago, by="CO01", provider=self.provider)

    def taken(self, ago: int) -> "Dvpp":
        return self.referred(ago + 3).says("acknowledged", ago, provider=self.provider)

    def assessed(self, ago: int, result: str = "accepted", **reason: str) -> "Dvpp":
        """Seen, and the provider's result, of so many working days ago."""
        self.taken(ago + 15).says("assessment_done", ago + 4)
        return self.says("assessment_reported", ago, result=result, **reason)

    def begun(self, week: int, held: int) -> "Dvpp":
        """In a programme of 26 weeks: one week's session was held so many working days ago, or when the group met last."""
        back = _meetings_before(self.day(held), closures(self.provider, self.today))
        self.first = nth(back, week)
        self.assessed(working_days_after(self.first, self.today) + 12)
        return self.says("programme_started", self.first, weeks=26)

    def weeks(self, upto: int, absent: Collection[int] = ()) -> "Dvpp":
        """Whether he came, week by week; each reported on the working day after."""
        for week, day in enumerate(islice(self._meetings(), upto), 1):
            known = min(add_working_days(day, 1), self.today)
            self.says(
                "weekly_attendance", day, known=known, week=week, result="absent" if week in absent else "attended"
            )
        return self

    def in_week(self, week: int, held: int, absent: Collection[int] = ()) -> "Dvpp":
        """All reported up to the session of a week, with the report at half where half was over before."""
        self.begun(week, held).weeks(week, absent)
        return self.halfway(add_working_days(nth(self._meetings(), 13), 2)) if week > 13 else self

    def halfway(self, on: int | date) -> "Dvpp":
        return self.says("midway_reported", on, progress="engaged")

    def finished(self, ago: int) -> "Dvpp":
        """All weeks attended, and the provider's last report, of so many working days ago."""
        return self.in_week(26, ago + 6).says("final_reported", ago, outcome="completed")

    def _meetings(self) -> Iterator[date]:
        return session_days(self.first, closures(self.provider, self.today))


def _meetings_before(day: date, closed: list[Days]) -> Iterator[date]:
    """The days on which a weekly group met, backwards from a day."""
    for n in count():
        met = day - timedelta(weeks=n)
        if not any(begins <= met <= ends for begins, ends in closed):
            yield met


def declined(s: Dvpp) -> None:
    s.referred(5).says("referral_declined", 1, provider=s.provider, reason="no_capacity")


def start_late(s: Dvpp) -> None:
    s.assessed(43).fact("wait_reviewed", 18, cause="group_full")


def manager_let_it_go_on(s: Dvpp) -> None:
    s.opened(6).fact("final_order_reviewed", 5, by="SM01", decision="go_on").gate_passed(1)


def dropped(s: Dvpp) -> Dvpp:
    return s.in_week(10, 6, absent={4, 9, 10}).says("dropped", 3, reason="absences")


STAGES: Stages = [
    (1, "SA01", "P002", "ordered today, the gate to pass", lambda s: s.opened(0), {}),
    (1, "SA02", "P005", "violence found, the survivor's plan to be made",
     lambda s: s.opened(3).fact("violence_established", 1, basis="found"), {}),
    (1, "SA03", "P008", "gate late", lambda s: s.opened(9), {}),
    (1, "SA04", "P010", "ordered in a final order, a manager asked (SR-19)", lambda s: s.opened(1), {"in_final_order": True}),
    (1, "SA04", "P010", "ordered in a final order, let go on, ready to refer", manager_let_it_go_on, {"in_final_order": True}),
    (1, "SA01", "P002", "ready to refer", lambda s: s.opened(5).gate_passed(1), {}),
    (1, "SA02", "P006", "ready to refer, late", lambda s: s.opened(14).gate_passed(6), {}),
    (1, "SA05", "P012", "no accredited provider open in the area: an unmet need", lambda s: s.opened(6).gate_passed(2), {}),
    (1, "SA05", "P012", "no provider in reach, note to the court to sign",
     lambda s: s.opened(14).gate_passed(11).fact("no_provider_in_reach", 1), {}),
    (1, "SA05", "P012", "closed, no provider in reach",
     lambda s: s.opened(14).gate_passed(11).fact("no_provider_in_reach", 8).signed(5, "note"), {}),
    (1, "SA01", "P002", "referred today", lambda s: s.referred(0), {}),
    (1, "SA02", "P005", "acknowledgement late, first chase", lambda s: s.referred(6), {}),
    (1, "SA03", "P008", "declined, to be referred to the next", declined, {}),
    (2, "SA02", "P005", "acknowledged, assessment to be held", lambda s: s.taken(6), {}),
    (1, "SA03", "P008", "assessment late, first chase", lambda s: s.taken(22), {}),
    (1, "SA02", "P006", "one appointment for the assessment missed", lambda s: s.taken(10).says("assessment_missed", 2), {}),
    (1, "SA02", "P006", "two appointments missed, report to the court to sign",
     lambda s: s.taken(14).says("assessment_missed", 8).says("assessment_missed", 1), {}),
    (1, "SA01", "P002", "assessed, report due", lambda s: s.taken(12).says("assessment_done", 2), {}),
    (1, "SA01", "P002", "assessment report late, second chase", lambda s: s.taken(25).says("assessment_done", 10), {}),
    (1, "SA04", "P010", "accepted, awaiting start", lambda s: s.assessed(8), {}),
    (1, "SA02", "P005", "awaiting start, the monthly review due", lambda s: s.assessed(25), {}),
    (1, "SA03", "P008", "start late", start_late, {}),
    (1, "SA01", "P002", "did not take the place, report to the court to sign",
     lambda s: s.assessed(15).says("refused", 3), {}),
    (3, "SA01", "P002", "in programme, all weeks attended", lambda s: s.in_week(6, 2), {}),
    (1, "SA02", "P006", "in programme, with a week in which the group did not meet", lambda s: s.in_week(9, 2), {}),
    (1, "SA01", "P002", "in programme, absent once", lambda s: s.in_week(8, 3, absent={6}), {}),
    (1, "SA02", "P005", "weekly report late, first chase", lambda s: s.begun(5, 6).weeks(4), {}),
    (1, "SA03", "P008", "absent twice running, the adviser looks (m03 D1)", lambda s: s.in_week(8, 2, absent={7, 8}), {}),
    (1, "SA03", "P008", "absent three times in all, the adviser late", lambda s: s.in_week(12, 5, absent={3, 7, 12}), {}),
    (1, "SA01", "P002", "mid-way report due", lambda s: s.begun(13, 2).weeks(13), {}),
    (1, "SA02", "P005", "mid-way report late, first chase (m03 D2)", lambda s: s.begun(13, 6).weeks(13), {}),
    (1, "SA02", "P005", "mid-way report late, escalated to commissioning", lambda s: s.begun(13, 8).weeks(13), {}),
    (1, "SA03", "P008", "mid-way report late, escalated to operations", lambda s: s.begun(13, 10).weeks(13), {}),
    (1, "SA01", "P002", "mid-way report received, note to the monitoring court to sign",
     lambda s: s.begun(13, 3).weeks(13).halfway(1), {"monitoring": True}),
    (1, "SA04", "P011", "in programme, but its provider's accreditation has lapsed (SR-04)", lambda s: s.in_week(18, 3), {}),
    (1, "SA02", "P006", "in the last weeks of the programme", lambda s: s.in_week(24, 2), {}),
    (1, "SA01", "P002", "programme over, final report due", lambda s: s.in_week(26, 3), {}),
    (1, "SA02", "P005", "final report late, first chase", lambda s: s.in_week(26, 12), {}),
    (1, "SA03", "P008", "final report late and a hearing near", lambda s: s.in_week(26, 12).hearing(6), {}),
    (1, "SA01", "P002", "completed, report to the court to sign", lambda s: s.finished(1), {}),
    (1, "SA04", "P010", "completed, report to the court late", lambda s: s.finished(7), {}),
    (1, "SA03", "P008", "assessment failed, report to the court to sign",
     lambda s: s.assessed(1, "failed", reason="denies_violence"), {}),
    (1, "SA02", "P006", "dropped from the programme, report to the court to sign", dropped, {}),
    (1, "SA02", "P006", "on hold at the court's request", lambda s: s.assessed(10).fact("held", 2, reason="court_request"), {}),
    (1, "SA01", "P002", "on hold for a new risk (SR-14)", lambda s: s.in_week(7, 2).about_case("risk_raised", 0), {}),
    (1, "SA04", "P010", "unsuitable, but the court's direction stands",
     lambda s: s.opened(10).fact("suitability_decided", 2, suitable="no"), {}),
    (2, "SA01", "P002", "completed", lambda s: s.finished(12).signed(8, "report"), {}),
    (1, "SA02", "P005", "closed, assessment failed",
     lambda s: s.assessed(12, "failed", reason="substance_misuse").signed(8, "report"), {}),
    (1, "SA03", "P008", "closed, dropped from the programme", lambda s: dropped(s).signed(1, "report"), {}),
    (1, "SA04", "P010", "closed, only an assessment was ordered", lambda s: s.assessed(10).signed(6, "report"),
     {"assessment_only": True}),
    (1, "SA02", "P005", "withdrawn, he lives elsewhere", lambda s: s.taken(10).fact("withdrawn", 3, reason="not_resident"), {}),
]  # fmt: skip


def tell_all(files: Files, today: date) -> None:
    tell(Dvpp, STAGES, files, today, count(101))
