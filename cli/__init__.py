"""`pathways`: the command line. Prefect is imported only by what needs it, so that help and questions answer at once."""
