"""`python -m benchmarks`: every measurement, one after the other."""

from benchmarks import advance, mail

advance.main()
mail.main()
