"""The only place that reads and writes the database: facts in, duties and notices out, in sets."""
