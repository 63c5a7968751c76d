"""Sweeps over keys of a case, as jobs of Snakemake."""
