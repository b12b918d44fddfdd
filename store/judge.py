"""Whether a fact may be entered: sound in itself, in agreement with the record, and in its place on the pathway.

What safety forbids is another matter (`models.safety`). A refusal is a sentence that names the column at fault.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from models.facts import Fact
from models.facts.base import Timed
from models.facts.case import ContactFailed, ProceedingsEnded
from models.facts.cppp import (
    AssessmentOpened,
    ConsentGiven,
    ConsentWithdrawn,
    CriterionAssessed,
    LocalAuthorityConsidered,
    PractitionerMatched,
    ProgrammeOffered,
    ProgrammeStopped,
    SessionCalledOff,
    SessionLetterSent,
    SessionMoved,
    SessionSet,
)
from models.facts.dvpp import NoProviderInReach, SurvivorPlanMade, ViolenceEstablished
from models.facts.every import (
    CourtPaperSigned,
    DirectionDischarged,
    LetterSent,
    Requested,
    Retracted,
    SuitabilityDecided,
    Withdrawn,
)
from models.facts.referral import CorrectionAsked, ProviderPhoned, ReferralSent
from models.facts.spip import AttendanceReported, SessionBooked, SessionCancelled
from models.limits import Span
from models.screen import words
from models.working_days import LONDON, london_date, say
from settings import Sessions
from store import judge_cppp, judge_dvpp, judge_pause, judge_referral
from store.judge_pause import answered
from store.judge_referral import GIVEN_BACK, OF_HOLDER, is_free, of_holder, sent_to
from store.pathways import Loaded, Record
from store.refusal import Refused, contradicts, summary

_AFTER_THE_END = (LetterSent, SessionLetterSent, ProviderPhoned, CorrectionAsked, SessionCancelled)
_MAY_COME_FIRST = (ViolenceEstablished, SurvivorPlanMade)
"""What may have happened before the order that opens the pathway."""
_SHARED = ("session", "provider", "hearing_on", "party")
_ENDS = (Withdrawn, ProceedingsEnded, DirectionDischarged, NoProviderInReach, ConsentWithdrawn, ProgrammeStopped)
_BEGINS = (ReferralSent, SessionBooked, PractitionerMatched, SessionSet, SessionMoved)


@dataclass(frozen=True)
class People:
    """The codes we know: practitioners with their roles, and providers."""

    roles: dict[str, str]
    providers: set[str]


def codes_in(fact: Fact) -> set[str]:
    """The codes of people that a fact rests on: whoever recorded it, and whoever accepted what it says."""
    return {fact.recorded_by, fact.accepted_by} if isinstance(fact, ContactFailed) else {fact.recorded_by}


def sound(fact: Fact, now: datetime, people: People) -> None:
    """Dates that can be, and codes we know."""
    if isinstance(fact, Requested):
        raise Refused("fact", "a pathway is asked for by a direction or a request; load one of those")
    if fact.happened_on > london_date(now):
        raise Refused("happened_on", f"{say(fact.happened_on)} is still to come; a fact has happened")
    if fact.recorded_at > now:
        raise Refused("recorded_at", "it cannot be recorded at a time still to come")
    if fact.recorded_on < fact.happened_on:
        raise Refused("recorded_at", f"it was recorded before it happened, on {say(fact.happened_on)}")
    if isinstance(fact, ReferralSent) and fact.told_already and fact.happened_on == london_date(now):
        raise Refused("told_already", "a referral of today is not known to its provider yet; leave told_already empty")
    if isinstance(fact, (SessionBooked, SessionSet, SessionMoved)) and fact.happened_on > fact.session_on:
        raise Refused("happened_on", f"a session is fixed before it is held, on {say(fact.session_on)}")
    if fact.recorded_by not in people.roles and fact.recorded_by not in people.providers:
        raise Refused("recorded_by", f"{fact.recorded_by} is neither a practitioner nor a provider we know")
    if isinstance(fact, ContactFailed) and people.roles.get(fact.accepted_by) != "service_manager":
        why = f"a failed contact is accepted by a service manager; {fact.accepted_by} is not one"
        raise Refused("accepted_by", why)


def can_be_meant(fact: Fact, sessions: Sessions) -> None:
    """A session in ten years, through the night or for a whole day is a slip of whoever typed it."""
    if not isinstance(fact, Timed):
        return
    if fact.session_on > Span(sessions.months_ahead, "months").after(fact.happened_on):
        why = f"{say(fact.session_on)} is more than {sessions.months_ahead} months ahead; look at the year again"
        raise Refused("starts_at", why)
    (programme,) = fact.of
    most = sessions.hours.get(programme)
    if most and fact.ends_at - fact.starts_at > timedelta(hours=most):
        raise Refused("ends_at", f"a session of {programme} is over after {most} hours; look at when it ends again")
    begins, ends = (at.astimezone(LONDON).time() for at in (fact.starts_at, fact.ends_at))
    if fact.ends_on > fact.session_on or begins < sessions.opens or ends > sessions.closes:
        night = f"between {sessions.closes:%H:%M} and {sessions.opens:%H:%M}"
        raise Refused("starts_at", f"no session is held {night}; look at its hours again")


def agrees(fact: Fact, subject: str, record: Record) -> None:
    """No contradiction: what stands is corrected by name, and only once."""
    if fact.supersedes is not None:
        target = next((f for f in record.live if f.id == fact.supersedes), None)
        if target is None:
            corrected = fact.supersedes in record.corrected
            why = "was corrected already" if corrected else f"is no fact about {subject}"
            raise Refused("supersedes", f"fact {fact.supersedes} {why}")
        first = record.corrected.get(target.place, target)
        if fact.kind not in (first.kind, Retracted.kind):
            why = f"fact {target.id} is {first.kind}; a correction is of the same kind, or retracted"
            raise Refused("supersedes", why)
    elif isinstance(fact, Retracted):
        raise Refused("supersedes", "say by its number which fact never happened")
    standing = next((f for f in record.live if f.same_as(fact) and f.id != fact.supersedes), None)
    if standing:
        over = answered(standing, record.live)
        raise Refused("fact", over) if over else _code_is_over(standing, record) or contradicts(standing)
    before = next((f for f in record.corrected.values() if f.same_as(fact)), None)
    if fact.supersedes is None and before:
        now = next((f.id for f in record.live if f.place == before.place), before.id)
        raise Refused("fact", f"this was recorded before and corrected; to say it again, give supersedes {now}")


def _code_is_over(standing: Fact, record: Record) -> Refused | None:
    """Why a session's code is not given again to somebody: the session was cancelled, or was another provider's."""
    if not isinstance(standing, SessionBooked):
        return None
    cancelled = (f for f in record.live if isinstance(f, SessionCancelled) and f.session == standing.session)
    if gone := next(cancelled, None):
        why = f"{standing.session} was cancelled for this person, fact {gone.id}; give the session another code"
        return Refused("session", why)
    if any(isinstance(f, GIVEN_BACK) and f.place > standing.place for f in record.live):
        return Refused("session", "a session of an earlier provider has this code; give the session another")
    return None


def follows(fact: Fact, one: Loaded, subject: str) -> None:
    """On a pathway of its programme, not before what it depends on, and not on one that is over."""
    row, known = one.row, one.known
    if fact.of and row.programme not in fact.of:
        raise Refused("fact", f"{fact.kind} is of {' and '.join(fact.of)}; {row.reference} is {row.programme}")
    if subject == row.reference:
        if row.closed_on and fact.supersedes is None and not isinstance(fact, _AFTER_THE_END):
            why = f"{row.reference} closed on {say(row.closed_on)}; correct an earlier fact if that was wrong"
            raise Refused("fact", why)
        if fact.happened_on < row.opened_on and not isinstance(fact, _MAY_COME_FIRST):
            raise Refused("happened_on", f"{row.reference} was only requested on {say(row.opened_on)}")
    if not fact.needs:
        return
    causes = [f for f in known.facts if f.kind in fact.needs and _same_thing(f, fact)]
    if not causes:
        needed = " or ".join(fact.needs)
        raise Refused("fact", f"{fact.kind} needs {needed} first{_of_what(fact)}; none is recorded")
    earliest = min(_begins(cause, fact) for cause in causes)
    if fact.happened_on < earliest:
        raise Refused("happened_on", f"it cannot have happened before {say(earliest)}, the day of what it answers")


_MADE_UP = ("session", "venue", "risk", "hold")
"""Details that hold a code somebody makes up."""


def made_up(fact: Fact) -> list[tuple[str, str]]:
    """The details of a fact that are codes somebody made up, with what they say."""
    made_up = (name for name in _MADE_UP if name in type(fact).model_fields)
    return [(name, said) for name in made_up if (said := getattr(fact, name))]


def names_nobody(fact: Fact, names: Iterable[str]) -> None:
    """A code that is made up holds no name of a party (SR-12): what is short enough fits the form of one."""
    known = list(names)
    for name, said in made_up(fact):
        if holds_name(said, known):
            raise Refused(name, "it holds what is a name in this case (SR-12); use a code that says nothing")


def holds_name(said: str, names: Iterable[str]) -> bool:
    """Whether a reference or code holds a word of some people's names."""
    of_people = {word for name in names for word in words(name) if len(word) > 2 and word.isalpha()}
    return not of_people.isdisjoint(words(said))


def first_to_answer(answers: Any, about: Sequence[Loaded]) -> None:
    """Of two who answer the same, the first one's answer stands and the other is told."""
    facts = [fact for one in about for fact in one.known.facts]
    if answers and (other := answers.given(facts)):
        raise Refused("fact", f"somebody else has answered this meanwhile: {summary(other)}, fact {other.id}")


def fits(fact: Fact, one: Loaded, of_person: Sequence[Loaded]) -> None:
    """The person is of this case, the provider is the one that holds the referral, and nothing is opened twice."""
    if getattr(fact, "party", None) and fact.party not in one.known.parties:
        raise Refused("party", f"{fact.party} is not a party of this case; its parties: {', '.join(one.known.parties)}")
    target = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    if isinstance(target, Requested):
        raise Refused("supersedes", "what opened a pathway is not corrected; withdraw it and ask anew")
    if isinstance(target, (ReferralSent, *GIVEN_BACK)) and (type(fact), getattr(fact, "provider", "")) != (
        type(target),
        target.provider,
    ):
        raise Refused(
            "supersedes", "who holds a referral is not corrected; recall it (referral_recalled) or send it anew"
        )
    if isinstance(target, (ReferralSent, SessionBooked, *GIVEN_BACK)) and not isinstance(fact, Retracted):
        _in_its_place(fact, target, one)
    if fact.supersedes is not None and one.row.closed_on:
        _may_reopen(one, of_person)
    if target:
        _nothing_rests_on(target, one)
    if isinstance(fact, _BEGINS) and any(isinstance(f, _ENDS) or _reports(f) for f in one.known.facts):
        raise Refused("fact", f"{one.row.reference} is over; nothing is sent or booked any more")
    if isinstance(target, (SessionSet, SessionMoved, SessionCalledOff)):
        why = "what went out as an invitation is not corrected; move the session (session_moved) or call it off"
        raise Refused("supersedes", why)
    if isinstance(target, PractitionerMatched):
        why = "who was told that it is theirs is not corrected; give it to another (practitioner_matched)"
        raise Refused("supersedes", why)
    for judged, kinds in (*judge_cppp.RULES, *judge_dvpp.RULES, *judge_referral.RULES, *judge_pause.RULES):
        if isinstance(fact, kinds):
            judged(fact, one)
    if target is None and isinstance(fact, ReferralSent):
        is_free(fact, one)
    if target is None and isinstance(fact, OF_HOLDER):
        of_holder(fact, one)


def sent_here(fact: Fact, about: Sequence[Loaded], people: People) -> None:
    """A provider records under referrals it was sent. Judged first: any other refusal would tell it of a pathway."""
    if fact.recorded_by not in people.providers or fact.recorded_by in people.roles or fact.about == "case":
        return
    if not any(fact.recorded_by in sent_to(one) for one in about):
        raise Refused("recorded_by", f"{fact.recorded_by} was not sent this referral")


def permitted(fact: Fact, about: Sequence[Loaded], people: People) -> None:
    """A provider records what happens under a referral it was sent, or a risk; some things only an adviser decides.

    So it is too for a case that has no pathway yet: what is recorded then opens the gate of one that comes later.
    """
    role = people.roles.get(fact.recorded_by)
    if role is None and fact.by != "provider":
        raise Refused("recorded_by", f"a provider does not record {fact.kind}; it is for staff")
    if fact.by == "manager" and role != "service_manager":
        raise Refused("recorded_by", f"{fact.kind} is recorded by a service manager")
    if fact.by == "adviser" and role not in ("adviser", "service_manager"):
        raise Refused("recorded_by", f"{fact.kind} is recorded by an adviser or a service manager")


_RESTS: tuple[tuple[tuple[type[Fact], ...], tuple[type[Fact], ...], str], ...] = (
    (
        (ViolenceEstablished, SurvivorPlanMade),
        (ReferralSent,),
        "he was referred on it; record suitability_decided, or raise a risk",
    ),
    (
        (AssessmentOpened, CriterionAssessed, LocalAuthorityConsidered, SuitabilityDecided),
        (ProgrammeOffered,),
        "the parents were asked on it; raise a risk, or stop the programme (programme_stopped)",
    ),
    (
        (ProgrammeOffered, ConsentGiven),
        (CourtPaperSigned,),
        "the court was advised on it; withdraw the consent (consent_withdrawn)",
    ),
)
"""What is not corrected any more once something rests on it, and what is done instead."""


def _nothing_rests_on(target: Fact, one: Loaded) -> None:
    if one.row.programme == "SPIP":  # where the gate is taken back, its provider is told to wait
        return
    for kinds, later, instead in _RESTS:
        if isinstance(target, kinds) and any(isinstance(f, later) for f in one.known.facts):
            raise Refused("supersedes", f"{target.label} is not corrected any more: {instead}")


def _in_its_place(fact: Fact, target: Fact, one: Loaded) -> None:
    """The day of a referral, or of its end, is not corrected past what else was done with it."""
    of_booking = (ReferralSent, *GIVEN_BACK, SessionCancelled)
    kinds = of_booking if isinstance(target, SessionBooked) else (ReferralSent, *OF_HOLDER)
    was, would_be = ((day, target.place) for day in (target.happened_on, fact.happened_on))
    for other in one.known.facts:
        at = (other.happened_on, other.place)
        if other is not target and isinstance(other, kinds) and (at < was) != (at < would_be):
            why = f"{other.label} on {say(other.happened_on)} would stand on its other side; no day goes past it"
            raise Refused("happened_on", why)


def _may_reopen(one: Loaded, of_person: Sequence[Loaded]) -> None:
    other = next((o for o in of_person if o is not one and not o.row.closed_on), None)
    if other:
        raise Refused("supersedes", f"this person has {other.row.reference} open; two of a kind cannot run at once")


def _reports(fact: Fact) -> bool:
    return isinstance(fact, CourtPaperSigned) and fact.paper == "report"


def _same_thing(cause: Fact, fact: Fact) -> bool:
    """Whether a fact that another needs is about the same session, provider, hearing or person."""
    shared = (name for name in _SHARED if name in type(cause).model_fields and name in type(fact).model_fields)
    return all(getattr(cause, name) == getattr(fact, name) for name in shared)


def _begins(cause: Fact, fact: Fact) -> date:
    """The first day on which one fact can follow another: attendance is reported from the day of the session on."""
    if isinstance(cause, SessionBooked) and isinstance(fact, AttendanceReported):
        return cause.session_on
    return cause.happened_on


def _of_what(fact: Fact) -> str:
    named = [f"{name} {getattr(fact, name)}" for name in _SHARED if getattr(fact, name, None)]
    return f" for {', '.join(named)}" if named else ""
