"""One training of the bench, in a process of its own; see `bench/training.py`."""
