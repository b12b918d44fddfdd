"""The data dictionary: what each column of each table is, and each field of each fact.

What is personal, or was written freely, is encrypted and can be erased; what names a person or a case is replaced when
they are. Whoever adds a column or a field says here what it is: a test fails until then.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Table
from sqlmodel import SQLModel

from models.encrypted import Encrypted
from models.facts import KINDS, RESTRICTED, Fact, payload_fields
from models.restricted import Restricted


class What(StrEnum):
    PARTY = "personal of a party"
    SURVIVOR = "personal of a survivor"
    TEXT = "free text"
    STAFF = "work contact of staff or of a provider"
    PERSON = "reference of a person or a case"
    REFERENCE = "reference of ours"
    CODE = "code, number or yes/no"
    DATE = "day or moment"
    TECHNICAL = "technical"


PARTY, SURVIVOR, TEXT, STAFF, PERSON, REFERENCE, CODE, DATE, TECHNICAL = What
ENCRYPTED = {PARTY, SURVIVOR, TEXT}
"""What stands in the database encrypted, and in a fact or in mail never."""

TABLES: dict[str, dict[What, str]] = {
    # The directory
    "practitioner": {CODE: "code role trained_in capacity telling", STAFF: "name email"},
    "area": {
        CODE: "code label commissioning_officer commissioning_manager service_manager assistant_director "
        "business_support research_analyst"
    },
    "court": {CODE: "code name area"},
    "provider": {CODE: "code name", STAFF: "mailbox lead_email", DATE: "suspended_from"},
    "serviceline": {
        CODE: "provider programme areas open_to_referrals capacity accreditation latitude longitude",
        DATE: "contracted_from contracted_until accredited_until",
    },
    "closure": {CODE: "provider", DATE: "closed_from closed_until"},
    # Cases
    "case": {PERSON: "reference same_as", CODE: "court adviser sample", DATE: "received_on"},
    "party": {
        PERSON: "reference case",
        CODE: "role",
        PARTY: "name date_of_birth address phone email language access_needs latitude longitude",
        DATE: "erased_on",
    },
    "direction": {
        PERSON: "case party order",
        REFERENCE: "reference",
        CODE: "activity monitoring_requested in_final_order assessment_only",
        DATE: "made_on",
    },
    # Pathways
    "limitset": {TECHNICAL: "id content"},
    "pathway": {
        PERSON: "case party",
        REFERENCE: "reference direction",
        CODE: "programme area state label on_role on_code provider reason",
        DATE: "opened_on since due_on closed_on look_on",
        TECHNICAL: "limits failure version",
    },
    "fact": {
        PERSON: "subject identity payload",
        REFERENCE: "id supersedes",
        CODE: "kind recorded_by told_already",
        DATE: "happened_on recorded_at",
    },
    "provider_text": {TEXT: "body", REFERENCE: "id pathway held", CODE: "recorded_by", DATE: "recorded_at"},
    "duty": {
        PERSON: "key",
        REFERENCE: "id pathway",
        CODE: "kind on_role on_code state paused step",
        DATE: "opened_on due_on hearing_on counts_from closed_on chase_on hearing_step_on marked_on",
    },
    "notice": {
        PERSON: "occasion fields",
        REFERENCE: "id pathway bundle",
        CODE: "to_role to_code wording withheld",
        DATE: "created_at",
    },
    "message": {
        STAFF: "sent_to",
        REFERENCE: "id bundle message_id",
        CODE: "channel to_role to_code urgent state attempts error",
        DATE: "created_at try_at sent_at",
    },
    # The site
    "return_link": {CODE: "role code", DATE: "issued_on expires_on withdrawn_at", TECHNICAL: "id mailbox"},
    "site_session": {DATE: "ends_at verified_until code_until", TECHNICAL: "id link code code_tries"},
    "receipt": {PERSON: "lines", REFERENCE: "reference", CODE: "role code", DATE: "given_at", TECHNICAL: "submission"},
    # The audit trail, keys, and backups
    "audit": {
        PERSON: "about",
        REFERENCE: "id number kind row_id",
        CODE: "who did",
        DATE: "at",
        TECHNICAL: "digest hash",
    },
    "personal_key": {TECHNICAL: "number"},
    "restored": {DATE: "as_of"},
    # The restricted database only (SR-11)
    "followed": {REFERENCE: "man reference"},
    "survivor": {REFERENCE: "pathway", SURVIVOR: "name phone email address workplace school safe_times"},
    "survivor_before": {REFERENCE: "number pathway", SURVIVOR: "name phone email address workplace school safe_times"},
    "listened": {REFERENCE: "id upto", DATE: "whole_on"},
    "screened": {REFERENCE: "pathway upto", TECHNICAL: "known"},
    "held_text": {
        TEXT: "body",
        REFERENCE: "number pathway taken_back",
        CODE: "recorded_by found state decided_by left_behind",
        DATE: "recorded_at decided_at",
    },
    "harm_concern": {TEXT: "body", REFERENCE: "number pathway risk", CODE: "recorded_by about", DATE: "recorded_at"},
    "concern_read": {REFERENCE: "number concern", CODE: "read_by", DATE: "read_at"},
}
"""Of each table: what its columns are."""

FACTS: dict[str, dict[What, str]] = {
    # The case
    "parent_spoken_to": {PERSON: "party"},
    "contact_failed": {PERSON: "party", CODE: "attempts accepted_by reason"},
    "hearing_listed": {DATE: "hearing_on", CODE: "hearing_type"},
    "hearing_vacated": {DATE: "hearing_on"},
    "court_declined": {CODE: "programme"},
    "risk_raised": {REFERENCE: "risk"},
    "further_work_advised": {CODE: "work"},
    "further_work_ordered": {CODE: "work"},
    # Any pathway
    "requested": {CODE: "route entry suggested_by"},
    "risk_reviewed": {CODE: "decision", REFERENCE: "risk"},
    "suitability_decided": {CODE: "suitable"},
    "held": {CODE: "hold reason"},
    "released": {CODE: "hold"},
    "withdrawn": {CODE: "reason"},
    "court_paper_signed": {CODE: "paper signed_by"},
    "letter_sent": {CODE: "letter"},
    # Referrals
    "referral_sent": {CODE: "provider"},
    "acknowledged": {CODE: "provider"},
    "referral_declined": {CODE: "provider reason"},
    "referral_recalled": {CODE: "provider reason"},
    "correction_asked": {REFERENCE: "fact_number", CODE: "reason"},
    # SPIP
    "session_booked": {CODE: "session venue", DATE: "starts_at ends_at"},
    "session_cancelled": {CODE: "session cancelled_by"},
    "attendance_reported": {CODE: "session result reason"},
    "breach_decided": {CODE: "decision"},
    "court_result": {CODE: "result"},
    "next_step_taken": {CODE: "step"},
    # DVPP
    "final_order_reviewed": {CODE: "decision"},
    "violence_established": {CODE: "basis"},
    "format_agreed": {CODE: "format participants"},
    "travel_agreed": {CODE: "pounds"},
    "assessment_reported": {CODE: "result reason"},
    "wait_reviewed": {CODE: "cause"},
    "programme_started": {CODE: "weeks"},
    "weekly_attendance": {CODE: "week result"},
    "dropped": {CODE: "reason"},
    "midway_reported": {CODE: "progress"},
    "final_reported": {CODE: "outcome"},
    "accreditation_renewed": {CODE: "provider", DATE: "until"},
    "accreditation_reviewed": {CODE: "decision"},
    # CPPP
    "criterion_assessed": {CODE: "criterion met"},
    "la_referral_considered": {CODE: "referred ground"},
    "spip_considered": {PERSON: "party", CODE: "decision reason"},
    "consent_given": {PERSON: "party"},
    "consent_refused": {PERSON: "party"},
    "consent_withdrawn": {PERSON: "party"},
    "court_timetabled": {DATE: "file_by"},
    "practitioner_matched": {CODE: "practitioner"},
    "unavailable": {PERSON: "who", DATE: "away_from away_until"},
    "session_set": {PERSON: "party", CODE: "session sitting letters", DATE: "starts_at ends_at"},
    "session_moved": {CODE: "session", DATE: "starts_at ends_at"},
    "session_called_off": {CODE: "session"},
    "session_held": {CODE: "session"},
    "session_letter_sent": {CODE: "session"},
    "joint_meeting_waived": {CODE: "reason"},
    "extension_granted": {DATE: "until"},
    "programme_stopped": {CODE: "reason"},
    "outcome_recorded": {CODE: "outcome"},
    # The restricted strand
    "man_started": {REFERENCE: "source"},
    "man_absent": {REFERENCE: "source"},
    "man_dropped": {REFERENCE: "source"},
    "man_finished": {REFERENCE: "source"},
    "risk_heard": {REFERENCE: "source"},
    "support_ended": {CODE: "reason"},
}
"""Of each kind of fact that carries anything: what its fields are. Nothing personal and no free text is among them."""


def tables() -> list[Table]:
    """Every table there is, of both databases."""
    return [*SQLModel.metadata.tables.values(), *Restricted.metadata.tables.values()]


def columns_of(table: str, *whats: What) -> list[str]:
    """The columns of a table that are any of these."""
    return [name for what in whats for name in TABLES.get(table, {}).get(what, "").split()]


@dataclass(frozen=True)
class Entry:
    """What one column, or one field of a fact, is."""

    where: str
    field: str
    what: What

    @property
    def encrypted(self) -> bool:
        return self.what in ENCRYPTED


def entries() -> Iterator[Entry]:
    """The whole dictionary, in its order: tables, then facts."""
    for where, said in [*TABLES.items(), *((f"fact {kind}", said) for kind, said in FACTS.items())]:
        for what, names in said.items():
            yield from (Entry(where, name, what) for name in names.split())


# What is wrong with it ------------------------------------------------------------------------------------------------


def problems(there: Iterable[Table] | None = None, kinds: Mapping[str, type[Fact]] | None = None) -> list[str]:
    """What the dictionary does not say, or says and is not so: a sentence for each."""
    there, kinds = tables() if there is None else there, {**KINDS, **RESTRICTED} if kinds is None else kinds
    found = [sentence for table in there for sentence in _of_table(table)]
    for name, kind in kinds.items():
        found += _compared(f"field {name}", FACTS.get(name, {}), payload_fields(kind))
        forbidden = [field for what in (*ENCRYPTED, STAFF) for field in FACTS.get(name, {}).get(what, "").split()]
        found += [f"The field {name}.{field} is personal: a fact may not carry it (SR-12)." for field in forbidden]
    return found


def _of_table(table: Table) -> Iterator[str]:
    said = TABLES.get(table.name, {})
    yield from _compared(f"column {table.name}", said, table.columns.keys())
    personal = {name for what in ENCRYPTED for name in said.get(what, "").split()}
    for column in table.columns:
        place = f"{table.name}.{column.name}"
        if (column.name in personal) != isinstance(column.type, Encrypted):
            is_so = "encrypted, but not said to be personal" if column.name not in personal else "personal: encrypt it"
            yield f"The column {place} is {is_so}."
        if isinstance(column.type, Encrypted) and column.type.place != place:
            yield f"The column {place} is encrypted as {column.type.place}: give it its own name."


def _compared(where: str, said: Mapping[What, str], there: Iterable[str]) -> Iterator[str]:
    names = Counter(name for some in said.values() for name in some.split())
    for name in there:
        if name not in names:
            yield f"The {where}.{name} is not in the data dictionary: say in models/personal.py what it is."
    for name, times in names.items():
        if times > 1 or name not in there:
            yield f"The {where}.{name} is in the data dictionary {'twice' if times > 1 else 'and is not there'}."


# To be read -----------------------------------------------------------------------------------------------------------


def page() -> str:
    """The dictionary as it stands in docs/privacy.md."""
    lines = ["| where | what it is | which | encrypted |", "|---|---|---|---|"]
    for where, said in [*TABLES.items(), *((f"fact {kind}", said) for kind, said in FACTS.items())]:
        for what, names in said.items():
            lines.append(f"| {where} | {what} | {names.replace(' ', ', ')} | {'yes' if what in ENCRYPTED else ''} |")
    return "\n".join(lines)
