"""What all tests share."""

from hypothesis import settings

# The first call of a compiled function takes seconds; equal inputs on every machine make failures repeatable.
settings.register_profile("maskwright", deadline=None, derandomize=True)
settings.load_profile("maskwright")
