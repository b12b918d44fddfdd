"""Whether a fact may be entered: sound in itself, in agreement with the record, and in its place on the pathway.

What safety forbids is another matter (`models.safety`). A refusal is a sentence that names the column at fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from models.facts import Fact
from models.facts.case import ContactFailed, ParentSpokenTo, ProceedingsEnded, RiskRaised
from models.facts.every import (
    DirectionDischarged,
    Held,
    LetterSent,
    Released,
    Requested,
    Retracted,
    RiskReviewed,
    Withdrawn,
)
from models.facts.referral import Acknowledged, ProviderPhoned, ReferralDeclined, ReferralRecalled, ReferralSent
from models.facts.referral import Refused as RefusedByPerson
from models.facts.spip import AttendanceReported, ContactAttempted, SessionBooked
from models.pathway import Pathway
from models.working_days import london_date, say
from store.pathways import Loaded, Record

_AFTER_THE_END = (LetterSent, ProviderPhoned)
_SHARED = ("session", "provider", "hearing_on")
_ENDS = (Withdrawn, ProceedingsEnded, DirectionDischarged)
_GIVEN_BACK = (ReferralDeclined, ReferralRecalled)
_OF_HOLDER = (Acknowledged, ReferralDeclined, ReferralRecalled, ContactAttempted, RefusedByPerson, SessionBooked)
"""What is said only of, or by, the provider that holds the referral."""


class Refused(Exception):
    """{why}"""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


@dataclass(frozen=True)
class People:
    """The codes we know: practitioners with their roles, and providers."""

    roles: dict[str, str]
    providers: set[str]


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
    if isinstance(fact, SessionBooked) and fact.happened_on > fact.session_on:
        raise Refused("happened_on", f"a session is booked before it is held, on {say(fact.session_on)}")
    if fact.recorded_by not in people.roles and fact.recorded_by not in people.providers:
        raise Refused("recorded_by", f"{fact.recorded_by} is neither a practitioner nor a provider we know")
    if isinstance(fact, ContactFailed) and people.roles.get(fact.accepted_by) != "service_manager":
        why = f"a failed contact is accepted by a service manager; {fact.accepted_by} is not one"
        raise Refused("accepted_by", why)


def agrees(fact: Fact, subject: str, record: Record) -> None:
    """No contradiction: what stands is corrected by name, and only once."""
    if fact.supersedes is not None:
        target = next((f for f in record.live if f.id == fact.supersedes), None)
        if target is None:
            corrected = fact.supersedes in record.corrected
            why = "was corrected already" if corrected else f"is no fact about {subject}"
            raise Refused("supersedes", f"fact {fact.supersedes} {why}")
        if target.kind != fact.kind and Retracted.kind not in (target.kind, fact.kind):
            raise Refused(
                "supersedes", f"fact {target.id} is {target.kind}; a correction is of the same kind, or retracted"
            )
    elif isinstance(fact, Retracted):
        raise Refused("supersedes", "say by its number which fact never happened")
    standing = next((f for f in record.live if f.identity == fact.identity and f.id != fact.supersedes), None)
    if standing:
        said = f"contradicts fact {standing.id}, {_summary(standing)}"
        raise Refused("fact", f"{said}; to correct that one, give supersedes {standing.id}")
    if fact.supersedes is None and any(f.identity == fact.identity for f in record.corrected.values()):
        raise Refused("fact", "this was recorded before and corrected; supersede the correction instead")


def follows(fact: Fact, one: Loaded, subject: str) -> None:
    """Not before what it depends on, and not on a pathway that is over."""
    row, known = one.row, one.known
    if subject == row.reference:
        if row.closed_on and fact.supersedes is None and not isinstance(fact, _AFTER_THE_END):
            why = f"{row.reference} closed on {say(row.closed_on)}; correct an earlier fact if that was wrong"
            raise Refused("fact", why)
        if fact.happened_on < row.opened_on:
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


def fits(fact: Fact, one: Loaded, of_person: Sequence[Loaded]) -> None:
    """The person is of this case, the provider is the one that holds the referral, and nothing is opened twice."""
    if isinstance(fact, (ParentSpokenTo, ContactFailed)) and fact.party not in one.known.parties:
        raise Refused("party", f"{fact.party} is not a party of this case; its parties: {', '.join(one.known.parties)}")
    target = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    if isinstance(target, Requested):
        raise Refused("supersedes", "what opened a pathway is not corrected; withdraw it and ask anew")
    if isinstance(target, (ReferralSent, *_GIVEN_BACK)) and (type(fact), getattr(fact, "provider", "")) != (
        type(target),
        target.provider,
    ):
        raise Refused(
            "supersedes", "who holds a referral is not corrected; recall it (referral_recalled) or send it anew"
        )
    if target and one.row.closed_on:
        _may_reopen(one, of_person)
    if isinstance(fact, (ReferralSent, SessionBooked)) and any(isinstance(f, _ENDS) for f in one.known.facts):
        raise Refused("fact", f"{one.row.reference} is over; nothing is sent or booked any more")
    if target is None and isinstance(fact, ReferralSent):
        _is_free(fact, one)
    if target is None and isinstance(fact, _OF_HOLDER):
        _of_holder(fact, one)


def permitted(fact: Fact, about: Sequence[Loaded], people: People) -> None:
    """A provider records what happens under a referral it was sent, or a risk; some things only an adviser decides.

    So it is too for a case that has no pathway yet: what is recorded then opens the gate of one that comes later.
    """
    role = people.roles.get(fact.recorded_by)
    if role is None and fact.by != "provider":
        raise Refused("recorded_by", f"a provider does not record {fact.kind}; it is for staff")
    if role is None and fact.about == "pathway" and not any(fact.recorded_by in _sent_to(one) for one in about):
        raise Refused("recorded_by", f"{fact.recorded_by} was not sent this referral")
    if fact.by == "adviser" and role not in ("adviser", "service_manager"):
        raise Refused("recorded_by", f"{fact.kind} is recorded by an adviser or a service manager")


def _may_reopen(one: Loaded, of_person: Sequence[Loaded]) -> None:
    other = next((o for o in of_person if o is not one and not o.row.closed_on), None)
    if other:
        raise Refused("supersedes", f"this person has {other.row.reference} open; two of a kind cannot run at once")


def _is_free(fact: ReferralSent, one: Loaded) -> None:
    """A referral goes out when nobody holds it, and not before the last one was given back."""
    p = Pathway(one.known, fact.recorded_on)
    if p.provider:
        why = f"{p.provider} holds this referral; it has to decline it, or be recalled (referral_recalled), first"
        raise Refused("provider", why)
    last = p.last(*_GIVEN_BACK)
    if last and fact.happened_on < last.happened_on:
        raise Refused("happened_on", f"the referral before it was given back on {say(last.happened_on)}")


def _of_holder(fact: Fact, one: Loaded) -> None:
    """Only who holds the referral answers it, and nothing is booked while nobody does."""
    holder = Pathway(one.known, fact.recorded_on).provider
    named = getattr(fact, "provider", None) or (fact.recorded_by if fact.recorded_by in _sent_to(one) else None)
    if holder is None or named not in (None, holder.code):
        said = f"; {holder} does" if holder else ""
        raise Refused(
            "provider", f"{named} does not hold this referral{said}" if named else "nobody holds this referral"
        )


def _sent_to(one: Loaded) -> set[str]:
    return {fact.provider for fact in one.known.facts if isinstance(fact, ReferralSent)}


def answered(known: Fact, about: Sequence[Loaded]) -> str:
    """What to say of a risk or hold that is known already and was answered since: it may be another one."""
    answer = {RiskRaised: RiskReviewed, Held: Released}.get(type(known))
    later = answer and any(isinstance(f, answer) and f.place > known.place for one in about for f in one.known.facts)
    if not later:
        return ""
    return (
        f"{known.label} on {say(known.happened_on)} is fact {known.id} and was answered since; for another of that day "
        + ("give its own reference (risk=...)" if isinstance(known, RiskRaised) else "give it a reference (hold=...)")
    )


def _same_thing(cause: Fact, fact: Fact) -> bool:
    """Whether a fact that another needs is about the same session, provider or hearing."""
    return all(
        getattr(cause, name) == getattr(fact, name) for name in _SHARED if hasattr(cause, name) and hasattr(fact, name)
    )


def _begins(cause: Fact, fact: Fact) -> date:
    """The first day on which one fact can follow another: attendance is reported from the day of the session on."""
    if isinstance(cause, SessionBooked) and isinstance(fact, AttendanceReported):
        return cause.session_on
    return cause.happened_on


def _of_what(fact: Fact) -> str:
    named = [f"{name} {getattr(fact, name)}" for name in _SHARED if getattr(fact, name, None)]
    return f" for {', '.join(named)}" if named else ""


def _summary(fact: Fact) -> str:
    said = ", ".join(f"{name} {value}" for name, value in fact.payload.items())
    return f"{fact.label} on {say(fact.happened_on)}" + (f" ({said})" if said else "")
