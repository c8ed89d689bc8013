"""Shards in, word-aligned token sequences out; and the lexicon of similar words."""
