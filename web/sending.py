"""What every page does that takes answers: one form is one receipt, and a refusal is a sentence for who reads it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from fastapi import BackgroundTasks
from fastapi.responses import RedirectResponse, Response

from store import receipts
from store.database import reading
from store.links import Holder, Visitor
from store.owed import Owed
from store.record import Outcome
from store.refusal import in_words
from tasks.nudge import nudge, run_now
from web.visit import Site


def sent_before(site: Site, visitor: Visitor, submission: str) -> Response | None:
    """The receipt of a form that came in already: whoever sends it twice, or goes back to it, has sent it once."""
    with reading(site.engine) as connection:
        before = receipts.receipt_of(connection, submission, visitor.holder)
    return RedirectResponse(f"/receipts/{before}", 303) if before else None


def as_shown(one: Owed, seen: str) -> Owed:
    """The duty as it stood when its page was shown. What was seen is never later than now, whatever the form says."""
    shown = int(seen) if re.fullmatch("[0-9]{1,12}", seen) else one.seen
    return replace(one, seen=min(shown, one.seen))


def why_not(outcome: Outcome, holder: Holder) -> str:
    """Why an answer was refused. Providers are told nothing of others: not who holds a referral, nor of a party."""
    if holder.is_staff or not (outcome.rule or outcome.field in ("provider", "about")):
        # What files and the command line are told has other names for things.
        why = in_words(outcome.why).replace("give supersedes", "open the page /corrections/")
        return f"{why[:1].upper()}{why[1:]}".replace("/corrections/ ", "/corrections/")
    if outcome.rule == "SR-03":
        return "This person cannot be in that session. Choose another one (SR-03)"
    if outcome.field in ("provider", "about"):
        return "You do not hold this referral any more, so nothing is recorded under it"
    return f"This cannot go on now. Please wait until you are told ({outcome.rule})"


def received(site: Site, sent: receipts.Sent, tasks: BackgroundTasks) -> Response:
    """On to the receipt; what was recorded is looked at by Prefect meanwhile, or by the next round."""
    tasks.add_task(nudged, site.settings.prefect_api, sorted(sent.touched))
    return RedirectResponse(f"/receipts/{sent.receipt}", 303, background=tasks)


def nudged(api: str, touched: Sequence[tuple[str, str]]) -> None:
    if touched and nudge(api, touched):
        run_now(api, "deliver/deliver")
