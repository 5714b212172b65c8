"""Synthetic worlds on which the rule of the verdict is tried."""
