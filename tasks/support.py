"""The sweep of the restricted strand: one task, so that Prefect sees neither what it does nor for whom."""

from collections.abc import Callable
from datetime import UTC, datetime

from prefect import task

from models.pathway import Pathway
from notifications.channels import Channels
from settings import Settings, restricted, settings
from store import outbox, texts
from store.advance import advance
from store.chase import chase
from store.database import database, reading
from store.known import forbidden
from store.listen import listen
from store.seal import seal
from store.strand import PROGRAMME, strand
from store.trail import strand_trail
from tasks.deliver import send
from tasks.safely import Fault, safely


def sweep_strand(story: Callable[[Pathway], None], now: datetime, settings: Settings) -> None:
    """Listen, advance, chase, deliver and take back. Safe to do at any time, and by several at once.

    Raises Fault where a pathway could not be opened or advanced; the others were.
    """
    main, own, of_its_own = database(settings.database_url), strand(settings), restricted(settings)
    not_opened = listen(main, own, now, settings)
    failed = advance(own, PROGRAMME, story, now, of_its_own).failed
    chase(own, now, of_its_own)
    _deliver(own, now, of_its_own)
    texts.take_back(main, own, now)
    seal(strand_trail(settings), now)
    if failed:
        raise Fault(failed[0].failure or "", "a pathway function")
    if not_opened:
        raise Fault("NotOpened", "a referral")


def _deliver(own, now: datetime, of_its_own: Settings) -> None:
    outbox.gather(own, now, of_its_own)
    with reading(own) as connection:
        never = forbidden(connection)
    with Channels(of_its_own) as channels:
        while send(own, channels, now, of_its_own, never):
            pass


@task(name="sweep", retries=2, retry_delay_seconds=[10, 60], timeout_seconds=1800, log_prints=False)
@safely
def sweep(story: Callable[[Pathway], None]) -> None:
    """One sweep, here and now. It returns nothing, and what goes wrong says only what kind of error it was."""
    sweep_strand(story, datetime.now(UTC), settings())
