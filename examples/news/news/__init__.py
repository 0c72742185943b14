"""The news project: settings, URLs and channel routing."""
