"""The settings of plain Django."""
from bench_common import *  # NOQA: settings

INSTALLED_APPS = []
