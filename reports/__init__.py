"""Figures rebuilt from records: each with its unit, its day and the rule it is counted by. No input or output."""
