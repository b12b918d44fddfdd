"""The columns of each kind of file: their names, what they hold and an example of each."""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from intake.cells import (
    CaseRef,
    Day,
    Days,
    Latitude,
    Longitude,
    Mail,
    Number,
    OwnRef,
    Ref,
    Refs,
    Text,
    Word,
    YesNo,
    word,
)
from models.facts import KINDS, payload_fields
from models.facts.every import Entry
from models.forms import base_type, unknown_kind


def column(says: str, example: str, default: Any = ...) -> Any:
    """A column: what it holds, and a cell as it could be typed. Without a default it must be filled in."""
    return Field(default, description=says, examples=[example])


class FileRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PractitionerRow(FileRow):
    code: Ref = column("The person's code", "ADV1")
    name: Text = column("The person's name", "Alex Example")
    email: Mail = column("Where mail reaches them", "adv1@cafcass.example")
    role: Annotated[
        Literal[
            "adviser", "commissioning_officer", "commissioning_manager", "service_manager", "assistant_director",
            "business_support", "research_analyst",
        ],
        Word,
    ] = column("What they are", "adviser")  # fmt: skip
    telling: Annotated[Literal["instant", "daily"], Word] = column(
        "How ordinary notices reach them: each at once, or one message a day", "instant", "instant"
    )
    trained_in: Refs = column("Programmes they may run themselves, with spaces between", "CPPP", [])
    capacity: Number | None = column("How many such pathways they hold at once; no limit when empty", "4", None)


class AreaRow(FileRow):
    code: Ref = column("The service area's code", "A01")
    label: Text = column("Its name", "Northern coast")
    commissioning_officer: Ref = column("Code of its commissioning officer", "ADV1")
    commissioning_manager: Ref = column("Code of its commissioning manager", "ADV1")
    service_manager: Ref = column("Code of its service manager", "ADV1")
    assistant_director: Ref = column("Code of its assistant director", "ADV1")
    business_support: Ref = column("Code of its business support", "ADV1")
    research_analyst: Ref | None = column("Code of its research analyst; business support when empty", "ADV1", None)


class CourtRow(FileRow):
    code: Ref = column("The court's code", "CT01")
    name: Text = column("Its name", "Seaport Family Court")
    area: Ref = column("Code of the service area it lies in", "A01")


class ProviderRow(FileRow):
    provider: Ref = column("The provider's code; the same on each of its lines", "PV1")
    name: Text = column("The provider's name", "Harbour Families")
    mailbox: Mail = column("Where referrals and chases go", "spip@harbour.example.invalid")
    lead_email: Mail | None = column(
        "Where its lead is told of what is very late", "lead@harbour.example.invalid", None
    )
    suspended_from: Day | None = column("First day on which it may take no referrals", "31/03/2030", None)
    programme: Ref = column("The programme this line is about", "SPIP")
    areas: Refs = column("Codes of the service areas it serves, with spaces between", "A01")
    contracted_from: Day = column("First day of the contract", "01/04/2021")
    contracted_until: Day | None = column("Last day of the contract", "31/03/2030", None)
    open_to_referrals: YesNo = column("Whether it takes new referrals now", "yes")
    capacity: Number | None = column("How many referrals it holds at once; no limit when empty", "40", None)
    accreditation: Text | None = column("The accreditation the programme asks for", "Respect", None)
    accredited_until: Day | None = column("Last day of that accreditation", "31/03/2030", None)
    latitude: Latitude | None = column("Where it is, in degrees north", "53.48", None)
    longitude: Longitude | None = column("Where it is, in degrees east", "-2.24", None)


class ClosureRow(FileRow):
    provider: Ref = column("Code of the provider", "PV1")
    closed_from: Day = column("First day on which its groups do not meet", "20/12/2021")
    closed_until: Day = column("Last such day", "02/01/2022")


OWN_COLUMNS = ("name", "mailbox", "lead_email", "suspended_from")
"""The columns about a provider itself, which all its lines must agree on."""


class PartyColumns(FileRow):
    """One adult of a case, as the columns of a case row: the reference, and the rest with the role before it."""

    reference: OwnRef = column("Reference of the {role}", "P-000{number}")
    name: Text = column("Name of the {role}", "Sam Sample")
    date_of_birth: Day | None = column("Date of birth of the {role}", "31/01/1985", None)
    address: Text | None = column("Address of the {role}", "1 Example Street, Seaport", None)
    phone: Text | None = column("Telephone number of the {role}", "01632 960001", None)
    email: Mail | None = column("E-mail address of the {role}; nothing is sent to it", "sam@people.example", None)
    language: Text | None = column("Language, where an interpreter is needed", "Polish", None)
    access_needs: Text | None = column("What the {role} needs to take part", "step-free access", None)
    latitude: Latitude | None = column("Where the {role} lives, in degrees north", "53.49", None)
    longitude: Longitude | None = column("Where the {role} lives, in degrees east", "-2.25", None)


ROLES = ("applicant", "respondent")


def party_columns(role: str) -> dict[str, str]:
    """The column in which each field of one party stands."""
    return {name: role if name == "reference" else f"{role}_{name}" for name in PartyColumns.model_fields}


def _party_fields(role: str, number: int) -> dict[str, Any]:
    made = {}
    for name, field in PartyColumns.model_fields.items():
        says = (field.description or "").format(role=role)
        example = field.examples[0].format(number=number)
        annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        made[party_columns(role)[name]] = (annotation, column(says, example, field.default))
    return made


class _CaseStart(FileRow):
    case: CaseRef = column("The case's reference", "ZE21P00001")
    court: Ref = column("Code of the court", "CT01")
    adviser: Ref = column("Code of the case's adviser", "ADV1")
    received_on: Day = column("The day the case was received", "04/01/2022")
    hearings: Days = column("Days of the hearings listed, with spaces between", "01/03/2022 14/06/2022", [])


CaseRow = create_model(
    "CaseRow", __base__=_CaseStart, **_party_fields("applicant", 1), **_party_fields("respondent", 2)
)
"""A case with both its parties on one line."""


class DirectionRow(FileRow):
    direction: OwnRef = column("The direction's reference", "D-0001")
    order: OwnRef = column("Reference of the order it stands in; directions made together share it", "O-0001")
    case: CaseRef = column("Reference of the case", "ZE21P00001")
    party: Ref = column("Reference of the party who is to go", "P-0001")
    activity: Ref = column("What the party is to do: SPIP, MIAM, DVPP ...", "SPIP")
    made_on: Day = column("The day the court made it", "10/01/2022")
    monitoring_requested: YesNo = column("Whether the court asked for monitoring (section 11G)", "yes")
    received_on: Day | None = column("The day it reached us; the day of loading when empty", "12/01/2022", None)
    in_final_order: YesNo = column("Whether it is a condition of a final order (SR-19)", "no", False)
    assessment_only: YesNo = column("Whether only an assessment is ordered", "no", False)
    told_already: YesNo = column("Whether those concerned know of it, so that nothing is sent", "no", False)


class RequestRow(FileRow):
    request: OwnRef = column("The request's reference", "R-0001")
    case: CaseRef = column("Reference of the case", "ZE21P00001")
    party: Ref | None = column("Reference of the party who is to go; empty where it is for both", "P-0002", None)
    programme: Ref = column("The programme asked for", "SPIP")
    requested_on: Day = column("The day the adviser asked", "13/01/2022")
    requested_by: Ref = column("Code of the adviser who asks", "ADV1")
    entry: Annotated[Literal[get_args(Entry)], Word] | None = column(
        "Of CPPP: where the case stands when it is considered", "section_7", None
    )
    suggested_by: Annotated[Literal["adviser", "judge"], Word] = column(
        "Of CPPP: whose idea it is; a judge's opens an assessment and nothing more (SR-06)", "adviser", "adviser"
    )
    told_already: YesNo = column("Whether those concerned know of it, so that nothing is sent", "no", False)


REPORTABLE = {name: kind for name, kind in KINDS.items() if name != "requested"}
"""The kinds of fact a file may hold; a request comes by its own file."""


def _kind(cell: str) -> str:
    if (named := word(cell)) not in REPORTABLE:
        raise ValueError(unknown_kind(cell, REPORTABLE))
    return named


class _FactStart(FileRow):
    about: CaseRef = column("Reference of the pathway or the case it is about", "ZE21P00001")
    fact: Annotated[Literal[tuple(REPORTABLE)], BeforeValidator(_kind)] = column("What happened", "parent_spoken_to")
    happened_on: Day = column("The day it happened", "13/01/2022")
    recorded_on: Day | None = column("The day it became known to us; now when empty", "14/01/2022", None)
    recorded_by: Ref = column("Code of the practitioner or provider who reports it", "ADV1")
    supersedes: Number | None = column("Number of the fact this one corrects", "17", None)
    told_already: YesNo = column("Whether those concerned know of it, so that nothing is sent", "no", False)


def carriers() -> dict[str, dict[str, Any]]:
    """Each column a fact of some kind carries, and the kinds that have it with their field."""
    found: dict[str, dict[str, Any]] = {}
    for kind, model in REPORTABLE.items():
        for name, field in payload_fields(model).items():
            found.setdefault(name, {})[kind] = field
    return found


def _payload_columns() -> dict[str, Any]:
    return {
        name: (str | None, column(f"Of {', '.join(kinds)}", _example(name, kinds), None))
        for name, kinds in carriers().items()
    }


def _example(name: str, kinds: dict[str, Any]) -> str:
    """An example for a column of facts, from the type of the first kind that has it."""
    base = base_type(next(iter(kinds.values())).annotation)
    if name == "party":
        return "P-0001"
    if base is str:
        return f"{name[:2].upper()}-0001"
    typed = {bool: "yes", int: "2", date: "01/03/2022"}
    return str(base[0]) if isinstance(base, tuple) else typed.get(base, "31/01/2022 18:00")


FactRow = create_model("FactRow", __base__=_FactStart, **_payload_columns())
"""A fact of any kind: what they all have, and a column for whatever any kind carries."""
