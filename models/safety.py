"""The safety rules that hold always: what blocks a fact from being recorded, in words a person can act on.

A rule is named by its number in the rule table (SR-01 ...), a guard of one step by a word. Each takes the pathway as it
is known before the fact, and the fact; it returns nothing, or why the fact is refused. None says anything about another
person.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from models.facts import Fact
from models.facts.case import CourtDeclined, FurtherWorkAdvised, FurtherWorkOrdered, RiskRaised
from models.facts.cppp import (
    AssessmentOpened,
    ConsentGiven,
    ConsentWithdrawn,
    CourtTimetabled,
    CriterionAssessed,
    LocalAuthorityConsidered,
    OutcomeRecorded,
    PractitionerMatched,
    ProgrammeOffered,
    ProgrammeStopped,
    SessionHeld,
    SessionMoved,
    SessionSet,
    SpipConsidered,
)
from models.facts.dvpp import AssessmentMissed, AssessmentReported, Dropped, FinalReported, MidwayReported
from models.facts.dvpp import NoProviderInReach as NoProvider
from models.facts.every import CourtPaperSigned, Requested, Retracted, RiskReviewed, SuitabilityDecided
from models.facts.referral import Acknowledged, ReferralSent, Refused
from models.facts.spip import BreachDecided, SessionBooked, SessionCancelled
from models.gates import missing_from_gate
from models.history import History, in_order
from models.pathway import Pathway
from models.standing import Known


class Blocked(Exception):
    """{rule}: {why}"""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule


@dataclass(frozen=True)
class Seat:
    """Somebody of the same case in a session: where and when, and nothing of who."""

    provider: str | None
    booking: SessionBooked


@dataclass(frozen=True)
class Around:
    """What the rules may see around a pathway when a fact is recorded."""

    seats: tuple[Seat, ...] = ()
    """Live bookings of the other parties of the case."""
    why_not: Callable[[str, Fact], str | None] = field(default=lambda provider, fact: None)
    """Why a provider, or a practitioner, may take no new pathway on the fact's day; None when it may."""
    not_accredited: Callable[[str, Fact], str | None] = field(default=lambda provider, fact: None)
    """Why a provider's accreditation is not enough on the fact's day."""


Rule = Callable[[Pathway, Fact, Around], str | None]


def sr_01_enquiries_before_referral(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-01, SR-02 (bulletin2022): nothing is sent or booked until enquiries are finished, both parents spoken to."""
    if p.known.programme != "SPIP":
        return None
    if p.last(SuitabilityDecided, suitable=False):
        return "the adviser recorded that the programme is not suitable"
    if missing := missing_from_gate(_knowing(p, [f for f in p.known.facts if f.happened_on <= fact.happened_on])):
        return (
            f"nothing is sent or booked before safeguarding enquiries are finished; still missing: {', '.join(missing)}"
        )
    return None


def gate_before_a_referral(p: Pathway, fact: Fact, around: Around) -> str | None:
    """The gate of DVPP (m02): violence admitted or found, a plan for the survivor, and nobody said it does not suit."""
    if p.known.programme != "DVPP":
        return None
    if p.last(SuitabilityDecided, suitable=False):
        return "the adviser recorded that the programme is not suitable"
    missing = missing_from_gate(_knowing(p, [f for f in p.known.facts if f.happened_on <= fact.happened_on]))
    return f"nobody is referred before the gate is passed; still missing: {', '.join(missing)}" if missing else None


def sr_04_live_accreditation(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-04 (strategy2014): a DVPP referral goes only to a provider whose Respect accreditation is live on its day."""
    assert isinstance(fact, ReferralSent)
    return around.not_accredited(fact.provider, fact)


def sr_06_an_adviser_recommends(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-06 (cppp2020): a judge's suggestion opens an assessment, nothing more; an adviser has to recommend it."""
    if p.first(SuitabilityDecided, suitable=True):
        return None
    return "an adviser must first have assessed and recommended the programme (suitability_decided)"


def sr_07_only_where_further_work_is_due(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-07 (cppp2020): only where the case is, or would anyway be, section 7 or rule 16.4."""
    advised = {f.work for f in p.all(FurtherWorkAdvised) if f.happened_on <= fact.happened_on}
    ordered = {f.work for f in p.all(FurtherWorkOrdered) if f.happened_on <= fact.happened_on}
    wanted = _WORK[p.request.entry or "first_hearing"]
    missing = [work for work, how in wanted if work not in (ordered if how == "ordered" else ordered | advised)]
    if isinstance(fact, CourtTimetabled) and not ordered & {"section_7", "rule_16_4"}:
        return "the court has ordered neither a section 7 report nor rule 16.4 (further_work_ordered)"
    if not missing:
        return None
    says = {"section_7": "a section 7 report", "rule_16_4": "a guardian under rule 16.4"}[missing[0]]
    return f"the case must have, or be about to have, {says}; record further_work_ordered or further_work_advised first"


_WORK = {
    "first_hearing": (("section_7", "advised"),),
    "section_7": (("section_7", "ordered"),),
    "section_7_to_16_4": (("section_7", "ordered"), ("rule_16_4", "advised")),
    "rule_16_4": (("rule_16_4", "ordered"),),
}
"""What each way into CPPP rests on (cppp2020)."""


def sr_10_both_parents_consent(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-10 (cppp2020): each parent's consent, recorded by itself, dated, and not withdrawn by that day."""
    for party in p.known.parties:
        given = p.first(ConsentGiven, party=party)
        withdrawn = p.first(ConsentWithdrawn, party=party)
        if given is None or given.happened_on > fact.happened_on:
            return "both parents must have consented by that day, each in a record of their own (consent_given)"
        if withdrawn and withdrawn.happened_on <= fact.happened_on:
            return "a parent has withdrawn consent; nothing is set or held any more"
    return None


def sr_10_for_advice(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-10: the court is asked for time only once both parents consent."""
    assert isinstance(fact, CourtPaperSigned)
    return sr_10_both_parents_consent(p, fact, around) if fact.paper == "advice" else None


def sr_22_local_authority_considered(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-22 (cppp2020): a local authority referral is considered, and answered yes or no, in every suitability."""
    considered = p.first(LocalAuthorityConsidered)
    if p.known.programme != "CPPP" or (considered and considered.happened_on <= fact.happened_on):
        return None
    return "a referral to the local authority must be considered and answered first (la_referral_considered)"


def criteria_one_by_one(p: Pathway, fact: Fact, around: Around) -> str | None:
    """A family is found suitable only when every criterion was assessed and is met (public:cafcass.gov.uk)."""
    assert isinstance(fact, SuitabilityDecided)
    if p.known.programme != "CPPP" or not fact.suitable:
        return None
    met = {f.criterion: f.met for f in p.all(CriterionAssessed) if f.happened_on <= fact.happened_on}
    if left := [name for name in p.named("criteria") if not met.get(name)]:
        return f"every criterion must be assessed and met (criterion_assessed); not so: {', '.join(left)}"
    return None


def trained_and_free(p: Pathway, fact: Fact, around: Around) -> str | None:
    """A family goes to a practitioner trained in the programme who has room for it (m02)."""
    assert isinstance(fact, PractitionerMatched)
    return around.why_not(fact.practitioner, fact)


def sr_03_never_two_parties_in_one_session(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-03 (strategy2014): the parents of one case attend apart. The refusal does not say why, nor of whom.

    A seat is free when it is cancelled, not when its pathway ends: who was booked may still come.
    """
    assert isinstance(fact, SessionBooked)
    after, entered = _entering(p, fact)
    mine = next(seat for seat in seats_of(after) if seat.booking is entered)
    return _TAKEN if any(_together(seat, mine) for seat in around.seats) else None


def sr_03_no_correction_brings_them_together(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-03: a cancellation or a decline is not taken back once the other parent has the place."""
    after, _ = _entering(p, fact)
    taken = any(_together(seat, mine) for mine in seats_of(after) for seat in around.seats)
    return _TAKEN if taken else None


_TAKEN = "this person cannot be booked into this session; choose another"


def _together(one: Seat, other: Seat) -> bool:
    """Whether two are in one room; where nobody is known to have held a referral then, it may have been anybody."""
    known = one.provider and other.provider
    return (not known or one.provider == other.provider) and _same_room(one.booking, other.booking)


def seats_of(p: Pathway) -> Iterator[Seat]:
    """The bookings of a pathway that no later cancellation took back, each with whoever held the referral then.

    That a referral went elsewhere since cancels no session.
    """
    for booking in p.all(SessionBooked):
        holder = History(fact for fact in p.facts if in_order(fact) < in_order(booking)).holder
        if not p.first(SessionCancelled, after=booking, session=booking.session):
            yield Seat(holder and holder.code, booking)


def _entering(p: Pathway, fact: Fact) -> tuple[Pathway, Fact]:
    """The pathway with a fact in its place: in that of what it corrects, or after all others; and that fact."""
    target = next((f for f in p.known.facts if f.id == fact.supersedes), None)
    kept = [f for f in p.known.facts if f is not target]
    place = target.place if target else 1 + max((f.place for f in kept), default=0)
    entered = fact.recorded_as(place=place)
    return _knowing(p, kept if isinstance(fact, Retracted) else [*kept, entered]), entered


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


def sr_14_no_paper_under_a_new_risk(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-14: of CPPP nothing but the note that it stops goes to the court under a new risk."""
    assert isinstance(fact, CourtPaperSigned)
    stops = p.known.programme != "CPPP" or fact.paper == "note"
    return None if stops else sr_14_nothing_moves_under_a_new_risk(p, fact, around)


def sr_15_not_after_the_court_declined(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-15: what the court considered and did not order, an adviser does not refer to."""
    route = fact.route if isinstance(fact, Requested) else p.request.route
    declined = p.first(CourtDeclined, programme=p.known.programme)
    return "the court considered this programme and chose not to order it" if route == "adviser" and declined else None


def sr_15_no_spip_the_court_declined(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-15, for the SPIP that is to be opened in addition."""
    assert isinstance(fact, SpipConsidered)
    declined = fact.decision == "refer" and p.first(CourtDeclined, programme="SPIP")
    return "the court considered SPIP and chose not to order it; record not_refer" if declined else None


def sr_16_only_open_services_and_providers(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-16: suspended, expired or closed services and providers take no new referral."""
    assert isinstance(fact, ReferralSent)
    return around.why_not(fact.provider, fact)


def sr_13_only_the_adviser_signs(p: Pathway, fact: Fact, around: Around) -> str | None:
    """SR-13: nothing goes to a court without a named signature: the case's adviser's, or of who runs the programme."""
    assert isinstance(fact, CourtPaperSigned)
    may = [p.known.people.adviser]
    if p.known.programme == "CPPP" and p.provider and p.provider.code not in may:
        may.append(p.provider.code)
    if fact.signed_by not in may:
        return f"a paper for the court is signed by the case's adviser, {' or '.join(may)}"
    asks = p.all(*_ASKS.get((p.known.programme, fact.paper), ()))
    before = [f for f in asks if f.happened_on <= fact.happened_on and getattr(f, "decision", "") != "continue"]
    if not before or not _asks(p, before[-1]):
        return f"nothing on this pathway calls for a paper of this kind ({fact.paper}) to the court now"
    return None


_ASKS: dict[tuple[str, str], tuple[type[Fact], ...]] = {
    ("SPIP", "note"): (BreachDecided,),
    ("DVPP", "note"): (NoProvider, MidwayReported),
    ("DVPP", "report"): (AssessmentReported, AssessmentMissed, Refused, Dropped, FinalReported),
    ("CPPP", "advice"): (ConsentGiven,),
    ("CPPP", "report"): (OutcomeRecorded,),
    ("CPPP", "note"): (ConsentWithdrawn, ProgrammeStopped, RiskReviewed),
}
"""What calls for which paper."""


def _asks(p: Pathway, fact: Fact) -> bool:
    """Whether the court is to hear of it: not of every breach, nor of a programme that goes on as it should."""
    if isinstance(fact, BreachDecided):
        return fact.decision == "report"
    if isinstance(fact, MidwayReported):
        return p.monitoring_requested
    if isinstance(fact, AssessmentReported):
        return fact.result == "failed" or p.known.terms.assessment_only
    if isinstance(fact, AssessmentMissed):
        missed = p.all(AssessmentMissed, after=p.last(Acknowledged, before=fact))
        return len(missed) >= p.number("assessment_appointments")
    return True


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
        ("gate", gate_before_a_referral),
        ("SR-04", sr_04_live_accreditation),
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
    CourtPaperSigned: (
        ("SR-13", sr_13_only_the_adviser_signs),
        ("SR-10", sr_10_for_advice),
        ("SR-14", sr_14_no_paper_under_a_new_risk),
    ),
    Retracted: (("SR-14", sr_14_a_risk_is_not_retracted),),
    AssessmentOpened: (("SR-07", sr_07_only_where_further_work_is_due),),
    SpipConsidered: (("SR-15", sr_15_no_spip_the_court_declined),),
    SuitabilityDecided: (("SR-22", sr_22_local_authority_considered), ("criteria", criteria_one_by_one)),
    ProgrammeOffered: (("SR-06", sr_06_an_adviser_recommends),),
    CourtTimetabled: (("SR-07", sr_07_only_where_further_work_is_due), ("SR-10", sr_10_both_parents_consent)),
    PractitionerMatched: (
        ("SR-10", sr_10_both_parents_consent),
        ("SR-14", sr_14_nothing_moves_under_a_new_risk),
        ("SR-15", sr_15_not_after_the_court_declined),
        ("training", trained_and_free),
    ),
    SessionSet: (
        ("SR-06", sr_06_an_adviser_recommends),
        ("SR-10", sr_10_both_parents_consent),
        ("SR-14", sr_14_nothing_moves_under_a_new_risk),
        ("SR-15", sr_15_not_after_the_court_declined),
    ),
    SessionMoved: (("SR-10", sr_10_both_parents_consent), ("SR-14", sr_14_nothing_moves_under_a_new_risk)),
    SessionHeld: (("SR-10", sr_10_both_parents_consent),),
}
OF_CORRECTIONS: tuple[tuple[str, Rule], ...] = (
    ("SR-03", sr_03_no_correction_brings_them_together),
    ("SR-14", sr_14_no_cancellation_is_taken_back_under_a_risk),
)


def check(known: Known, today: date, fact: Fact, around: Callable[[], Around] = Around) -> None:
    """Refuse a fact that a safety rule forbids on a pathway of which this is known. Raises Blocked."""
    rules = RULES.get(type(fact), ())
    rules = rules if fact.supersedes is None else (*rules, *OF_CORRECTIONS)
    if not rules:
        return
    p, seen = Pathway(known, today), around()
    for rule, holds in rules:
        if why := holds(p, fact, seen):
            raise Blocked(rule, why)
