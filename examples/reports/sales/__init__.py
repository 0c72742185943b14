"""Reports on the sales of a year, made in the background."""
