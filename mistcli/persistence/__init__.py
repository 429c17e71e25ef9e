"""Files that a run writes and reads again: run folders, checkpoints, and stores of results."""
