-- Question: under which id are these bytes kept? Bytes that are kept already are not kept twice.
-- Grain: no row if the bytes were kept before.
INSERT INTO intake.document (sha256, content, media_type) VALUES (%b, %b, %s)
ON CONFLICT (sha256) DO NOTHING
RETURNING document_id
