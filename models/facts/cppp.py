"""What happens on a CPPP pathway: one for both parents of a case, run by an adviser and no provider (cppp2020)."""

from datetime import date
from typing import Literal

from pydantic import model_validator

from models.facts.base import Code, Fact, Reference, Timed


class Cppp(Fact):
    """A fact of CPPP."""

    of = ("CPPP",)


class AssessmentOpened(Cppp):
    """The adviser begins to assess whether the programme suits this family (SR-06, SR-07)."""

    by = "adviser"
    kind, label = "assessment_opened", "assessment opened"


class CriterionAssessed(Cppp):
    """One criterion of suitability, met or not."""

    by = "adviser"
    kind, label, one_per, needs = "criterion_assessed", "criterion assessed", ("criterion",), ("assessment_opened",)
    criterion: Literal["both_willing", "court_still_needed", "harmful_conflict", "safe_together"]
    met: bool


class LocalAuthorityConsidered(Cppp):
    """Whether the children must be referred to the local authority was considered, and answered (SR-22)."""

    by = "adviser"
    kind, label, needs = "la_referral_considered", "local authority referral considered", ("assessment_opened",)
    referred: bool
    ground: Literal["child_in_need", "section_47", "threshold_not_met"]

    @model_validator(mode="after")
    def _has_a_ground(self) -> "LocalAuthorityConsidered":
        if self.referred == (self.ground == "threshold_not_met"):
            raise ValueError("a referral is of a child in need or under section 47; without one, threshold_not_met")
        return self


class SpipConsidered(Cppp):
    """Whether a parent should do SPIP as well; "refer" opens a pathway of its own (cppp2020: preferred in addition)."""

    by = "adviser"
    kind, label, one_per, needs = "spip_considered", "SPIP considered", ("party",), ("assessment_opened",)
    party: Reference
    decision: Literal["refer", "not_refer"]
    reason: Literal["resource", "time", "attended_before", "not_suitable", "other"] | None = None

    @model_validator(mode="after")
    def _says_why_not(self) -> "SpipConsidered":
        if (self.decision == "not_refer") != bool(self.reason):
            raise ValueError("not to refer to SPIP needs a reason; to refer needs none")
        return self


class ProgrammeOffered(Cppp):
    """Both parents were formally asked: the base on which take-up is reckoned."""

    by = "adviser"
    kind, label, needs = "programme_offered", "programme offered", ("suitability_decided",)


class ConsentGiven(Cppp):
    """One parent agrees to take part. Each is recorded by itself (SR-10)."""

    by = "adviser"
    kind, label, one_per, needs = "consent_given", "consent given", ("party",), ("programme_offered",)
    party: Reference


class ConsentRefused(Cppp):
    """One parent declines."""

    by = "adviser"
    kind, label, one_per, needs = "consent_refused", "consent refused", ("party",), ("programme_offered",)
    party: Reference


class ConsentWithdrawn(Cppp):
    """One parent takes back the consent given, on a day; from then on nothing is held (SR-10)."""

    by = "adviser"
    kind, label, one_per, needs = "consent_withdrawn", "consent withdrawn", ("party",), ("consent_given",)
    party: Reference


class CourtTimetabled(Cppp):
    """The court gives the time asked for: the report is to be filed by a day."""

    kind, label, needs = "court_timetabled", "court timetabled", ("court_paper_signed",)
    file_by: date


class PractitionerMatched(Cppp):
    """A service manager gives the family to an adviser trained in the programme."""

    by = "manager"
    kind, label, one_per = "practitioner_matched", "practitioner matched", ("practitioner", "happened_on")
    needs = ("court_timetabled",)
    practitioner: Reference


class Unavailable(Cppp):
    """Days on which somebody cannot come: a parent, the adviser, or (in the reference of the case) the child."""

    kind, label, one_per = "unavailable", "unavailable", ("who", "away_from", "away_until")
    who: Reference
    away_from: date
    away_until: date

    @model_validator(mode="after")
    def _in_order(self) -> "Unavailable":
        if self.away_until < self.away_from:
            raise ValueError("away_until cannot be before away_from")
        return self


Sitting = Literal["parent", "child", "joint"]


class SessionSet(Cppp, Timed):
    """A session is fixed: with one parent, with the child, or with both parents together. Times are UTC."""

    by = "adviser"
    kind, label, one_per, needs = "session_set", "session set", ("session",), ("practitioner_matched",)
    sitting: Sitting
    party: Reference | None = None
    """The parent who comes, where it is one."""
    letters: bool = False
    """Whether the parents who come are told by letter."""

    @model_validator(mode="after")
    def _names_the_parent(self) -> "SessionSet":
        if (self.sitting == "parent") != bool(self.party):
            raise ValueError("a session with one parent says which (party); any other names nobody")
        return self


class SessionMoved(Cppp, Timed):
    """A session is put on another day or hour."""

    by = "adviser"
    kind, label, one_per = "session_moved", "session moved", ("session", "starts_at", "happened_on")
    needs = ("session_set",)


class SessionCalledOff(Cppp):
    """A session will not take place; another, with a code of its own, may."""

    by = "adviser"
    kind, label, one_per, needs = "session_called_off", "session called off", ("session",), ("session_set",)
    session: Code


class SessionHeld(Cppp):
    """A session took place, on the day this happened."""

    by = "adviser"
    kind, label, one_per, needs = "session_held", "session held", ("session",), ("session_set",)
    session: Code


class SessionLetterSent(Cppp):
    """Staff wrote to the parents who come to a session: parents get no automatic mail."""

    kind, label, one_per = "session_letter_sent", "session letter sent", ("session", "happened_on")
    needs = ("session_set",)
    session: Code


class ChildLetterShared(Cppp):
    """The child's own experience was shared with both parents, in a letter (cppp2020)."""

    by = "adviser"
    kind, label, needs = "child_letter_shared", "child's letter shared", ("session_held",)


class JointMeetingWaived(Cppp):
    """The adviser decided to do without the joint meeting that is expected."""

    by = "adviser"
    kind, label, needs = "joint_meeting_waived", "joint meeting waived", ("session_held",)
    reason: Literal["unsafe", "not_helpful", "a_parent_cannot", "other"]


class ExtensionGranted(Cppp):
    """The court gives more time for the sessions."""

    kind, label, one_per, needs = "extension_granted", "extension granted", ("until",), ("session_held",)
    until: date


class ProgrammeStopped(Cppp):
    """The programme ends before its report."""

    by = "adviser"
    kind, label, one_per, needs = "programme_stopped", "programme stopped", None, ("court_timetabled",)
    reason: Literal["safety_stop", "no_time_left", "no_progress", "agreement_reached"]


class OutcomeRecorded(Cppp):
    """What the report will say: what the parents agreed, or what the adviser recommends."""

    by = "adviser"
    kind, label, needs = "outcome_recorded", "outcome recorded", ("session_held",)
    outcome: Literal["agreement", "recommendations"]


class FollowedUp(Cppp):
    """A research analyst looked at what has become of the family since its report."""

    kind, label, one_per, needs = "followed_up", "followed up", None, ("court_paper_signed",)
