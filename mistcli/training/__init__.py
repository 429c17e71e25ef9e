"""Training: the one loop that trains a stack of fits, its options, and the events it tells of."""
