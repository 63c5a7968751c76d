"""No test of the solver reads or leaves anything in the user's cache."""

import os

os.environ["LIFRAC_CACHE"] = "off"
