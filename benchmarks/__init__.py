"""The project against its peers, on the same work in one run: see README.rst."""
