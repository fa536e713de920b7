"""One folder per process: its configuration and the builder of its tasks."""
