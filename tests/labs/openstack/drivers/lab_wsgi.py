"""The application named by LAB_APP; services read sys.argv, so theirs is put there first."""

import importlib
import os
import sys

sys.argv = [os.environ["LAB_PROG"], *os.environ["LAB_ARGUMENTS"].split()]
application = importlib.import_module(os.environ["LAB_APP"]).application
