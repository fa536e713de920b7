-- Documents whose type is no invoice or credit note type of UNTDID 1001.
type_code <> ALL (%(type_codes)s)
