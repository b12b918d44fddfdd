"""The compliance note (N11): facts, dates and chases, drafted for the adviser's signature and sent by nobody else."""

from datetime import date
from typing import Any

from models.facts.every import CourtPaperSigned
from models.facts.spip import AttendanceReported, BreachDecided, SessionBooked
from models.working_days import say


def compliance_note(story: Any, today: date) -> str | None:
    """Draft the note of a pathway; None where the court did not ask for monitoring or no breach was found to report."""
    row, facts = story.loaded.row, story.facts
    reported = [f for f in facts if isinstance(f, BreachDecided) and f.decision == "report"]
    if not row.monitoring_requested or not reported:
        return None
    signed = next((f for f in facts if isinstance(f, CourtPaperSigned)), None)
    lines = [
        f"Compliance with direction {row.direction}, {row.programme}, case {row.case}",
        f"Drafted {say(today)} for the court, which asked for monitoring (section 11G).",
        "",
        *(_line(fact) for fact in facts if isinstance(fact, (SessionBooked, AttendanceReported))),
        "",
        "Reports that were late: " + (_late(story.duties) or "none"),
        "",
        f"Signed by {signed.signed_by} on {say(signed.happened_on)}" if signed else "NOT SIGNED. Not to be sent.",
    ]
    return "\n".join(lines)


def _line(fact: SessionBooked | AttendanceReported) -> str:
    if isinstance(fact, SessionBooked):
        return f"{say(fact.happened_on)}: session {fact.session} booked for {say(fact.session_on)}"
    return f"{say(fact.happened_on)}: provider reports on session {fact.session}: {fact.result}"


def _late(duties: Any) -> str:
    late = [d for d in duties if d.kind == "attendance_report" and d.step and d.step != "R0"]
    return "; ".join(f"due {say(d.due_on)}, chased up to {d.step}" for d in late)
