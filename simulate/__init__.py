"""A simulated year: the real store and the real pathways, with a calendar and people that are made up."""
