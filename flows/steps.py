"""Steps that pathways share: what ends or pauses them, the referral to a provider, a paper signed for the court."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, NoReturn

from models.facts import Fact
from models.facts.case import ProceedingsEnded, RiskRaised
from models.facts.every import CourtPaperSigned, Held, Released, RiskReviewed, Withdrawn
from models.facts.referral import Acknowledged, CorrectionAsked, ReferralDeclined, ReferralRecalled, ReferralSent
from models.pathway import Pathway, known_at, known_before
from models.standing import Duty, Who


def ends_when_withdrawn(p: Pathway, state: str, before: Fact | None = None) -> None:
    """A withdrawal, or the end of proceedings, ends it wherever it stands."""
    p.ends_with(Withdrawn, state, before=before)
    p.ends_with(ProceedingsEnded, state, "proceedings_ended", before=before)


def pauses_for_risks_and_holds(p: Pathway, before: Fact | None = None) -> None:
    """A new risk stops it until its adviser lets it go on (SR-14); a hold until somebody releases it."""
    p.pauses_for(
        RiskRaised, RiskReviewed, state="safeguarding_hold", duty="risk_review", told="new-risk", before=before,
        decision="continue",
    )  # fmt: skip
    p.pauses_for(Held, Released, state="on_hold", duty="hold_review", before=before)


def corrections_asked(p: Pathway) -> None:
    """What a provider recorded and may not correct any more is corrected by commissioning, also after the end."""
    for asked in p.known.facts:
        if isinstance(asked, CorrectionAsked):
            said = {"provider": asked.recorded_by, "number": asked.fact_number, "reason": asked.reason}
            p.tell(p.commissioning, "correction-asked", about=asked, outlives=True, **said)


def direction_stands(p: Pathway, unsuitable: Fact) -> None:
    """What the court ordered only the court takes back: the adviser has to ask for it, and all stands still."""
    p.tell(p.adviser, "direction-stands", about=unsuitable)
    p.stays_until_varied(unsuitable, "safeguarding_hold")


def tell_result(p: Pathway, who: Who, report: Fact, says: Callable[[Any], tuple[str, dict[str, Any]]]) -> None:
    """Tell a result that was reported, and again when it is corrected to another: what `says` of it, and its fields.

    A correction that says nothing else than what was told before it is no news.
    """
    told: list[tuple[str, dict[str, Any]]] = []
    for version in p.versions(report):
        said = says(version)
        if said not in told[-1:]:
            which = version.id if any(said[0] == wording for wording, _ in told) else ""
            told.append(said)
    wording, fields = told[-1]
    corrects = {"corrects": report.supersedes} if told[1:] else {}
    p.tell(who, wording, about=report, which=which, **fields, **corrects)


def under_a_provider(
    p: Pathway, gate: Fact, goes_on: Callable[[Pathway, Fact], NoReturn], *also: type[Fact]
) -> NoReturn:
    """The nearest open provider is asked, and the next when it declines, until one takes the referral and keeps it.

    `gate` completed what must be known first. `goes_on` tells what happens from a provider's answer on: an
    acknowledgement, or one of `also` that says as much. Of a provider that took the referral and gave it back, it is
    told as it stood then.
    """
    since, ready = p.request, max(p.request, gate, key=known_at)
    while True:
        opened = ready.recorded_on
        due = p.within("send_referral", opened)
        sending = p.owe("referral", ReferralSent, by=p.commissioning, due=due, after=since, opened=opened)
        if sending.closed_on and sending.closed_on > opened:
            p.tell(p.commissioning, "ready-to-refer", about=since, because=ready, overtaken=True)
        referral = sending.fact or provider_wanted(p, sending, since, ready)
        provider, due = Who("provider", referral.provider), p.within("acknowledge", referral)
        p.tell(provider, "referral", about=referral, due=due)
        given_back = p.first(ReferralDeclined, ReferralRecalled, after=referral, provider=referral.provider)
        answers = (Acknowledged, *also, ReferralDeclined, ReferralRecalled)
        asked = p.owe("acknowledgement", *answers, by=provider, due=due, after=referral)
        taken = asked.fact or p.stand("referred", asked)
        if not given_back:
            return _taken(p, taken, goes_on)
        if taken is not given_back and known_before(taken, given_back):
            p.as_it_stood(given_back, partial(_taken, p, taken, goes_on))
        if isinstance(given_back, ReferralRecalled):
            p.tell(provider, "referral-withdrawn", about=given_back)
        since = ready = given_back


def _taken(p: Pathway, answer: Fact, goes_on: Callable[[Pathway, Fact], NoReturn]) -> NoReturn:
    p.letter("referral-made", about=answer)
    goes_on(p, answer)


def provider_wanted(p: Pathway, sending: Duty, since: Fact, ready: Fact) -> NoReturn:
    """Commissioning has to refer. With nobody open in reach its manager is told. Providers close and open: it is looked
    at again daily.

    Nobody is asked for what only became possible while all stands still, or when it is over. Where a provider declined,
    it is said who and why. What has changed since it last stood here is said although what led here was known.
    """
    if sending.opened_on > p.today:
        p.stand("ready_to_refer", sending)
    said: dict[str, Any] = {"about": since, "because": ready, "due": sending.due_on}
    said["anyway"] = p.known.stood == "ready_to_refer"
    if isinstance(since, ReferralDeclined):
        said |= {"declined_by": since.provider, "reason": since.reason}
    p.passed(p.today)
    proposed = () if p.ending else p.known.proposed()[:3]
    if proposed or p.ending:
        p.tell(p.commissioning, "ready-to-refer", proposed=proposed, overtaken=bool(p.ending), **said)
        p.stand("ready_to_refer", sending)
    p.tell(p.commissioning_manager, "no-provider", **said)
    p.stand("ready_to_refer", sending, label="No provider open")


def signed_for_court(
    p: Pathway,
    paper: str,
    duty: str,
    cause: Fact,
    due: date,
    state: str,
    by: Who | None = None,
    told: Who | None = None,
) -> CourtPaperSigned:
    """A paper for the court is drafted, and goes only with a named signature (SR-13).

    `told` is who it was for when it became due, where that is another by now.
    """
    by = by or p.adviser
    told = told or by
    signature = p.owe(duty, CourtPaperSigned, by=by, due=due, after=cause, opened=cause.recorded_on, paper=paper)
    overtaken = bool(signature.fact) or told != by
    p.tell(told, "paper-to-sign", about=cause, paper=paper, due=due, overtaken=overtaken)
    return signature.fact or p.stand(state, signature)
