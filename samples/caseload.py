"""Fictional pathways of three programmes, one or more at every stage, counted back from the day they are loaded.

A stage is a function that tells one pathway's facts; the `STAGES` of each programme say how many there are of each and
why it is there. Nobody in them exists: names are of trees and birds, addresses end in `.example`.
"""

from datetime import date, timedelta

from models.working_days import add_working_days
from samples import cppp, dvpp, spip
from samples.places import directory
from samples.sample import Files


def caseload(today: date) -> Files:
    """The rows of every file, by kind of file, for samples loaded on a day."""
    # From a weekend on, "so many working days ago" is counted from the working day before it.
    today = add_working_days(today + timedelta(days=1), -1)
    files: Files = directory(today) | {"cases": [], "directions": [], "requests": [], "facts": []}
    for programme in (spip, dvpp, cppp):
        programme.tell_all(files, today)
    return files
