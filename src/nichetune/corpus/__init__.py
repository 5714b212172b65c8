"""From files to clean, masked, grouped and split examples: ingest, mask, format, dedupe, split."""
