"""What is known of survivors, for the screen alone: whom a text about a man's pathway may not speak of (SR-11)."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

from sqlalchemy import Connection, or_, select

from models.details import Details, Person
from models.restricted import Survivor, SurvivorBefore
from models.tables import Party, PathwayRow
from store.strand import followed

_TABLES = (Survivor.__table__, SurvivorBefore.__table__)


class Known:
    """All that is and was known of survivors at one moment, and of the parties around each pathway."""

    def __init__(self, here: Connection, there: Connection) -> None:
        self._here = here
        self._of_man: dict[str, list[Person]] = defaultdict(list)
        for table in _TABLES:
            query = select(table, followed.c.man).join(followed, followed.c.reference == table.c.pathway)
            for row in there.execute(query):
                self._of_man[row.man].append(_person(row))
        everybody = [person for people in self._of_man.values() for person in people]
        self._far, self._all = Details(everybody, near=False), _mark(everybody)
        self._near: dict[str, Details] = {}

    def names(self, pathway: str) -> bool:
        """Whether anything is known of the survivor beside this pathway."""
        return pathway in self._of_man

    def said_in(self, body: str, pathway: str) -> bool:
        """Whether a text about a man's pathway says anything of those near to him, or the whole of another's."""
        if pathway not in self._near:
            self._near[pathway] = Details(self._around(pathway), near=True)
        return self._near[pathway].said_in(body) or self._far.said_in(body)

    def fingerprint(self, pathway: str) -> str:
        """Another as soon as anything else is known that a text about this pathway may not say."""
        return _mark(self._around(pathway)) + self._all

    def _around(self, pathway: str) -> Iterator[Person]:
        """The survivors of his case and of his other pathways, and the other parties, one of whom she may well be."""
        me = select(PathwayRow.case, PathwayRow.party).where(PathwayRow.reference == pathway).subquery()
        his = select(PathwayRow.reference).join(me, or_(PathwayRow.case == me.c.case, PathwayRow.party == me.c.party))
        for reference in sorted({pathway, *self._here.execute(his).scalars()}):
            yield from self._of_man.get(reference, [])
        query = select(Party.name, Party.address, Party.phone, Party.email)
        for row in self._here.execute(query.where(Party.case == me.c.case, Party.reference != me.c.party)):
            yield Person(row.name, (row.address,), (row.phone, row.email))


def _person(row: Any) -> Person:
    return Person(row.name, (row.address, row.workplace, row.school), (row.phone, row.email), row.safe_times)


def _mark(people: Any) -> str:
    return hashlib.sha256(repr(sorted(map(repr, map(astuple, people)))).encode()).hexdigest()


def forbidden(connection: Connection) -> frozenset[str]:
    """All that is or was personal of survivors, which the strand's own mail does not carry either (SR-12)."""
    names = ("name", "phone", "email", "address", "workplace", "school")
    rows = [row for table in _TABLES for row in connection.execute(select(*(table.c[name] for name in names)))]
    return frozenset(value for row in rows for value in row if value)
