"""The reports project: settings, URLs and channel routing."""
