"""Subject access: all that is held of one person, with what is another's taken out (UK GDPR, article 15).

It is a draft: whoever answers for it reads it before it is handed over. Nothing of it comes from the restricted strand,
and of the strand's own people there is one of its own (SR-11).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from models.facts import KINDS, RESTRICTED
from models.personal import PARTY, PERSON, TECHNICAL, TEXT, columns_of
from models.restricted import Survivor, SurvivorBefore
from models.tables import (
    Case,
    Court,
    Direction,
    DutyRow,
    FactRow,
    MessageRow,
    NoticeRow,
    Party,
    PathwayRow,
    Provider,
    ProviderText,
)
from store.database import in_batches

ANOTHER = "[another person]"
CONSIDERED = "[being considered]"
WEIGHED = frozenset(
    """
    risk_raised risk_reviewed risk_review new-risk referral-paused referral-resumed
    survivor_plan_made suitability_gate gate-open referral-held
    la_referral_considered la_referral la-considered criterion_assessed criteria
    """.split()  # noqa: SIM905
)
"""Facts, duties and notices that say something of a risk, of a child or of another person. Whether their being known
harms anybody is for a person to weigh (Data Protection Act 2018, schedule 3)."""
_WEIGHED_WORDS = re.compile("risk|survivor|suitability|local authority|la referral|criteria|hold", re.IGNORECASE)

Report = dict[str, Any]


class NobodyKnown(Exception):
    """There is no such person here, or it takes more to say which one is meant."""


def person(connection: Connection, reference: str) -> str:
    """The reference of one person: as given, or of the only party of a case. Raises NobodyKnown."""
    query = select(Party.reference, Party.role).where((Party.reference == reference) | (Party.case == reference))
    found = connection.execute(query.order_by(Party.role)).all()
    if not found:
        raise NobodyKnown(f"Nobody is known here as {reference}: it is neither a party nor a case.")
    if len(found) > 1:
        people = " or ".join(f"{row.reference} ({row.role})" for row in found)
        raise NobodyKnown(f"{reference} is a case of several people, and each is told of themselves only: {people}.")
    return found[0].reference


class Held:
    """What is held of one party."""

    def __init__(self, connection: Connection, party: str) -> None:
        self.connection, self.party = connection, party
        self.me = self._rows(Party, Party.reference == party)[0]
        self.others = self._rows(Party, (Party.case == self.me["case"]) & (Party.reference != party))
        self._another = _any_of(row["reference"] for row in self.others)
        self._of_another = _any_of(word for row in self.others for word in _words_of(row))
        self.left_out: Counter[str] = Counter()
        """How much is left out, by why."""

    def report(self) -> Report:
        """All of it. What is left out is counted."""
        mine = (PathwayRow.party == self.party) | (PathwayRow.party.is_(None) & (PathwayRow.case == self.me["case"]))
        pathways = self._rows(PathwayRow, mine)
        providers = {row["provider"] for row in pathways}
        made = {
            "person": self._said(Party, self.me),
            "case": [self._said(Case, row) for row in self._rows(Case, Case.reference == self.me["case"])],
            "court": self._of_case(Court, Court.code, Case.court, "name"),
            "directions": [self._said(Direction, row) for row in self._rows(Direction, Direction.party == self.party)],
            "facts about the case": self._facts(self.me["case"]),
            "pathways": [self._pathway(row) for row in pathways],
            "providers it was given to": [
                {"code": row["code"], "name": row["name"]} for row in self._rows(Provider, Provider.code.in_(providers))
            ],
        }
        return made | {"left out": dict(self.left_out)}

    def _of_case(self, table: Any, key: Any, column: Any, *names: str) -> list[Report]:
        query = select(column).where(Case.reference == self.me["case"]).scalar_subquery()
        return [{name: row[name] for name in names} for row in self._rows(table, key == query)]

    def _pathway(self, row: Mapping[str, Any]) -> Report:
        reference = row["reference"]
        said = self._said(PathwayRow, row)
        if _WEIGHED_WORDS.search(row["label"]):
            said |= dict.fromkeys(("state", "label", "reason", "on_role", "on_code", "due_on"), CONSIDERED)
        texts = self._rows(ProviderText, ProviderText.pathway == reference)
        return said | {
            "facts": self._facts(reference),
            "owed": self._unless_weighed(DutyRow, self._rows(DutyRow, DutyRow.pathway == reference), "kind"),
            "told": self._told(reference),
            "texts": [self._said(ProviderText, one) for one in texts],
        }

    def _facts(self, subject: str) -> list[Report]:
        """What was recorded, what was corrected since among it."""
        return self._unless_weighed(FactRow, self._rows(FactRow, FactRow.subject == subject), "kind")

    def _told(self, pathway: str) -> list[Report]:
        """Who was told what of it, and when that was sent."""
        rows = self._rows(NoticeRow, NoticeRow.pathway == pathway)
        query = select(MessageRow.bundle, MessageRow.sent_at).where(MessageRow.sent_at.is_not(None))
        sent: dict[str, Any] = {}
        for some in in_batches([row["bundle"] for row in rows if row["bundle"]]):
            sent |= dict(self.connection.execute(query.where(MessageRow.bundle.in_(some))).all())
        return self._unless_weighed(NoticeRow, [{**row, "sent_at": sent.get(row["bundle"])} for row in rows], "wording")

    # What is another's ------------------------------------------------------------------------------------------------

    def _unless_weighed(self, table: Any, rows: Sequence[Mapping[str, Any]], kind: str) -> list[Report]:
        """The rows without those about another person, or that a person has to weigh; and what hangs on those."""
        found, gone = [], set()
        for row in rows:
            said = " ".join(str(row[name]) for name in (kind, *columns_of(table.__tablename__, PERSON)))
            if not WEIGHED.isdisjoint(re.findall(r"[\w-]+", said)) or row.get("supersedes") in gone:
                self.left_out["to be weighed by a person: it may say something of a risk or of somebody else"] += 1
            elif self._another.search(said):
                self.left_out["about another person"] += 1
            else:
                found.append(self._said(table, row) | ({"sent_at": row["sent_at"]} if "sent_at" in row else {}))
                continue
            gone.add(row["id"])
        return found

    def _said(self, table: Any, row: Mapping[str, Any]) -> Report:
        """A row as this person may have it: without what only a machine reads, and without the others."""
        name = table.__tablename__
        technical, texts = columns_of(name, TECHNICAL), columns_of(name, TEXT)
        return {
            column: self._of_another.sub(ANOTHER, value) if column in texts else value
            for column, value in row.items()
            if column not in technical and column in table.__table__.columns
        }

    def _rows(self, table: Any, where: ColumnElement[bool]) -> list[dict[str, Any]]:
        return _rows(self.connection, table.__table__, where)


def _rows(connection: Connection, table: Table, where: ColumnElement[bool]) -> list[dict[str, Any]]:
    query = select(table).where(where).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(query).mappings()]


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of these words or phrases, by itself; nothing, where there are none."""
    longest_first = sorted(filter(None, set(words)), key=len, reverse=True)
    phrases = "|".join(map(re.escape, longest_first)) or "(?!)"
    return re.compile(rf"(?<![\w-])(?:{phrases})(?![\w-])", re.IGNORECASE)


def _words_of(row: Mapping[str, Any]) -> list[str]:
    """What would say somebody in a text: the reference, each word of the name, and the rest as it stands."""
    personal = [row[name] for name in columns_of("party", PARTY) if isinstance(row[name], str)]
    return [row["reference"], *personal, *(word for word in re.findall(r"[\w'-]+", row["name"]) if len(word) > 2)]


# The restricted strand ------------------------------------------------------------------------------------------------


def of_survivor(connection: Connection, pathway: str) -> Report:
    """All that the strand holds of a survivor; what it heard of the man it follows is his."""
    heard = {kind for kind, made in RESTRICTED.items() if "source" in made.model_fields}
    facts = _rows(connection, FactRow.__table__, FactRow.subject == pathway)
    own = [row for row in facts if row["kind"] not in heard]
    return {
        "person": _rows(connection, Survivor.__table__, Survivor.pathway == pathway),
        "what was known before": _rows(connection, SurvivorBefore.__table__, SurvivorBefore.pathway == pathway),
        "pathway": _rows(connection, PathwayRow.__table__, PathwayRow.reference == pathway),
        "facts": own,
        "owed": _rows(connection, DutyRow.__table__, DutyRow.pathway == pathway),
        "left out": {"about another person": len(facts) - len(own)},
    }


# To be read -----------------------------------------------------------------------------------------------------------


_MADE_OF_OTHERS = {"identity", "key", "occasion", "same_as", "bundle"}
"""Columns that say again what others of their row say."""


def readable(report: Report) -> str:
    """A report as text: a line for each thing known, under what it belongs to."""
    return "\n".join(_lines(report, ""))


def _lines(value: Any, indent: str) -> Iterable[str]:
    for name, said in value.items():
        if isinstance(said, Mapping):
            yield f"{indent}{_words(name)}:"
            yield from _lines(said, f"{indent}  ")
        elif isinstance(said, list):
            yield f"{indent}{_words(name)}: {'' if said else 'nothing'}".rstrip()
            for one in said:
                yield f"{indent}  -"
                yield from _lines(one, f"{indent}    ")
        elif said not in (None, "") and name not in _MADE_OF_OTHERS:
            yield f"{indent}{_words(name)}: {said}"


def _words(name: str) -> str:
    kind = KINDS.get(name)
    return kind.label if kind else name.replace("_", " ").strip().capitalize()
