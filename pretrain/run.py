"""`python -m pretrain.run RECIPE [KEY=VALUE ...]`: the same as `maskwright run RECIPE [KEY=VALUE ...]`."""

import sys

from pretrain.__main__ import program

if __name__ == "__main__":
    sys.argv.insert(1, "run")
    program()
