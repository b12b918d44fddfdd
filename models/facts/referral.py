"""What passes between commissioning and the provider a referral goes to."""

from typing import Literal

from pydantic import Field

from models.facts.base import Fact, Reference


class Referral(Fact):
    """A fact of the programmes that providers deliver."""

    of = ("SPIP", "DVPP")


class ReferralSent(Referral):
    """The referral went to a provider."""

    kind, label, one_per = "referral_sent", "referral sent", ("provider", "happened_on")
    provider: Reference


class Acknowledged(Referral):
    by = "provider"
    kind, label, needs = "acknowledged", "referral acknowledged", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference


class ReferralDeclined(Referral):
    by = "provider"
    kind, label, needs = "referral_declined", "referral declined", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference
    reason: Literal["no_capacity", "out_of_area", "language", "access_needs", "conflict_of_interest", "other"]


class ReferralRecalled(Referral):
    """Commissioning takes a referral back from a provider, to send it to another."""

    kind, label, needs = "referral_recalled", "referral recalled", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference
    reason: Literal["no_answer", "suspended", "sent_in_error", "other"]


class Refused(Referral):
    """The person told the provider that they will not come."""

    by = "provider"
    kind, label, one_per, needs = "refused", "person refused", None, ("acknowledged",)


class CorrectionAsked(Referral):
    """The provider asks that what it recorded be corrected; it may no longer do so itself [assumption]."""

    by = "provider"
    kind, label, one_per = "correction_asked", "correction asked for", ("fact_number",)
    needs = ("referral_sent",)
    fact_number: int = Field(ge=1, le=999_999_999)
    reason: Literal["wrong_result", "wrong_day", "wrong_session", "wrong_person", "other"]


class ProviderPhoned(Referral):
    """The commissioning officer rang the provider about something late."""

    kind, label, one_per = "provider_phoned", "provider phoned", None
