"""The chat project: settings, URLs and channel routing."""
