"""What people report: a class a kind, with what it carries, what it depends on and what it may not contradict."""

from models.facts import case, every, referral, spip, dvpp, cppp, support  # noqa: I001 - in the order of the page of all facts
from models.facts.base import KINDS, RESTRICTED, Fact, Moment, Reference, payload_fields

__all__ = [
    "KINDS",
    "RESTRICTED",
    "Fact",
    "Moment",
    "Reference",
    "case",
    "cppp",
    "dvpp",
    "every",
    "payload_fields",
    "referral",
    "spip",
    "support",
]
