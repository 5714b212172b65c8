"""What leaves with a benchmark for another harness: a copy of the scorers, and how the harness asks them.

These modules are copied into the export under the name `nichetune_scorers`, with all of nichetune that they import;
so they import nothing that needs more than pydantic and the harness itself.
"""
