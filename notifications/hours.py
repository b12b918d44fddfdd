"""When mail may go out: working days, 08:00 to 18:00 in London, unless it is urgent [assumption]."""

from datetime import date, datetime

from models.working_days import LONDON, is_working_day
from settings import Sending


def may_send(now: datetime, sending: Sending, *, urgent: bool = False) -> bool:
    """Whether a message may be sent at this moment (an aware datetime)."""
    return urgent or digest_day(now, sending) is not None


def digest_day(now: datetime, sending: Sending) -> date | None:
    """The day whose digests may be made at this moment; None outside sending hours."""
    here = now.astimezone(LONDON)
    working = sending.days == "any" or is_working_day(here.date())
    inside = sending.opens <= here.time() < sending.closes
    return here.date() if working and inside else None
