"""Fictional CPPP pathways, one or more at every stage; each is for both parents of a case."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from samples.sample import Files, Sample, Stages, tell

CRITERIA = ["both_willing", "court_still_needed", "harmful_conflict", "safe_together"]
SITTINGS = ["parent", "parent", "child", "joint"]
ADVISED, ORDERED = "further_work_advised", "further_work_ordered"
WORK = {
    "first_hearing": [(ADVISED, "section_7")],
    "section_7": [(ORDERED, "section_7")],
    "section_7_to_16_4": [(ORDERED, "section_7"), (ADVISED, "rule_16_4")],
    "rule_16_4": [(ORDERED, "rule_16_4")],
}
"""What each way into CPPP rests on (SR-07)."""


@dataclass
class Cppp(Sample):
    """A CPPP pathway being told. Its "provider" is the practitioner who runs it."""

    programme = "CPPP"
    letter = "R"
    role = ""

    entry: str = "section_7"
    suggested_by: str = "adviser"

    def opens(self, ago: int) -> None:
        self.request(ago, entry=self.entry, suggested_by=self.suggested_by)
        for kind, work in WORK[self.entry]:
            self.about_case(kind, ago, work=work)

    # Suitability and consent -----------------------------------------------------------------------------------------

    def assessing(self, ago: int) -> "Cppp":
        return self.opened(ago + 3).fact("assessment_opened", ago)

    def criteria(self, ago: int, *unmet: str, upto: int = len(CRITERIA)) -> "Cppp":
        for criterion in CRITERIA[:upto]:
            self.fact("criterion_assessed", ago, criterion=criterion, met="no" if criterion in unmet else "yes")
        return self

    def authority(self, ago: int, ground: str = "threshold_not_met") -> "Cppp":
        """A referral to the local authority considered and answered (SR-22)."""
        referred = "no" if ground == "threshold_not_met" else "yes"
        return self.fact("la_referral_considered", ago, referred=referred, ground=ground)

    def spip(self, letter: str, ago: int, **reason: str) -> "Cppp":
        """SPIP in addition for one parent: referred, unless there is a reason not to."""
        return self.fact(
            "spip_considered", ago, party=self.person(letter), decision="not_refer" if reason else "refer", **reason
        )

    def suitable(self, ago: int, without_spip: str = "") -> "Cppp":
        self.assessing(ago + 6).criteria(ago + 3).authority(ago + 2)
        for letter in "AR".replace(without_spip, ""):
            self.spip(letter, ago + 1, reason="attended_before")
        return self.fact("suitability_decided", ago, suitable="yes")

    def offered(self, ago: int, **more: str) -> "Cppp":
        return self.suitable(ago + 3, **more).fact("programme_offered", ago)

    def consents(self, letter: str, ago: int) -> "Cppp":
        return self.fact("consent_given", ago, party=self.person(letter))

    def agreed(self, ago: int, **more: str) -> "Cppp":
        return self.offered(ago + 6, **more).consents("A", ago + 2).consents("R", ago)

    def takes_back(self, ago: int) -> "Cppp":
        return self.fact("consent_withdrawn", ago, party=self.person("R"))

    # The court and the practitioner ----------------------------------------------------------------------------------

    def advised(self, ago: int, **more: str) -> "Cppp":
        return self.agreed(ago + 3, **more).signed(ago, "advice")

    def timetabled(self, ago: int, **more: str) -> "Cppp":
        """The court gives eighteen weeks, and orders the report the case was advised to need."""
        self.advised(ago + 8, **more)
        if self.entry == "first_hearing":
            self.about_case(ORDERED, ago, work="section_7")
        return self.fact("court_timetabled", ago, by="BS01", file_by=self.day(ago) + timedelta(weeks=18))

    def matched(self, ago: int) -> "Cppp":
        return self.timetabled(ago + 3).fact("practitioner_matched", ago, by="SM01", practitioner=self.provider)

    # The programme ---------------------------------------------------------------------------------------------------

    def runs(self, kind: str, ago: int, **details: object) -> "Cppp":
        """A fact its practitioner records."""
        return self.fact(kind, ago, by=self.provider, **details)

    def planned(self, *held: int) -> "Cppp":
        """Sessions with each parent, the child, and both together: set for so many working days ago, or still to come."""
        self.matched(max(*held, 0) + 8)
        for place, (ago, sitting) in enumerate(zip(held, SITTINGS, strict=False)):
            who = {"party": self.person("AR"[place])} if sitting == "parent" else {}
            self.runs(
                "session_set", max(*held, 0) + 4, session=self.session(place), sitting=sitting, **who, **self.at(ago)
            )
        return self

    def session(self, place: int) -> str:
        return f"C-{self.number:04}-{place + 1}"

    def at(self, ago: int) -> dict[str, str]:
        return {"starts_at": f"{self.day(ago)} 10:00", "ends_at": f"{self.day(ago)} 11:30"}

    def sessions(self, *held: int, letter: bool = True) -> "Cppp":
        """The same, and those of earlier days were held; what the child said was shared with its parents."""
        self.planned(*held)
        for place, ago in enumerate(held):
            if ago > 0:
                self.runs("session_held", ago, session=self.session(place))
        seen = letter and len(held) > 2 and held[2] > 3
        return self.runs("child_letter_shared", held[2] - 3) if seen else self

    def waived(self, ago: int) -> "Cppp":
        return self.runs("joint_meeting_waived", ago, reason="a_parent_cannot")

    def all_held(self, ago: int) -> "Cppp":
        """All four sessions within twelve weeks, the last so many working days ago."""
        return self.sessions(ago + 34, ago + 26, ago + 14, ago)

    def reported(self, ago: int, outcome: str = "agreement") -> "Cppp":
        self.all_held(ago + 7).runs("outcome_recorded", ago + 2, outcome=outcome)
        return self.signed(ago, "report", by=self.provider)

    def followed_up(self, ago: int) -> "Cppp":
        return self.fact("followed_up", ago, by="RA01")


def unsuitable(s: Cppp) -> None:
    s.assessing(9).criteria(6, "safe_together").authority(5).fact("suitability_decided", 3, suitable="no")


def first_session(s: Cppp) -> None:
    first = {"session": s.session(0), "sitting": "parent", "party": s.person("A"), "letters": "yes"}
    s.matched(3).runs("session_set", 0, **first, **s.at(-5))


def moved(s: Cppp) -> None:
    s.sessions(15, -1).runs("session_moved", 1, session=s.session(1), **s.at(-6))


def longer(s: Cppp) -> None:
    until = s.sessions(64, 52, 40, -4).waived(10).day(-15)
    s.fact("extension_granted", 6, by="BS01", until=until)


STAGES: Stages = [
    (1, "SA01", "FCA02", "considered today, before the first hearing", lambda s: s.opened(0).hearing(15), {"entry": "first_hearing"}),
    (1, "SA02", "FCA04", "a judge's suggestion, assessment to be opened (SR-06)", lambda s: s.opened(2), {"suggested_by": "judge"}),
    (1, "SA03", "FCA04", "on the way to rule 16.4, assessment opened late", lambda s: s.opened(7), {"entry": "section_7_to_16_4"}),
    (1, "SA04", "FCA02", "with a guardian (rule 16.4), two criteria of four assessed",
     lambda s: s.assessing(4).criteria(2, upto=2), {"entry": "rule_16_4"}),
    (1, "SA05", "FCA02", "a referral to the local authority made (SR-22)",
     lambda s: s.assessing(5).criteria(3).authority(1, "child_in_need"), {}),
    (1, "SA01", "FCA02", "suitability late", lambda s: s.assessing(13), {}),
    (1, "SA02", "FCA04", "SPIP in addition for one parent, with a pathway of its own",
     lambda s: s.assessing(6).criteria(3).authority(2).spip("A", 1), {}),
    (1, "SA03", "FCA04", "suitable, both parents to be asked", lambda s: s.suitable(2), {}),
    (1, "SA01", "FCA02", "asked, neither parent has answered", lambda s: s.offered(3), {}),
    (1, "SA02", "FCA04", "one parent has agreed", lambda s: s.offered(5).consents("A", 2), {}),
    (1, "SA04", "FCA04", "to be asked at the first hearing", lambda s: s.offered(2).hearing(8), {"entry": "first_hearing"}),
    (1, "SA03", "FCA05", "both agree, advice to the court to sign", lambda s: s.agreed(1), {}),
    (1, "SA01", "FCA02", "advice to the court late", lambda s: s.agreed(7), {}),
    (1, "SA02", "FCA04", "the court is to give a day, at its hearing", lambda s: s.advised(4).hearing(10), {}),
    (1, "SA04", "FCA05", "the court gave a day, SPIP still to be considered for one parent",
     lambda s: s.timetabled(2, without_spip="R"), {}),
    (1, "SA05", "FCA05", "practitioner wanted", lambda s: s.timetabled(1), {"entry": "rule_16_4"}),
    (1, "SA03", "FCA05", "practitioner wanted, late", lambda s: s.timetabled(7), {}),
    (1, "SA01", "FCA02", "a practitioner found today, first session to be set", lambda s: s.matched(0), {}),
    (1, "SA04", "FCA04", "first session set today, the parents to be written to", first_session, {}),
    (1, "SA02", "FCA04", "first session to come", lambda s: s.planned(-4), {"entry": "first_hearing"}),
    (1, "SA03", "FCA05", "first session late", lambda s: s.matched(17), {}),
    (1, "SA01", "FCA02", "one session held", lambda s: s.sessions(6, -3, -10), {}),
    (1, "SA01", "FCA02", "two sessions held", lambda s: s.sessions(15, 7, -2), {"entry": "section_7_to_16_4"}),
    (1, "SA02", "FCA04", "three sessions held, the joint meeting to come", lambda s: s.sessions(25, 16, 8, -3), {}),
    (1, "SA04", "FCA05", "a session of yesterday, what became of it still to be said",
     lambda s: s.planned(20, 1).runs("session_held", 20, session=s.session(0)), {}),
    (1, "SA03", "FCA04", "a session moved to next week", moved, {}),
    (1, "SA05", "FCA05", "the child's letter late", lambda s: s.sessions(34, 26, 14, letter=False), {}),
    (1, "SA03", "FCA04", "a session called off", lambda s: s.sessions(14, -3).runs("session_called_off", 1, session=s.session(1)), {}),
    (1, "SA01", "FCA02", "week eight over, two sessions held (m03 C1)", lambda s: s.sessions(42, 30, -2), {}),
    (1, "SA02", "FCA04", "week ten over, joint meeting due", lambda s: s.sessions(52, 40, 28), {}),
    (1, "SA03", "FCA05", "joint meeting waived", lambda s: s.sessions(52, 40, 28).waived(1), {}),
    (1, "SA04", "FCA05", "week twelve over, more time or an end wanted", lambda s: s.sessions(62, 50, 40).waived(10), {}),
    (1, "SA01", "FCA02", "the court gave more time", longer, {}),
    (1, "SA02", "FCA04", "on hold for a new risk (SR-14)", lambda s: s.sessions(12, -3).about_case("risk_raised", 0), {}),
    (1, "SA03", "FCA04", "consent withdrawn, note to the court to sign (SR-10)", lambda s: s.sessions(18, 9).takes_back(1), {}),
    (1, "SA01", "FCA02", "all sessions held, report due", lambda s: s.all_held(3), {}),
    (1, "SA02", "FCA04", "report late, a hearing near",
     lambda s: s.all_held(12).runs("outcome_recorded", 4, outcome="recommendations").hearing(6), {}),
    (2, "SA01", "FCA02", "report filed, followed for two years", lambda s: s.reported(30), {}),
    (1, "SA02", "FCA04", "six-month review late", lambda s: s.reported(132, "recommendations"), {}),
    (1, "SA03", "FCA05", "reviewed, followed to the end of two years", lambda s: s.reported(300).followed_up(176), {}),
    (1, "SA01", "FCA02", "closed with an agreement", lambda s: s.reported(540).followed_up(415), {}),
    (1, "SA02", "FCA04", "closed without an agreement", lambda s: s.reported(540, "recommendations").followed_up(415), {}),
    (1, "SA03", "FCA04", "closed, found unsuitable", unsuitable, {}),
    (1, "SA04", "FCA05", "closed, one parent declined",
     lambda s: s.offered(10).consents("A", 7).fact("consent_refused", 4, party=s.person("R")), {}),
    (1, "SA05", "FCA05", "closed, consent taken back before the court was asked", lambda s: s.agreed(6).takes_back(4), {}),
    (1, "SA01", "FCA02", "stopped for no progress, the court told",
     lambda s: s.sessions(35, 25, 15).runs("programme_stopped", 8, reason="no_progress").signed(5, "note"), {}),
    (1, "SA02", "FCA04", "closed, the court declined",
     lambda s: s.advised(9).about_case("court_declined", 3, programme="CPPP"), {}),
]  # fmt: skip


def tell_all(files: Files, today: date) -> None:
    tell(Cppp, STAGES, files, today, count(201))
