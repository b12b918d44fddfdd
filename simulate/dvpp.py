"""What people answer on a DVPP: the gate, the assessment, week by week, the reports."""

from collections.abc import Sequence

from models.facts import Fact
from models.facts.dvpp import Dropped, NoProviderInReach, ProgrammeStarted, WeeklyAttendance
from models.working_days import working_days_after
from simulate.answering import Asked, NotYet, Says, one_of


def _life(asked: Asked, what: str) -> bool:
    return asked.shares.happens(asked.of_life(what), "dvpp", "numbers", what)


def gate(asked: Asked) -> Sequence[Fact]:
    """The violence is admitted or found, and there is a plan for the survivor."""
    return [asked.says("established"), asked.says("plan")]


def referral(asked: Asked) -> Sequence[Fact]:
    """One of the accredited providers; where there is none for too long, nobody is in reach."""
    try:
        return one_of(asked)
    except NotYet:
        patience = int(asked.shares.number("dvpp", "numbers", "gives_up_after"))
        if working_days_after(asked.duty.opened_on, asked.today) < patience:
            raise
        return [asked.fact(NoProviderInReach, by=asked.one.known.people.adviser)]


def assessment(asked: Asked) -> Sequence[Fact]:
    missed = _life(asked, "not_assessed") or (asked.attempt == 1 and _life(asked, "misses_one"))
    return [asked.says("missed" if missed else "done")]


def assessment_report(asked: Asked) -> Sequence[Fact]:
    return [asked.says("failed" if _life(asked, "fails") else "accepted")]


def start(asked: Asked) -> Sequence[Fact]:
    least, most = (int(asked.shares.number("dvpp", "numbers", f"{end}_weeks")) for end in ("least", "most"))
    return [asked.says("started", weeks=asked.chance.randint(least, most))]


def weekly(asked: Asked) -> Sequence[Fact]:
    """Who drops out stays away for two weeks, and is then taken off the programme."""
    week = int(asked.duty.key.rpartition(":")[2])
    last = _drops_out_in(asked)
    if last and week > last:
        if asked.p.all(Dropped):
            return [asked.says("absent")]
        away = asked.p.all(WeeklyAttendance, result="absent")
        return [asked.says("dropped", reason="absences")] if len(away) > 1 else [asked.says("absent")]
    for result in ("not_held", "absent"):
        if asked.happens("dvpp", "numbers", result):
            return [asked.says(result)]
    return [asked.says("attended")]


def _drops_out_in(asked: Asked) -> int | None:
    """After which week he does not come any more; None for who stays."""
    weeks = asked.p.all(ProgrammeStarted)[-1].weeks
    return asked.of_life("last week").randint(2, weeks - 4) if _life(asked, "drops_out") else None


ANSWERS: dict[str, Says] = {
    "suitability_gate": gate,
    "referral": referral,
    "assessment": assessment,
    "assessment_report": assessment_report,
    "start": start,
    "weekly_attendance": weekly,
}
