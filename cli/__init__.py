"""`pathways`: the command line. Only what needs Prefect imports it, so help and questions answer at once."""
