"""A small project that the system tests start as real processes."""
