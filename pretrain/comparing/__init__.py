"""Arms of one recipe against each other: the same seeds, the same artefacts, one difference, one table."""
