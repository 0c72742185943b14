"""The live blog: settings, URLs and channel routing."""
