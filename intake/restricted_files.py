"""The files of the restricted strand: its people, who works in which area, and how survivors are reached (SR-11)."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from sqlalchemy import Connection

from intake.cells import Mail, Ref, Text, Word
from intake.kinds import Kind
from intake.load import Line, Load, changed
from intake.rows import FileRow, column
from models.restricted import NOBODY
from models.tables import Area, Court, PathwayRow, Practitioner
from store.open import keep
from store.strand import area_row, support_of, workers
from store.strand import keep_survivors as store_survivors


class PersonRow(FileRow):
    code: Ref = column("The person's code", "SW1")
    name: Text = column("The person's name", "Alex Example")
    email: Mail = column("Where mail reaches them, and nobody else", "sw1@support.example")
    role: Annotated[Literal["support_worker", "support_manager"], Word] = column("What they are", "support_worker")
    telling: Annotated[Literal["instant", "daily"], Word] = column(
        "How ordinary notices reach them: each at once, or one message a day", "instant", "instant"
    )


class SupportAreaRow(FileRow):
    code: Ref = column("The service area's code, as it is elsewhere", "A01")
    label: Text = column("Its name", "Northern coast")
    support_worker: Ref = column("Code of the worker who offers support there", "SW1")
    support_manager: Ref = column("Code of the worker's manager", "SW1")


class SurvivorRow(FileRow):
    pathway: Ref = column("The support pathway, or the DVPP it follows", "SUPPORT-0A1B2C3D4E")
    name: Text = column("Her name", "Sam Sample")
    phone: Text | None = column("A telephone number that is safe", "01632 960001", None)
    email: Mail | None = column("An e-mail address that is safe; nothing is sent to it", "sam@people.example", None)
    address: Text | None = column("Where she lives", "1 Example Street, Seaport", None)
    workplace: Text | None = column("Where she works", "Seaport Library", None)
    school: Text | None = column("The children's school", "Seaport Primary School", None)
    safe_times: Text | None = column("When she may be reached", "weekdays until 3 pm", None)


def keep_people(load: Load, lines: Sequence[Line]) -> None:
    load.in_transactions(lines, partial(_keep_people, load, {}))


def _keep_people(load: Load, seen: dict[Any, Line], connection: Connection, some: Sequence[Line]) -> None:
    good = [line for line in some if _is_somebody(load, line) and load.first_of(seen, line.row.code, line)]
    load.count(keep(connection, Practitioner.__table__, [line.row.model_dump() for line in good]))


def _is_somebody(load: Load, line: Line) -> bool:
    if line.row.code == NOBODY:
        load.refuse(line, "code", f"{NOBODY} stands for an area without a worker; choose another code")
    return line.row.code != NOBODY


def keep_areas(load: Load, lines: Sequence[Line]) -> None:
    load.in_transactions(lines, partial(_keep_areas, load, {}))


def _keep_areas(load: Load, seen: dict[Any, Line], connection: Connection, some: Sequence[Line]) -> None:
    """An area's open pathways go to its new worker, as do those that nobody had."""
    known = workers(connection)
    good = [line for line in some if _is_staffed(load, line, known) and load.first_of(seen, line.row.code, line)]
    rows = [area_row(r.code, r.label, r.support_worker, r.support_manager) for r in (line.row for line in good)]
    results = keep(connection, Area.__table__, rows)
    keep(connection, Court.__table__, [{"code": r["code"], "name": r["label"], "area": r["code"]} for r in rows])
    load.look_again(connection, PathwayRow.area, changed([row["code"] for row in rows], results))
    load.count(results)


def _is_staffed(load: Load, line: Line, known: set[str]) -> bool:
    return not [n for n in ("support_worker", "support_manager") if not load.knows(line, n, known, "practitioners")]


def keep_survivors(load: Load, lines: Sequence[Line]) -> None:
    load.in_transactions(lines, partial(_keep_survivors, load, {}))


def _keep_survivors(load: Load, seen: dict[Any, Line], connection: Connection, some: Sequence[Line]) -> None:
    good = []
    for line in some:
        reference = support_of(connection, line.row.pathway)
        if reference is None:
            load.refuse(line, "pathway", "no support pathway has this reference, or follows it yet")
        elif load.first_of(seen, reference, line):
            good.append(line.saying(pathway=reference))
    load.count(store_survivors(connection, [line.row.model_dump(exclude_unset=True) for line in good]))


FILES = {
    kind.name: kind
    for kind in (
        Kind("practitioners", "The people of the strand.", PersonRow, keep_people, private=True),
        Kind("areas", "Who works in which service area.", SupportAreaRow, keep_areas, private=True),
        Kind("survivors", "How survivors are reached safely.", SurvivorRow, keep_survivors, private=True),
    )
}
"""The kinds of file of the strand, in the order in which they are loaded."""
