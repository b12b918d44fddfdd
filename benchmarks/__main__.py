"""`python -m benchmarks`: every measurement, one after the other."""

from benchmarks import advance, mail, site

advance.main()
mail.main()
site.main()
