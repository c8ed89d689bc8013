"""A recipe's stages, run in order: the store, the run's folder, plan, console, batch scripts."""
