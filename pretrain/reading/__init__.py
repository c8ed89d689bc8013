"""How a recipe is read: text with positions, layers of files and overrides, all problems at once."""
