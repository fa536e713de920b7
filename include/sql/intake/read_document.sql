-- Question: what are the bytes of this document?
-- Grain: at most one row.
SELECT content, media_type FROM intake.document WHERE document_id = %(document_id)s
