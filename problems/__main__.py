"""`python -m lifrac.problems` is the command line."""

import sys

from lifrac.problems.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
