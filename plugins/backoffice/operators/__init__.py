"""Operators: read, judge by the domain, write; one step of a process each."""
