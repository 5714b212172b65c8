"""The sealed benchmark: items fixed before training, one digest over all that decides, and a guard against leaks."""
