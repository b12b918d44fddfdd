"""Gates: what must be known before a person is referred to a provider, or before a report is due."""

from collections.abc import Callable

from models.facts import Fact
from models.facts.case import ContactFailed, EnquiriesDone, ParentSpokenTo, SafeguardingLetterFiled
from models.facts.cppp import JointMeetingWaived, SessionHeld, SessionSet
from models.facts.dvpp import SurvivorPlanMade, ViolenceEstablished
from models.pathway import Pathway, known_at, soonest


def missing_from_gate(p: Pathway) -> list[str]:
    """What still stands between the request and a referral, as codes; empty when the gate is passed."""
    return [code for code, answer in _answers(p) if answer is None]


def gate_passed_by(p: Pathway) -> Fact | None:
    """The fact that completed the gate; None while something is missing."""
    answers = [answer for _, answer in _answers(p)]
    if not all(answers):
        return None
    return max((fact for fact in answers if fact), key=lambda fact: (fact.recorded_at, fact.id))


Answers = list[tuple[str, Fact | None]]


def _enquiries(p: Pathway) -> Answers:
    """SPIP (SR-01, SR-02): finished enquiries, every parent spoken to.

    What the court ordered passes on a filed safeguarding letter too, and a service manager may accept that a parent
    could not be reached; neither holds for an adviser's own referral. What became known first stands: a letter filed
    when all that was asked for had been answered opens nothing anew.
    """
    answers: Answers = [("enquiries", p.first(EnquiriesDone))]
    for party in p.known.parties:
        failed = p.first(ContactFailed, party=party) if p.court_ordered else None
        answers.append((f"conversation with {party}", soonest(p.first(ParentSpokenTo, party=party), failed)))
    letter = p.first(SafeguardingLetterFiled) if p.court_ordered else None
    if letter and not all(answer and known_at(answer) < known_at(letter) for _, answer in answers):
        return [("enquiries", letter)]
    return answers


def _violence_and_plan(p: Pathway) -> Answers:
    """DVPP: the violence is admitted or found, and there is a plan for the survivor (strategy2014)."""
    return [("finding", p.first(ViolenceEstablished)), ("survivor plan", p.first(SurvivorPlanMade))]


_GATES: dict[str, Callable[[Pathway], Answers]] = {"SPIP": _enquiries, "DVPP": _violence_and_plan}


def _answers(p: Pathway) -> Answers:
    return _GATES[p.known.programme](p)


def sessions_held(p: Pathway) -> Answers:
    """CPPP: all its sessions, one with the child, and both parents together unless that was waived (cppp2020).

    Each is answered by what was recorded first, so that a session recorded late changes nothing that was said.
    """
    sitting = {fact.session: fact.sitting for fact in p.all(SessionSet)}
    held = p.all(SessionHeld)
    joint = [fact for fact in held if sitting.get(fact.session) == "joint"]
    return [
        (f"session {len(held) + 1}", soonest(*held, nth=p.number("sessions"))),
        ("a session with the child", soonest(*(fact for fact in held if sitting.get(fact.session) == "child"))),
        ("a joint meeting", soonest(*p.all(JointMeetingWaived), soonest(*joint, nth=p.number("joint_meetings")))),
    ]
