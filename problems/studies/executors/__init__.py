"""Executors compute the points of a study of any kind: the ranks of this MPI job, or jobs that Snakemake starts."""
