"""The kinds of file, in the order in which they are loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from intake import rows
from intake.case_files import keep_cases
from intake.directory_files import keep_areas, keep_closures, keep_courts, keep_practitioners, keep_providers
from intake.fact_files import keep_facts
from intake.load import Line, Load
from intake.pathway_files import keep_directions, keep_requests


@dataclass(frozen=True)
class Kind:
    """One kind of file: what it is for, its columns, and what takes its rows in."""

    name: str
    says: str
    model: type[BaseModel]
    keep: Callable[[Load, Sequence[Line]], None] | None = None
    """None where the site takes them in."""
    past: tuple[str, ...] = ()
    """Columns of days that cannot be still to come."""
    ordered: tuple[tuple[str, str], ...] = ()
    """Pairs of columns of which the second cannot be the earlier day."""
    left_empty: tuple[str, ...] = ()
    """Columns that the example row leaves empty."""
    private: bool = False
    """Its file may hold what is said nowhere (SR-11): not even a header that is not known is repeated."""


_ALL = (
    Kind("practitioners", "The people on the staff, and where mail reaches them.", rows.PractitionerRow,
         keep_practitioners, left_empty=("trained_in", "capacity")),
    Kind("areas", "The service areas, and who holds the offices of each.", rows.AreaRow, keep_areas,
         left_empty=("research_analyst",)),
    Kind("courts", "The courts, and the service area each lies in.", rows.CourtRow, keep_courts),
    Kind("providers", "The providers: one row for each programme each of them delivers.", rows.ProviderRow,
         keep_providers, ordered=(("contracted_from", "contracted_until"),),
         left_empty=("suspended_from", "accreditation", "accredited_until")),
    Kind("closures", "The weeks in which a provider's groups do not meet.", rows.ClosureRow, keep_closures,
         ordered=(("closed_from", "closed_until"),)),
    Kind("cases", "The cases, each with both its parties and the hearings listed.", rows.CaseRow, keep_cases,
         past=("received_on", "applicant_date_of_birth", "respondent_date_of_birth"),
         left_empty=("respondent_language", "respondent_access_needs", "respondent_email")),
    Kind("directions", "The court's directions; one for a programme we run opens a pathway.", rows.DirectionRow,
         keep_directions, past=("made_on", "received_on"), ordered=(("made_on", "received_on"),)),
    Kind("requests", "Advisers' own requests for a programme; each opens a pathway.",
         rows.RequestRow, keep_requests, past=("requested_on",), left_empty=("entry", "suggested_by")),
    Kind("facts", "What has happened in cases and on pathways since.", rows.FactRow, keep_facts,
         past=("happened_on", "recorded_on"), ordered=(("happened_on", "recorded_on"),),
         left_empty=("supersedes", *(name for name in rows.carriers() if name != "party"))),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in _ALL}
KINDS: dict[str, str] = {kind.name: kind.says for kind in _ALL}
"""What each kind of file holds, in load order."""


def template(kind: str) -> tuple[list[str], list[str]]:
    """The header of a kind of file and an example row, which can be loaded."""
    fields = BY_NAME[kind].model.model_fields
    empty = BY_NAME[kind].left_empty
    return list(fields), ["" if name in empty else field.examples[0] for name, field in fields.items()]


def columns_table(kind: str) -> str:
    """The columns of a kind of file as a Markdown table, for its page."""
    lines = ["| column | needed? | what it holds | example |", "|---|---|---|---|"]
    for name, field in BY_NAME[kind].model.model_fields.items():
        needed = "yes" if field.is_required() else "no"
        lines.append(f"| `{name}` | {needed} | {field.description} | {field.examples[0]} |")
    return "\n".join(lines)
