"""Headlines, and the readers who get them at once."""
