"""The sealer: the one process that has the signing key of the audit log."""
