"""Random lives of a CPPP: people early, late or never, some things recorded late, with anything that may come between.

What the store would refuse does not happen, so whatever is drawn here is a record that could be.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, get_args

from hypothesis import strategies as st

from models.facts import KINDS, Fact
from models.facts.every import Entry
from models.gates import sessions_held
from models.pathway import Pathway
from models.safety import Blocked, check
from store.judge import agrees, fits, follows
from store.pathways import Loaded, Record
from store.refusal import Refused
from tests.life import Life

BEGIN = date(2026, 1, 5)
PARTIES = ("PA", "PB")
FATES: list[tuple[str, dict[str, Any]]] = [
    ("withdrawn", {"reason": "agreement_reached"}),
    ("proceedings_ended", {}),
    ("court_declined", {"programme": "CPPP"}),
    ("programme_stopped", {"reason": "no_progress"}),
    ("consent_withdrawn", {"party": "PA"}),
    ("consent_withdrawn", {"party": "PB"}),
]
"""What may end it before its time."""


def acceptable(life: Life, fact: Fact) -> bool:
    """Whether the store would take a fact into this life, were it the next to be recorded."""
    known = life.known()
    closed_on = standing.since if (standing := life.on(fact.recorded_on).standing).closed else None
    row = SimpleNamespace(
        reference=life.reference, programme=life.programme, party=life.party, case="CASE1", adviser="FCA1",
        opened_on=life.requested, closed_on=closed_on,
    )  # fmt: skip
    one, subject = Loaded(row, known), life.reference if fact.about == "pathway" else "CASE1"
    try:
        agrees(fact, subject, Record([f for f in known.facts if f.about == fact.about]))
        follows(fact, one, subject)
        check(known, fact.recorded_on, fact)
        fits(fact, one, [one])
    except (Refused, Blocked):
        return False
    return True


class Drawn:
    """A life as it is drawn: days pass, and things happen that may be recorded some days later."""

    def __init__(self, chance: Random, **asked: Any) -> None:
        self.chance = chance
        self.now = BEGIN
        self.life = Life(BEGIN, route="adviser", reference="CPPP-R1", **asked)
        self.sessions: dict[str, date] = {}
        self.codes = 0
        self.until_fate = chance.randint(1, 50)

    def maybe(self, chance: int) -> bool:
        return self.chance.randint(1, 100) <= chance

    def one_of(self, *things: Any) -> Any:
        return self.chance.choice(things)

    def in_any_order(self, things: Sequence[Any]) -> list[Any]:
        return self.chance.sample(things, len(things))

    def later(self, most: int) -> date:
        self.now += timedelta(days=self.chance.randint(0, most))
        return self.now

    def add(self, kind: str, on: date | None = None, **details: Any) -> bool:
        """Something is recorded today that happened on a day: today, or a few days ago. False if it cannot have."""
        on = on or self.now
        ago = self.chance.randint(1, 6) if self.maybe(15) else 0
        return any(self._taken(max(BEGIN, on - timedelta(days=n)), kind, details) for n in dict.fromkeys((ago, 0)))

    def _taken(self, happened: date, kind: str, details: dict[str, Any]) -> bool:
        self.life.add(happened, kind, recorded=self.now, **details)
        fact = self.life.facts.pop()
        if acceptable(self.life, fact):
            self.life.facts.append(fact)
            return True
        return False

    def mostly(self, chance: int, most: int, kind: str, **details: Any) -> None:
        """Something that ought to happen next, but may not."""
        if self.maybe(chance) and self.could(kind):
            self.later(most)
            self.add(kind, **details)

    def could(self, kind: str) -> bool:
        """Whether what it depends on is known, so that no days pass for what cannot be."""
        needs = KINDS[kind].needs
        return not needs or any(fact.kind in needs for fact in self.life.facts)

    def between(self) -> None:
        """What may come at any time."""
        if self.maybe(4):
            self.later(4)
            self.add("risk_raised", risk=f"R{len(self.life.facts)}")
        if self.maybe(4):
            self.later(4)
            self.add("held", reason="court_request", hold=f"H{len(self.life.facts)}")
        self.mostly(70, 6, "risk_reviewed", decision=self.one_of(*["continue"] * 7, "unsuitable"))
        self.mostly(70, 12, "released")
        if self.maybe(10):
            self.later(4)
            self.add("hearing_listed", hearing_on=self.now + timedelta(days=self.chance.randint(1, 60)))
        self.until_fate -= 1
        if self.until_fate == 0:
            self.later(4)
            kind, details = self.one_of(*FATES)
            self.add(kind, **details)
        if self.until_fate < 0:
            self.mostly(50, 6, "court_paper_signed", paper="note", signed_by="FCA1")


def assessed(drawn: Drawn) -> None:
    """Up to what the adviser recommends."""
    drawn.add("further_work_ordered", work="section_7")
    drawn.add("further_work_ordered", work="rule_16_4")
    drawn.between()
    drawn.mostly(99, 9, "assessment_opened")
    for criterion in drawn.in_any_order(drawn.life.known().limits.lists["criteria"]):
        drawn.mostly(99, 2, "criterion_assessed", criterion=criterion, met=drawn.maybe(98))
    spip_considered(drawn, 70)
    drawn.between()
    drawn.mostly(98, 6, "la_referral_considered", referred=False, ground="threshold_not_met")
    drawn.mostly(98, 9, "suitability_decided", suitable=drawn.maybe(97))


def spip_considered(drawn: Drawn, chance: int) -> None:
    for party in PARTIES:
        answer = drawn.one_of({"decision": "refer"}, {"decision": "not_refer", "reason": "time"})
        drawn.mostly(chance, 3, "spip_considered", party=party, **answer)


def agreed(drawn: Drawn) -> None:
    """Up to the practitioner who has it."""
    drawn.between()
    drawn.mostly(98, 8, "programme_offered")
    for party in drawn.in_any_order(PARTIES):
        drawn.between()
        drawn.mostly(96, 15, drawn.one_of(*["consent_given"] * 19, "consent_refused"), party=party)
    drawn.mostly(97, 9, "court_paper_signed", paper="advice", signed_by="FCA1")
    drawn.between()
    drawn.mostly(97, 25, "court_timetabled", file_by=drawn.now + timedelta(days=drawn.chance.randint(20, 150)))
    spip_considered(drawn, 90)
    drawn.between()
    drawn.mostly(97, 9, "practitioner_matched", by="SM1", practitioner="FCA3")


def set_one(drawn: Drawn) -> None:
    drawn.codes += 1
    code, usual = f"R1-{drawn.codes}", ("parent", "parent", "child", "joint")[drawn.codes % 4]
    sitting = usual if drawn.maybe(70) else drawn.one_of("parent", "child", "joint")
    held = drawn.now + timedelta(days=drawn.chance.randint(0, 25))
    drawn.life.set_session(drawn.now, code, held, sitting, letters=drawn.maybe(40))
    fact = drawn.life.facts.pop()
    if acceptable(drawn.life, fact):
        drawn.life.facts.append(fact)
        drawn.sessions[code] = held


def move_one(drawn: Drawn, code: str) -> None:
    held = drawn.now + timedelta(days=drawn.chance.randint(0, 20))
    drawn.life.moved(drawn.now, code, held)
    fact = drawn.life.facts.pop()
    if acceptable(drawn.life, fact):
        drawn.life.facts.append(fact)
        drawn.sessions[code] = held


def something_of_a_session(drawn: Drawn) -> None:
    """A session is set, held and said so, early or late; or moved, called off, or never heard of again."""
    drawn.later(9)
    gone = [code for code, held in drawn.sessions.items() if held <= drawn.now]
    if not drawn.sessions or drawn.maybe(35):
        set_one(drawn)
    elif drawn.maybe(20):
        move_one(drawn, drawn.one_of(*drawn.sessions))
    elif drawn.maybe(7):
        drawn.add("session_called_off", session=drawn.one_of(*drawn.sessions))
    elif gone:
        code = drawn.one_of(*gone)
        drawn.add("session_held", on=drawn.sessions[code], session=code)
    else:
        drawn.mostly(60, 3, "session_letter_sent", session=drawn.one_of(*drawn.sessions))


def held(drawn: Drawn) -> None:
    """The sessions, with all that befalls them."""
    for _ in range(drawn.chance.randint(2, 40)):
        if all(answer for _, answer in sessions_held(Pathway(drawn.life.known(), drawn.now))) and drawn.maybe(60):
            break
        if drawn.maybe(25):
            drawn.between()
        something_of_a_session(drawn)
        drawn.mostly(4, 5, "joint_meeting_waived", reason="unsafe")
        drawn.mostly(5, 5, "child_letter_shared")
        drawn.mostly(5, 5, "practitioner_matched", by="SM1", practitioner=drawn.one_of("FCA3", "FCA2"))
        if drawn.maybe(5):
            drawn.add("extension_granted", until=drawn.now + timedelta(days=drawn.chance.randint(7, 70)))


def followed(drawn: Drawn) -> None:
    """The report, and what comes after."""
    drawn.mostly(90, 9, "outcome_recorded", outcome=drawn.one_of("agreement", "recommendations"))
    drawn.between()
    drawn.mostly(90, 15, "court_paper_signed", paper="report", signed_by=drawn.one_of("FCA1", "FCA3"))
    drawn.mostly(40, 20, "proceedings_ended")
    drawn.mostly(30, 30, "followed_up", by="RA1")
    drawn.between()


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, date]:
    """A life of a CPPP, and the day it is looked at."""
    chance = draw(st.randoms(use_true_random=True))
    drawn = Drawn(chance, entry=chance.choice(get_args(Entry)), suggested_by=chance.choice(["adviser", "judge"]))
    for part in (assessed, agreed, held, followed):
        part(drawn)
    # Between the numbers is room for what a SPIP that is opened in addition adds to the record.
    spaced = [fact.model_copy(update={"id": 10 * fact.id, "place": 10 * fact.place}) for fact in drawn.life.facts]
    drawn.life.facts = spaced
    return drawn.life, drawn.later(40)
