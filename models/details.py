"""What is known of people, as what may not be said of them: words, whole phrases and numbers, in whatever disguise."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from models.disguise import digits_read, in_a_row, plain, spelled_by_name, spellings, tokens, unbroken
from models.screen import compact_postcodes, national, numbers

_OF_ADDRESSES = set(
    """
    avenue close court crescent drive east estate flat garden gardens green grove hill house lane lodge mews north park
    place road row south square street terrace view walk west unit apartment floor room
    academy centre church clinic college company council hospital infant junior library limited nursery office primary
    school secondary shop store surgery
    and for from near the with
    """.split()  # noqa: SIM905
)
"""Words of addresses that say nothing of where somebody is."""


_SHORT = set(
    """
    all and any are ask bad bar bay big bit box boy but buy bye can car cup cut day did due end far few fix for gas get
    got had has her him his hit hot how its job key kid law led let lot low man may men met mum new nor not now odd off
    old one our out own pay pub put ran red rid run sad sat saw say see set she six son sit ten the too top toy two use
    van via was way who why win yes yet you
    """.split()  # noqa: SIM905
)
"""Words of three letters that are everybody's."""


@dataclass(frozen=True)
class Person:
    """What is known of one person: the name, the places, and the numbers and addresses where they are reached."""

    name: str | None
    places: tuple[str | None, ...]
    reached: tuple[str | None, ...]
    times: str | None = None
    """When she may be reached, known as a whole only: a day of the week by itself is everybody's."""


class Details:
    """What is known of some people, as what may not be said of them.

    Those who are `near` are known by each word of it, in whatever disguise and inside of other words; others by the
    whole and between the bounds of words, so that "primary hill" does not say Mary Hill.
    """

    def __init__(self, people: Iterable[Person], *, near: bool) -> None:
        self._near = near
        self._words: set[str] = set()
        """Said by themselves they say too much: a name, a street."""
        self._phrases: set[str] = set()
        """They say too much only as a whole: a full name, an e-mail address, a postcode. Without anything between."""
        self._exact: set[str] = set()
        """Too short to be looked for inside of words: they are words, or words in a row, by themselves."""
        self._numbers: set[str] = set()
        for person in people:
            self._add(person)
        self._longest = max(map(len, self._words | self._exact | (set() if near else self._phrases)), default=0)

    def _add(self, one: Person) -> None:
        where = [place for place in one.places if place]
        addresses = [address for address in one.reached if address and "@" in address]
        self._phrases |= {
            whole for value in (one.name, one.times, *where, *addresses) for whole in _wholes(value or "")
        }
        locals_ = {"".join(tokens(address.partition("@")[0])) for address in addresses}
        (self._words if self._near else self._phrases).update(local for local in locals_ if len(local) > 5)
        called = chain(where, (number for number in one.reached if number and "@" not in number))
        found = {national(n) for value in called for n in (*numbers(value), re.sub(r"\D", "", value)) if len(n) > 6}
        self._numbers |= found | ({number[-6:] for number in found} if self._near else set())
        if self._near:
            self._add_words(one.name or "", where)

    def _add_words(self, name: str, where: Sequence[str]) -> None:
        said = [word for word in tokens(" ".join(where)) if word.isalpha() and word not in _OF_ADDRESSES]
        self._words |= {word for word in tokens(name) if len(word) > 2} | {word for word in said if len(word) > 3}
        self._exact |= {word for word in said if len(word) == 3 and word not in _SHORT}
        self._exact |= {"".join(tokens(whole)) for whole in (name, *where)} - _OF_ADDRESSES - {""}
        lines = [tokens(line) for place in where for line in re.split(r"[,;\n]", place)]
        self._exact |= {"".join(line) for line in lines if len(line) > 1 and set(line) & set(said)}
        self._exact |= {code[:-3] for place in where for code in compact_postcodes(place)}

    def said_in(self, text: str) -> bool:
        """Whether a text says any of it, in whatever disguise."""
        digits = "".join(word for word in digits_read(text) if word.isdigit())
        raw = re.sub(r"\D", "", plain(text))
        if any(number in digits or number in raw or number in raw[::-1] for number in self._numbers):
            return True
        rows = (*spellings(text), digits_read(text), spelled_by_name(text))
        if self._near and any(self._inside(row) for row in rows):
            return True
        exact = self._exact if self._near else self._phrases
        rows = rows if self._near else (*spellings(unbroken(text)), digits_read(unbroken(text)))
        return any("".join(some) in exact for row in rows for some in in_a_row(row, self._longest))

    def _inside(self, row: list[str]) -> bool:
        whole = "".join(row)
        if any(phrase in whole for phrase in self._phrases):
            return True
        if not self._words.isdisjoint("".join(some) for some in in_a_row(row, self._longest)):
            return True
        inside = [word for word in self._words if len(word) > 4]
        return any(word in token for word in inside for token in row) or any(
            word in whole for word in inside if len(word) > 6
        )


def _wholes(value: str) -> Iterator[str]:
    """A name, an address by its lines, or an e-mail address, without anything between its letters and digits."""
    for line in (value, *re.split(r"[,;\n]", value)):
        put = "".join(tokens(line))
        if len(put) > 7 and (len(tokens(line)) > 1 or "@" in line):
            yield put
    if "@" in value:
        yield "".join(tokens(value.replace("@", " at ").replace(".", " dot ")))
    yield from compact_postcodes(value)
