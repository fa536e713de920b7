"""Benchmarks: `make bench`. Each measures a figure beside a baseline run in the same minutes and prints a table row."""
