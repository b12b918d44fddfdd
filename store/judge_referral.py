"""Whether a fact fits the referral it is about: who holds it, and what was done under it."""

from models.facts import Fact
from models.facts.dvpp import (
    AssessmentDone,
    AssessmentMissed,
    AssessmentReported,
    Dropped,
    FinalReported,
    MidwayReported,
    NoProviderInReach,
    ProgrammeStarted,
    WeeklyAttendance,
)
from models.facts.referral import Acknowledged, ReferralDeclined, ReferralRecalled, ReferralSent
from models.facts.referral import Refused as RefusedByPerson
from models.facts.spip import AttendanceReported, ContactAttempted, NextStepTaken, SessionBooked, SessionCancelled
from models.pathway import Pathway
from models.working_days import say
from store.pathways import Loaded
from store.refusal import Refused, Rules

GIVEN_BACK = (ReferralDeclined, ReferralRecalled)
OF_HOLDER = (
    Acknowledged, ReferralDeclined, ReferralRecalled, ContactAttempted, RefusedByPerson, SessionBooked,
    AssessmentMissed, AssessmentDone, AssessmentReported, ProgrammeStarted, WeeklyAttendance, Dropped, MidwayReported,
    FinalReported,
)  # fmt: skip
"""What is said only of, or by, the provider that holds the referral."""


def _taken_once(fact: Acknowledged, one: Loaded) -> None:
    p = Pathway(one.known, fact.recorded_on)
    sent = p.last(ReferralSent, provider=fact.provider)
    taken = p.first(Acknowledged, after=sent, provider=fact.provider) if sent else None
    if taken and taken.id != fact.supersedes:
        raise Refused(
            "fact", f"{fact.provider} acknowledged this referral on {say(taken.happened_on)}, fact {taken.id}"
        )


def _not_before_what_it_did(fact: ReferralDeclined | ReferralRecalled, one: Loaded) -> None:
    """A referral is not given back before what its provider has done under it."""
    p = Pathway(one.known, fact.recorded_on)
    sent = p.last(ReferralSent, provider=fact.provider)
    if sent and fact.supersedes is None and fact.happened_on < sent.happened_on:
        raise Refused("happened_on", f"{fact.provider} was sent this referral on {say(sent.happened_on)}")
    done = p.all(*OF_HOLDER, after=sent) if sent else []
    last = max((f.happened_on for f in done if not isinstance(f, GIVEN_BACK)), default=fact.happened_on)
    if fact.happened_on < last:
        raise Refused("happened_on", f"{fact.provider} did something under this referral on {say(last)}")


def is_free(fact: ReferralSent, one: Loaded) -> None:
    """A referral goes out when nobody holds it, and not before the last one was given back."""
    p = Pathway(one.known, fact.recorded_on)
    if p.provider:
        why = f"{p.provider} holds this referral; it has to decline it, or be recalled (referral_recalled), first"
        raise Refused("provider", why)
    last = p.last(*GIVEN_BACK)
    if last and fact.happened_on < last.happened_on:
        raise Refused("happened_on", f"the referral before it was given back on {say(last.happened_on)}")


def of_holder(fact: Fact, one: Loaded) -> None:
    """Only who holds the referral answers it, and nothing is booked while nobody does."""
    holder = Pathway(one.known, fact.recorded_on).provider
    named = getattr(fact, "provider", None) or (fact.recorded_by if fact.recorded_by in sent_to(one) else None)
    if holder is None or named not in (None, holder.code):
        said = f"; {holder} does" if holder else ""
        raise Refused(
            "provider", f"{named} does not hold this referral{said}" if named else "nobody holds this referral"
        )


def _nobody_has_it(fact: NoProviderInReach, one: Loaded) -> None:
    if holder := Pathway(one.known, fact.recorded_on).provider:
        raise Refused("fact", f"{holder} holds this referral; it has to decline it, or be recalled, first")


def _attended_before(fact: NextStepTaken, one: Loaded) -> None:
    """Attendance that was corrected to an absence since leads to no next step."""
    reports = Pathway(one.known, fact.recorded_on).all(AttendanceReported)
    if not any(report.attended and report.happened_on <= fact.happened_on for report in reports):
        raise Refused("fact", "a next step follows a session that was attended; none is reported by that day")


def _opens_nothing(fact: SessionCancelled, one: Loaded) -> None:
    """When all is over a session still to come is cancelled, so that its place is free; none that was held."""
    reports = (f for f in one.known.facts if isinstance(f, AttendanceReported) and f.session == fact.session)
    if one.row.closed_on and fact.supersedes is None and (report := next(reports, None)):
        raise Refused("session", f"{fact.session} was reported on ({report.result}), fact {report.id}")


def sent_to(one: Loaded) -> set[str]:
    return {fact.provider for fact in one.known.facts if isinstance(fact, ReferralSent)}


RULES: Rules = (
    (_nobody_has_it, NoProviderInReach),
    (_taken_once, Acknowledged),
    (_not_before_what_it_did, GIVEN_BACK),
    (_attended_before, NextStepTaken),
    (_opens_nothing, SessionCancelled),
)
