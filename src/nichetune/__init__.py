"""nichetune: a private corpus in, a small model out that has proved itself on a sealed benchmark."""

__version__ = "0.1.0"
