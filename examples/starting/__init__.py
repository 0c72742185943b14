"""What the start commands of the examples share: environments and processes."""
