"""What is known of people, as what may not be said of them: words, whole phrases and numbers, in whatever disguise."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from models.disguise import digits_read, in_a_row, plain, spellings, tokens
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


@dataclass
class Details:
    """What is known of some people, as what may not be said of them."""

    words: set[str] = field(default_factory=set)
    """Said by themselves they say too much: a name, a street."""
    phrases: set[str] = field(default_factory=set)
    """They say too much only as a whole: a full name, an e-mail address, a postcode. Without anything between."""
    numbers: set[str] = field(default_factory=set)

    def add(self, name: str | None, places: Iterable[str | None], reached: Iterable[str | None], near: bool) -> None:
        """Add a person; one who is `near` is known by each word of it, one of another pathway only by the whole."""
        where = [place for place in places if place]
        if near:
            self.words |= {word for word in tokens(name or "") if len(word) > 2}
            self.words |= {w for w in tokens(" ".join(where)) if len(w) > 3 and w.isalpha() and w not in _OF_ADDRESSES}
        addresses = [one for one in reached if one and "@" in one]
        self.phrases |= {whole for one in (name, *where, *addresses) for whole in _wholes(one or "")}
        self.words |= {local for one in addresses if len(local := "".join(tokens(one.partition("@")[0]))) > 5}
        called = chain(where, (one for one in reached if one and "@" not in one))
        self.numbers |= {national(n) for one in called for n in (*numbers(one), re.sub(r"\D", "", one)) if len(n) > 6}

    def said_in(self, text: str) -> bool:
        """Whether a text says any of it, in whatever disguise."""
        digits = "".join(word for word in digits_read(text) if word.isdigit())
        raw = re.sub(r"\D", "", plain(text))
        if any(number in digits or number in raw or number in raw[::-1] for number in self.numbers):
            return True
        return any(self._said(row) for row in (*spellings(text), digits_read(text)))

    def _said(self, row: list[str]) -> bool:
        whole = "".join(row)
        if any(phrase in whole for phrase in self.phrases):
            return True
        longest = max(map(len, self.words), default=0)
        if not self.words.isdisjoint("".join(some) for some in in_a_row(row, longest)):
            return True
        inside = [word for word in self.words if len(word) > 4]
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
