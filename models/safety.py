"""The safety rules that hold always: what blocks a fact from being recorded, in words a person can act on.

A rule is named by its number in the rule table (SR-01 ...). Each takes the pathway as it is known before the fact, and
the fact; it returns nothing, or why the fact is refused. None of them says anything about another person.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from models.facts import Fact
from models.facts.case import (
    ContactFailed,
    CourtDeclined,
    EnquiriesDone,
    ParentSpokenTo,
    RiskRaised,
    SafeguardingLetterFiled,
)
from models.facts.every import CourtPaperSigned, Requested, Retracted, RiskReviewed, SuitabilityDecided
from models.facts.referral import ReferralSent
from models.facts.spip import BreachDecided, SessionBooked, SessionCancelled
from models.pathway import Pathway


class Blocked(Exception):
    """{rule}: {why}"""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule


@dataclass(frozen=True)
class Seat:
    """Somebody of the same case in a session: where and when, and nothing of who."""

    provider: str
    booking: SessionBooked


@dataclass(frozen=True)
class Around:
    """What the rules may see around a pathway when a fact is recorded."""

    seats: tuple[Seat, ...] = ()
    """Live bookings of the other parties of the case."""
    why_not: Callable[[str, Fact], str | None] = field(default=lambda provider, fact: None)
    """Why a provider may take no new referral of this programme on the fact's day; None when it may."""


Rule = Callable[[Pathway, Fact, Around], str | None]


def missing_from_gate(p: Pathway) -> list[str]:
    """What still stands between the request and a referral (SR-01, SR-02), as codes; empty when the gate is passed.

    A court-ordered pathway passes on a filed safeguarding letter, or on finished enquiries, where a service manager may
    accept a failed contact. An adviser's own referral passes on finished enquiries with every parent spoken to.
    """
    if p.court_ordered and p.first(SafeguardingLetterFiled):
        return []
    heard = {fact.party for fact in p.all(ParentSpokenTo)}
    if p.court_ordered:
        heard |= {fact.party for fact in p.all(ContactFailed)}
    missing = [] if p.first(EnquiriesDone) else ["enquiries"]
    return missing + [f"conversation with {party}" for party in p.known.parties if party not in heard]


def gate_passed_by(p: Pathway) -> Fact | None:
    """The fact that completed the gate; None while something is missing."""
    if missing_from_gate(p):
        return None
    if p.court_ordered and (letter := p.first(SafeguardingLetterFiled)):
        return letter
    answers = [p.first(EnquiriesDone)]
    for party in p.known.parties:
        spoken, failed = p.first(ParentSpokenTo, party=party), p.first(ContactFailed, party=party)
        answers.append(spoken or failed)
    return max((fact for fact in answers if fact), key=lambda fact: (fact.recorded_at, fact.id))


def sr_01_enquiries_before_referral(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-01, SR-02 (bulletin2022): nothing is sent or booked until enquiries are finished, both parents spoken to."""
    if p.last(SuitabilityDecided, suitable=False):
        return "the adviser recorded that the programme is not suitable"
    if missing := missing_from_gate(_knowing(p, [f for f in p.known.facts if f.happened_on <= fact.happened_on])):
        return (
            f"nothing is sent or booked before safeguarding enquiries are finished; still missing: {', '.join(missing)}"
        )
    return None


def sr_03_never_two_parties_in_one_session(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-03 (strategy2014): the parents of one case attend apart. The refusal does not say why, nor of whom."""
    assert isinstance(fact, SessionBooked)
    provider = p.provider and p.provider.code
    # After a decline nobody holds the referral, and whoever books all the same may be the provider of any seat.
    taken = any(provider in (seat.provider, None) and _same_room(seat.booking, fact) for seat in around.seats)
    return "this person cannot be booked into this session; choose another" if taken else None


def sr_03_no_correction_brings_them_together(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-03: a cancellation or a decline is not taken back once the other parent has the place."""
    kept = [f for f in p.known.facts if f.id != fact.supersedes]
    after = _knowing(p, kept if isinstance(fact, Retracted) else [*kept, fact])
    refusals = (sr_03_never_two_parties_in_one_session(after, seat.booking, around) for seat in seats_of(after))
    return next(filter(None, refusals), None)


def seats_of(p: Pathway) -> Iterator[Seat]:
    """The live bookings of a pathway, each with whoever held the referral then: a later decline cancels no session."""
    for booking in p.all(SessionBooked):
        holder = p.holder(p.facts[: p.facts.index(booking)])
        if holder and not p.first(SessionCancelled, session=booking.session):
            yield Seat(holder.code, booking)


def _knowing(p: Pathway, facts: list[Fact]) -> Pathway:
    """The same pathway, were these its facts."""
    return Pathway(replace(p.known, facts=facts), p.today)


def _same_room(taken: SessionBooked, wanted: SessionBooked) -> bool:
    """The same session, or one at the same hours that is not known to be in another building."""
    if taken.session == wanted.session:
        return True
    overlap = taken.starts_at < wanted.ends_at and wanted.starts_at < taken.ends_at
    return overlap and not (taken.venue and wanted.venue and taken.venue != wanted.venue)


def sr_14_nothing_moves_under_a_new_risk(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-14: a new risk stops every open referral of the case until its adviser releases each."""
    return "a new risk was raised on this case; its adviser must review it first (risk_reviewed)" if p.at_risk else None


def sr_15_not_after_the_court_declined(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-15: what the court considered and did not order, an adviser does not refer to."""
    route = fact.route if isinstance(fact, Requested) else p.request.route
    declined = p.first(CourtDeclined, programme=p.known.programme)
    return "the court considered this programme and chose not to order it" if route == "adviser" and declined else None


def sr_16_only_open_services_and_providers(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-16: suspended, expired or closed services and providers take no new referral."""
    assert isinstance(fact, ReferralSent)
    return around.why_not(fact.provider, fact)


def sr_13_only_the_adviser_signs(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-13: nothing goes to a court without a named signature, and it is the case's adviser who gives it."""
    assert isinstance(fact, CourtPaperSigned)
    if fact.signed_by != p.known.people.adviser:
        return f"the compliance note is signed by the case's adviser, {p.known.people.adviser}"
    decided = p.last(BreachDecided)
    return None if decided and decided.decision == "report" else "no report to the court was decided on"


def sr_13_report_only_where_monitoring_was_asked(p: Pathway, fact: Fact, around: Around) -> str | None:
    """The court hears of a breach from us only where it asked for monitoring (section 11G)."""
    assert isinstance(fact, BreachDecided)
    if fact.decision == "report" and not p.monitoring_requested:
        return "the court did not ask for monitoring on this direction; decide no_report or retry"
    return None


def sr_14_the_adviser_releases(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-14: each pathway is released by its own adviser."""
    if fact.recorded_by != p.known.people.adviser:
        return f"a new risk is reviewed by the case's adviser, {p.known.people.adviser}"
    return None


def sr_14_a_risk_is_not_retracted(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-14: to retract a risk would release every pathway of the case at once, and by anybody."""
    risk = any(f.id == fact.supersedes and isinstance(f, RiskRaised) for f in p.known.facts)
    return "a risk is not retracted; the case's adviser reviews it on each pathway (risk_reviewed)" if risk else None


def sr_14_no_cancellation_is_taken_back_under_a_risk(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-14: to take back a cancellation is to book."""
    cancelled = any(f.id == fact.supersedes and isinstance(f, SessionCancelled) for f in p.known.facts)
    return sr_14_nothing_moves_under_a_new_risk(p, fact, around) if cancelled else None


RULES: dict[type[Fact], tuple[tuple[str, Rule], ...]] = {
    Requested: (("SR-15", sr_15_not_after_the_court_declined),),
    ReferralSent: (
        ("SR-01", sr_01_enquiries_before_referral),
        ("SR-14", sr_14_nothing_moves_under_a_new_risk),
        ("SR-15", sr_15_not_after_the_court_declined),
        ("SR-16", sr_16_only_open_services_and_providers),
    ),
    SessionBooked: (
        ("SR-01", sr_01_enquiries_before_referral),
        ("SR-03", sr_03_never_two_parties_in_one_session),
        ("SR-14", sr_14_nothing_moves_under_a_new_risk),
        ("SR-15", sr_15_not_after_the_court_declined),
    ),
    RiskReviewed: (("SR-14", sr_14_the_adviser_releases),),
    BreachDecided: (("SR-13", sr_13_report_only_where_monitoring_was_asked),),
    CourtPaperSigned: (("SR-13", sr_13_only_the_adviser_signs),),
    Retracted: (("SR-14", sr_14_a_risk_is_not_retracted),),
}
OF_CORRECTIONS: tuple[tuple[str, Rule], ...] = (
    ("SR-03", sr_03_no_correction_brings_them_together),
    ("SR-14", sr_14_no_cancellation_is_taken_back_under_a_risk),
)


def check(p: Pathway, fact: Fact, around: Around) -> None:
    """Refuse a fact that a safety rule forbids. Raises Blocked."""
    rules = RULES.get(type(fact), ())
    for rule, holds in rules if fact.supersedes is None else (*rules, *OF_CORRECTIONS):
        if why := holds(p, fact, around):
            raise Blocked(rule, why)
