"""What masking knows: recognisers, the tagger of names and addresses, policies, replacements, keys and the audit."""
