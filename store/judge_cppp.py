"""Whether a fact fits the order of a CPPP: answers given once, the court advised, sessions as they stand."""

from models.facts.cppp import (
    ChildLetterShared,
    ConsentGiven,
    ConsentRefused,
    CourtTimetabled,
    OutcomeRecorded,
    PractitionerMatched,
    SessionCalledOff,
    SessionHeld,
    SessionMoved,
    SessionSet,
    Unavailable,
)
from models.facts.every import CourtPaperSigned
from models.gates import sessions_held
from models.pathway import Pathway
from models.working_days import say
from store.pathways import Loaded
from store.refusal import Refused, Rules

_OF_ONE_SESSION = (SessionMoved, SessionCalledOff, SessionHeld)


def _session_stands(fact: SessionMoved | SessionCalledOff | SessionHeld, one: Loaded) -> None:
    """A session is moved, called off or held while it is still to come; it is held on the day it is set for."""
    p = Pathway(one.known, fact.recorded_on)
    over = p.first(SessionCalledOff, SessionHeld, session=fact.session)
    if over and over.id != fact.supersedes:
        raise Refused("session", f"{fact.session} is over: {over.label} on {say(over.happened_on)}")
    timed = p.last(SessionSet, SessionMoved, session=fact.session)
    if isinstance(fact, SessionMoved) and timed and fact.happened_on < timed.happened_on:
        raise Refused("happened_on", f"{fact.session} was put on another day since, on {say(timed.happened_on)}")
    if isinstance(fact, SessionHeld) and timed and fact.happened_on != timed.session_on:
        why = f"{fact.session} is set for {say(timed.session_on)}; if it was held on another day, move it first"
        raise Refused("happened_on", why)


def _signed_once(fact: CourtPaperSigned, one: Loaded) -> None:
    """The court is advised once of a CPPP, and gets one report."""
    if one.row.programme != "CPPP" or fact.paper == "note":
        return
    signed = Pathway(one.known, fact.recorded_on).first(CourtPaperSigned, paper=fact.paper)
    if signed and signed.id != fact.supersedes:
        raise Refused("paper", f"the {fact.paper} was signed on {say(signed.happened_on)}, fact {signed.id}")


def _court_was_advised(fact: CourtTimetabled, one: Loaded) -> None:
    advised = Pathway(one.known, fact.recorded_on).first(CourtPaperSigned, paper="advice")
    if advised is None or advised.happened_on > fact.happened_on:
        raise Refused("fact", "the court gives time when it was advised; record court_paper_signed paper=advice first")


def _given_in_turn(fact: PractitionerMatched, one: Loaded) -> None:
    """Whoever it went to last has it, so it is given on after that day and to somebody else."""
    last = Pathway(one.known, fact.recorded_on).last(PractitionerMatched)
    if last is None:
        return
    if last.practitioner == fact.practitioner:
        raise Refused("practitioner", f"{fact.practitioner} has it since {say(last.happened_on)}")
    if fact.happened_on < last.happened_on:
        raise Refused("happened_on", f"it was given to {last.practitioner} since, on {say(last.happened_on)}")


def _sessions_complete(fact: OutcomeRecorded, one: Loaded) -> None:
    """The outcome is that of all the sessions; one that ends before them is stopped (programme_stopped)."""
    answers = sessions_held(Pathway(one.known, fact.recorded_on))
    if missing := [name for name, answer in answers if answer is None]:
        raise Refused("fact", f"the sessions are not complete; still missing: {', '.join(missing)}")
    if fact.happened_on < (last := max(answer.happened_on for _, answer in answers if answer)):
        raise Refused("happened_on", f"the sessions were only complete on {say(last)}")


def _child_was_seen(fact: ChildLetterShared, one: Loaded) -> None:
    seen = dict(sessions_held(Pathway(one.known, fact.recorded_on)))["a session with the child"]
    if seen is None or seen.happened_on > fact.happened_on:
        raise Refused("fact", "the child is seen first; record that session (session_held)")


def _one_answer(fact: ConsentGiven | ConsentRefused, one: Loaded) -> None:
    """A parent answers once: a consent is withdrawn, and a refusal ends it."""
    said = Pathway(one.known, fact.recorded_on).first(ConsentGiven, ConsentRefused, party=fact.party)
    if isinstance(said, ConsentGiven) and isinstance(fact, ConsentRefused):
        raise Refused("fact", f"{fact.party} has consented; a consent is withdrawn (consent_withdrawn)")
    if isinstance(said, ConsentRefused) and isinstance(fact, ConsentGiven):
        raise Refused("fact", f"{fact.party} declined on {say(said.happened_on)}, fact {said.id}, which ends it")


def _known_there(fact: Unavailable, one: Loaded) -> None:
    p = Pathway(one.known, fact.recorded_on)
    may = [*one.known.parties, one.row.case, one.row.adviser, *filter(None, [p.provider and p.provider.code])]
    if fact.who not in may:
        raise Refused("who", f"{fact.who} has no part in {one.row.reference}; one of {', '.join(dict.fromkeys(may))}")


RULES: Rules = (
    (_session_stands, _OF_ONE_SESSION),
    (_signed_once, CourtPaperSigned),
    (_court_was_advised, CourtTimetabled),
    (_given_in_turn, PractitionerMatched),
    (_sessions_complete, OutcomeRecorded),
    (_child_was_seen, ChildLetterShared),
    (_one_answer, (ConsentGiven, ConsentRefused)),
    (_known_there, Unavailable),
)
