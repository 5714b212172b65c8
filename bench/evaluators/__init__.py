"""Who answers and scores the items in bench/evaluate.py: nichetune, lm-evaluation-harness, inspect_ai."""
