"""The page of the sample caseload, made from its tables: `python -m samples.page > docs/samples.md`."""

from collections.abc import Iterator

from samples import cppp, dvpp, spip
from samples.sample import Stages

_HEAD = """# The sample caseload

{total} fictional pathways of three programmes, one or more at every stage, dated back from the day they are loaded so that
something is always due. Nobody in it exists: people are called after trees ("Robin Alder-Sample"), places are invented,
and every address ends in `.example`. Five areas, seven courts, twelve providers, six advisers. FCA06 has chosen a daily
digest; FCA02, FCA04 and FCA05 are trained in CPPP; the only provider of SA05 is suspended; P011's accreditation for DVPP
lapsed a few days ago; the groups of P006 and P010 do not meet at Christmas, nor P006's in a week about a month ago.

It is written as files and loaded as anybody's files are (`samples/`), and refused where anything real is, people included. What
happened before yesterday counts as told already, so the mailbox holds what is new and what is late, and no more. A DVPP
in its last weeks is told with all the weekly reports before. The [restricted strand](restricted.md) gets people of its own,
and a survivor beside each man who was referred in SA01 to SA03; SA04 has no support worker yet."""

_TWINS = "two parents of one case, each with a provider of their own"


def page() -> str:
    tables = {
        "SPIP": ("provider", [*_rows(spip.STAGES), *_twins(), *_rows(spip.LATER)]),
        "DVPP": ("provider", list(_rows(dvpp.STAGES))),
        "CPPP": ("practitioner", list(_rows(cppp.STAGES))),
    }
    total = sum(row[0] for _, rows in tables.values() for row in rows)
    parts = [_section(programme, who, rows) for programme, (who, rows) in tables.items()]
    return "\n\n".join([_HEAD.format(total=total), *parts]) + "\n"


Row = tuple[int, str, str, str]


def _rows(stages: Stages) -> Iterator[Row]:
    return ((how_many, area, who, words) for how_many, area, who, words, *_ in stages)


def _twins() -> Iterator[Row]:
    return ((2, area, f"{mine}, {theirs}", _TWINS) for area, mine, theirs in spip.TWINS)


def _section(programme: str, who: str, rows: list[Row]) -> str:
    """The table of one programme, under its name and the number of its pathways."""
    head = [
        f"## {programme}: {sum(row[0] for row in rows)}",
        "",
        f"| pathways | area | {who} | situation |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


if __name__ == "__main__":
    print(page(), end="")
