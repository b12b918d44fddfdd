"""The programmes we run, each with its pathway function."""

from flows.cppp import cppp
from flows.dvpp import dvpp
from flows.spip import spip
from store.advance import Story

PROGRAMMES: dict[str, Story] = {"SPIP": spip, "DVPP": dvpp, "CPPP": cppp}
