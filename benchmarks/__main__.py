"""`python -m benchmarks`: every measurement, one after the other."""

from benchmarks import advance, engine, mail, scale, site, work

for one in (work, advance, scale, engine, mail, site):
    one.main()
