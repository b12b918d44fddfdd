"""What may be answered to what is owed: for each kind of duty, the facts that meet it, in words to choose from.

The site offers these and nothing else. An answer becomes a fact like any other: what safety forbids, or contradicts the
record, is refused there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.facts import Fact, payload_fields
from models.facts.case import ContactFailed, EnquiriesDone, ParentSpokenTo, SafeguardingLetterFiled
from models.facts.cppp import (
    AssessmentOpened,
    ChildLetterShared,
    ConsentGiven,
    ConsentRefused,
    CourtTimetabled,
    CriterionAssessed,
    ExtensionGranted,
    FollowedUp,
    JointMeetingWaived,
    LocalAuthorityConsidered,
    OutcomeRecorded,
    PractitionerMatched,
    ProgrammeOffered,
    ProgrammeStopped,
    SessionCalledOff,
    SessionHeld,
    SessionLetterSent,
    SessionSet,
    SpipConsidered,
)
from models.facts.dvpp import (
    AbsenceReviewed,
    AccreditationReviewed,
    AssessmentDone,
    AssessmentMissed,
    AssessmentReported,
    Dropped,
    FinalOrderReviewed,
    FinalReported,
    MidwayReported,
    ProgrammeStarted,
    SurvivorPlanMade,
    ViolenceEstablished,
    WaitReviewed,
    WeeklyAttendance,
)
from models.facts.every import (
    CourtPaperSigned,
    DirectionDischarged,
    LetterSent,
    Released,
    RiskReviewed,
    SuitabilityDecided,
)
from models.facts.referral import (
    Acknowledged,
    ProviderPhoned,
    ReferralDeclined,
    ReferralRecalled,
    ReferralSent,
    Refused,
)
from models.facts.spip import (
    AttendanceReported,
    BreachDecided,
    ContactAttempted,
    CourtResult,
    NextStepTaken,
    RebookingDeclined,
    SessionBooked,
    SessionCancelled,
)
from models.forms import base_type


@dataclass(frozen=True)
class Answer:
    """One way to answer a duty: a fact, some of whose details follow from the answer and some are asked for."""

    name: str
    says: str
    fact: type[Fact]
    given: Mapping[str, Any] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    """The details to ask for; one in `optional` may stay empty."""
    optional: tuple[str, ...] = ()
    on: str = "today"
    """The day it happened: "asked" for, "today", the day of the "duty" (its session), or of the "session" chosen."""
    by_link: bool = False
    """Whether a return link is enough: dates and attendance codes only."""
    rebooks: bool = False
    """Whether a new session may be booked in the same breath."""
    meets: bool = True
    """Whether it meets the duty by itself; otherwise it is a part of the answer, and others may give theirs."""


def _decides(kind: type[Fact], name: str, **says: str) -> tuple[Answer, ...]:
    """An answer for each value of one detail, decided today."""
    return tuple(Answer(value, text, kind, {name: value}) for value, text in says.items())


def _asks(kind: type[Fact], name: str, says: str, *asks: str, **more: Any) -> Answer:
    return Answer(name, says, kind, asks=asks, on="asked", **more)


_TIMES = {"asks": ("starts_at", "ends_at", "session", "venue"), "optional": ("venue",)}
BOOKS = Answer("booked", "A session is booked", SessionBooked, **_TIMES, by_link=True)
_REFUSED = _asks(Refused, "refused", "The person told us that they will not come")
_CANCELLED = "The session did not happen"

ATTENDANCE = (
    Answer("attended", "Attended", AttendanceReported, {"result": "attended"}, on="duty", by_link=True),
    Answer("late", "Attended, came late", AttendanceReported, {"result": "late"}, on="duty", by_link=True),
    Answer("part", "Attended part of it", AttendanceReported, {"result": "part"}, ("reason",), on="duty", by_link=True,
           rebooks=True),
    Answer("absent", "Did not attend", AttendanceReported, {"result": "absent"}, ("reason",), on="duty", by_link=True,
           rebooks=True),
    Answer("cancelled", _CANCELLED, SessionCancelled, asks=("cancelled_by",), on="duty", by_link=True, rebooks=True),
)  # fmt: skip
WEEKLY = (
    Answer("attended", "Attended", WeeklyAttendance, {"result": "attended"}, on="duty", by_link=True),
    Answer("absent", "Did not attend", WeeklyAttendance, {"result": "absent"}, on="duty", by_link=True),
    Answer("not_held", "The group did not meet", WeeklyAttendance, {"result": "not_held"}, on="duty", by_link=True),
)

_DROPPED = Answer("dropped", "He was taken off the programme", Dropped, asks=("reason",), on="asked")
_SIGNED = "I have signed it and filed it with the court"
_HELD = Answer("held", "A session was held", SessionHeld, asks=("session",), on="session", meets=False)
_SETS = Answer(
    "set", "A session is fixed", SessionSet, asks=("session", "starts_at", "ends_at", "sitting", "party"),
    optional=("party",), meets=False,
)  # fmt: skip
_STOPPED = Answer("stopped", "The programme stops", ProgrammeStopped, asks=("reason",))


def _signs(paper: str) -> tuple[Answer, ...]:
    return (Answer("signed", _SIGNED, CourtPaperSigned, {"paper": paper}, on="asked"),)


ANSWERS: dict[str, tuple[Answer, ...]] = {
    # What providers owe.
    "acknowledgement": (
        Answer("accepted", "We accept the referral", Acknowledged),
        Answer("declined", "We decline the referral", ReferralDeclined, asks=("reason",)),
    ),
    "booking": (
        BOOKS,
        _asks(ContactAttempted, "not_reached", "We tried to reach the person and could not", meets=False),
        _REFUSED,
    ),
    "attendance_report": ATTENDANCE,
    "rebooking": (BOOKS, Answer("none", "There is no second session", RebookingDeclined), _REFUSED),
    "next_step": (Answer("step", "The next step was offered", NextStepTaken, asks=("step",)),),
    "assessment": (
        _asks(AssessmentDone, "done", "He was assessed"),
        _asks(AssessmentMissed, "missed", "He did not come to an appointment", meets=False),
        _REFUSED,
    ),
    "assessment_report": (
        Answer("accepted", "Accepted for the programme", AssessmentReported, {"result": "accepted"}),
        Answer("failed", "Not accepted", AssessmentReported, {"result": "failed"}, asks=("reason",)),
    ),
    "start": (_asks(ProgrammeStarted, "started", "He has begun", "weeks"), _REFUSED),
    "weekly_attendance": (*WEEKLY, _DROPPED),
    "midway_report": (
        *_decides(MidwayReported, "progress", engaged="He is engaged", partly="Partly engaged",
                  not_engaged="Not engaged"),
        _DROPPED,
    ),
    "final_report": (
        *_decides(FinalReported, "outcome", completed="He completed the programme",
                  not_completed="He did not complete it"),
        _DROPPED,
    ),
    # What advisers, managers and offices owe.
    "referral": (Answer("sent", "The referral was sent", ReferralSent, asks=("provider",)),),
    "recall": (Answer("recalled", "The referral is taken back", ReferralRecalled, asks=("reason",)),),
    "phone_provider": (_asks(ProviderPhoned, "phoned", "I rang the provider"),),
    "safeguarding_enquiries": (
        _asks(EnquiriesDone, "done", "Police and local authority checks are back", meets=False),
        _asks(ParentSpokenTo, "spoken_to", "I have spoken to a parent", "party", meets=False),
        _asks(SafeguardingLetterFiled, "filed", "The safeguarding letter is filed with the court", meets=False),
    ),
    "risk_review": _decides(
        RiskReviewed, "decision", **{"continue": "It may go on", "unsuitable": "It is not suitable"}
    ),
    "hold_review": (Answer("released", "Release it: its clocks go on", Released),),
    "breach_review": _decides(
        BreachDecided, "decision", retry="Try again: another session is booked", no_report="Close it without a report",
        report="Tell the court",
    ),
    "signature": _signs("note"),
    "court_note": _signs("note"),
    "midway_note": _signs("note"),
    "court_report": _signs("report"),
    "advice_to_court": _signs("advice"),
    "court_result": _decides(
        CourtResult, "result", reordered="The court ordered it again", ended="The court left it there"
    ),
    "court_variation": (_asks(DirectionDischarged, "discharged", "The court varied or discharged the direction"),),
    "suitability_gate": (
        _asks(ViolenceEstablished, "established", "Violence is admitted or found", "basis", meets=False),
        _asks(SurvivorPlanMade, "plan", "There is a plan for the survivor", meets=False),
    ),
    "final_order_review": _decides(
        FinalOrderReviewed, "decision", go_on="It goes on", ask_the_court="The court is asked for an activity direction"
    ),
    "accreditation_review": _decides(
        AccreditationReviewed, "decision",
        **{"continue": "It goes on with this provider", "recall": "Recall the referral"},
    ),
    "wait_review": (Answer("reviewed", "I looked at why he has not begun", WaitReviewed, asks=("cause",)),),
    "absence_review": (Answer("reviewed", "I looked at the risk, and it goes on", AbsenceReviewed),),
    "letter_referral_made": (_asks(LetterSent, "sent", "The letter was sent"),),
    "letter_referral_ended": (_asks(LetterSent, "sent", "The letter was sent"),),
    "letter_session": (_asks(SessionLetterSent, "sent", "The letter was sent"),),
    "assessment_opening": (_asks(AssessmentOpened, "opened", "The assessment is opened"),),
    "criteria": (
        Answer("assessed", "A criterion is assessed", CriterionAssessed, asks=("criterion", "met"), meets=False),
    ),
    "la_referral": (
        Answer("child_in_need", "Referred: a child in need", LocalAuthorityConsidered,
               {"referred": True, "ground": "child_in_need"}),
        Answer("section_47", "Referred: section 47", LocalAuthorityConsidered,
               {"referred": True, "ground": "section_47"}),
        Answer("not_met", "Not referred: the threshold is not met", LocalAuthorityConsidered,
               {"referred": False, "ground": "threshold_not_met"}),
    ),
    "spip_consideration": (
        Answer("refer", "Refer to SPIP as well", SpipConsidered, {"decision": "refer"}),
        Answer("not_refer", "Do not refer to SPIP", SpipConsidered, {"decision": "not_refer"}, ("reason",)),
    ),
    "suitability": (
        Answer("suitable", "The programme suits this family", SuitabilityDecided, {"suitable": True}),
        Answer("unsuitable", "It does not", SuitabilityDecided, {"suitable": False}),
    ),
    "offer": (_asks(ProgrammeOffered, "offered", "Both parents were asked"),),
    "consent": (
        _asks(ConsentGiven, "given", "This parent agrees to take part"),
        _asks(ConsentRefused, "refused", "This parent declines"),
    ),
    "court_timetable": (_asks(CourtTimetabled, "timetabled", "The court gave time", "file_by"),),
    "practitioner": (Answer("matched", "Give it to a practitioner", PractitionerMatched, asks=("practitioner",)),),
    "first_session": (_HELD, _SETS),
    "sessions": (_HELD, _SETS, _STOPPED),
    "session_result": (
        Answer("held", "It was held", SessionHeld, on="duty"),
        Answer("called_off", "It did not take place", SessionCalledOff, on="duty"),
    ),
    "joint_meeting": (_HELD, _SETS, Answer("waived", "Do without it", JointMeetingWaived, asks=("reason",))),
    "child_letter": (_asks(ChildLetterShared, "shared", "The letter was shared with both parents"),),
    "extension_or_stop": (
        Answer("extended", "The court gave more time", ExtensionGranted, asks=("until",), on="asked"),
        _STOPPED,
    ),
    "outcome": _decides(
        OutcomeRecorded, "outcome", agreement="The parents agreed", recommendations="I make recommendations"
    ),
    "six_month_review": (_asks(FollowedUp, "followed_up", "I looked at what became of the family"),),
}  # fmt: skip
"""The answers to each kind of duty."""

FAILED_CONTACT = Answer(
    "contact_failed", "A parent could not be reached, and I accept why", ContactFailed,
    asks=("party", "attempts", "reason"), on="asked", meets=False,
)  # fmt: skip
"""Of a gate, for service managers only (SR-02)."""


def answers_to(duty: str, role: str = "") -> tuple[Answer, ...]:
    """How a kind of duty may be answered, by somebody of a role."""
    more = (FAILED_CONTACT,) if (duty, role) == ("safeguarding_enquiries", "service_manager") else ()
    return (*ANSWERS.get(duty, ()), *more)


def kinds_of(duty: str) -> frozenset[str]:
    """The kinds of fact of which any one meets a duty; none where it takes several."""
    return frozenset(answer.fact.kind for answer in ANSWERS.get(duty, ()) if answer.meets)


def choices(answer: Answer, name: str) -> tuple[Any, ...]:
    """The values of a detail that is one of a few; empty where it is not."""
    base = base_type(payload_fields(answer.fact)[name].annotation)
    return base if isinstance(base, tuple) else ()


def in_one_word(duty: str, *, by_link: bool) -> Iterator[tuple[str, str, Answer, dict[str, Any]]]:
    """The answers that one choice from a list gives: its value, its words, the answer, and the details it means."""
    for answer in ANSWERS.get(duty, ()):
        if (by_link and not answer.by_link) or answer.on == "asked":
            continue
        asked = [name for name in answer.asks if name not in answer.optional]
        if not asked:
            yield answer.name, answer.says, answer, {}
        elif len(asked) == 1:
            for value in choices(answer, asked[0]):
                said = SAID.get((asked[0], value), value.replace("_", " "))
                yield f"{answer.name}.{value}", f"{answer.says}: {said}", answer, {asked[0]: value}


SAID = {
    ("cancelled_by", "provider"): "we called it off",
    ("cancelled_by", "person"): "the person called it off",
    ("reason", "no_reason_given"): "no reason given",
    ("reason", "too_late_to_join"): "came too late to join",
    ("step", "girfc"): "the online programme",
    ("step", "none"): "nothing was taken up",
}
"""Values as they are said, where their own word does not say it."""


# What a duty itself says of its answer ------------------------------------------------------------------------------


def meant(duty: Any, anchor: Fact | None, by: str, holder: str | None) -> dict[str, Any]:
    """The details that follow from a duty, and not from its answer: which session, week, parent, letter or provider.

    `anchor` is the fact the duty follows from, `by` who answers it, `holder` the provider that holds the referral.
    """
    _, _, which = duty.key.partition(":")
    _, _, which = which.partition(":")
    said: dict[str, Any] = {"signed_by": by, "accepted_by": by, "provider": holder or by}
    if session := getattr(anchor, "session", None) or (which if duty.kind == "letter_session" else None):
        said["session"] = session
    if duty.kind == "weekly_attendance":
        said["week"] = int(which)
    if duty.kind in ("consent", "spip_consideration"):
        said["party"] = which
    if duty.kind.startswith("letter_referral"):
        said["letter"] = duty.kind.removeprefix("letter_").replace("_", "-")
    return said


def details(answer: Answer, meant: Mapping[str, Any]) -> dict[str, Any]:
    """What of all that is said otherwise belongs to the fact of an answer, leaving out what is asked for."""
    fields = payload_fields(answer.fact)
    return {
        name: value for name, value in {**meant, **answer.given}.items() if name in fields and name not in answer.asks
    }
