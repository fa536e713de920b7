"""Sensors: what a run waits for without failing the night."""
