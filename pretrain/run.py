"""`python -m pretrain.run RECIPE [KEY=VALUE ...]`: the same as `maskwright run RECIPE [KEY=VALUE ...]`."""

import sys

from pretrain.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
