-- Documents of which lines were lost or doubled on the way into the ledger.
line_count <> line_count_staged
