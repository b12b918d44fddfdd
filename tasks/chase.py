"""Taking late duties up the ladder."""

from datetime import UTC, datetime

from prefect import task

from settings import settings
from store import chase
from store.database import database
from tasks.safely import safely


@task(name="chase what is late", retries=3, retry_delay_seconds=[2, 10, 60], timeout_seconds=600)
@safely
def chase_late() -> chase.Chased:
    """Send every duty's current step of the ladder."""
    return chase.chase(database(), datetime.now(UTC), settings())
