"""Evidence packs: what the ledger holds of one thing or of a sample, in a form that proves itself."""
