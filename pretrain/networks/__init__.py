"""Encoders of `transformers`: built, started from a folder, laid out, sped up, and read where it matters."""
