"""Material cards: properties with sources, temperature laws and ranges."""
