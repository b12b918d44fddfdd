"""What of a message is still true when it is about to go out: between writing and sending, things happen.

A referral withdrawn meanwhile is not announced, one on hold waits until it goes on, and nobody is chased for what they
have done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from models.tables import DutyRow, PathwayRow

_OF_HOLDER = {"referral", "referral-resumed", "book-again"}
"""What is said only to the provider that holds the referral."""
_ON_HOLD = {"safeguarding_hold", "on_hold"}


@dataclass
class Checked:
    """Of some notices, by number: those events have overtaken, and those that must wait."""

    overtaken: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)


def check(connection: Connection, notices: Sequence[Row[Any]]) -> Checked:
    """Compare notices with where their pathways and duties stand now."""
    names = {notice.pathway for notice in notices}
    columns = PathwayRow.__table__.c
    query = select(columns.reference, columns.state, columns.provider, columns.closed_on)
    standing = {row.reference: row for row in connection.execute(query.where(columns.reference.in_(names)))}
    done = select(DutyRow.pathway, DutyRow.key).where(or_(DutyRow.state != "open", DutyRow.paused))
    quiet = {(row.pathway, row.key) for row in connection.execute(done.where(DutyRow.pathway.in_(names)))}
    found = Checked()
    for notice in notices:
        pathway = standing[notice.pathway]
        about_holding = notice.to_role == "provider" and notice.wording in _OF_HOLDER
        answered = notice.wording == "chase" and (notice.pathway, _duty(notice)) in quiet
        given_up = about_holding and (pathway.closed_on or pathway.provider != notice.to_code)
        if answered or given_up:
            found.overtaken.add(notice.id)
        elif about_holding and pathway.state in _ON_HOLD:
            found.waiting.add(notice.id)
    return found


def _duty(notice: Row[Any]) -> str:
    """The key of the duty a chase is about; one for a near hearing carries its day behind it."""
    step, _, key = notice.occasion.removeprefix("chase:").partition(":")
    return key.rpartition(":")[0] if step == "H" else key
