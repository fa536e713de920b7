-- Question: under which id are the bytes of this hash kept?
-- Grain: at most one row.
SELECT document_id FROM intake.document WHERE sha256 = %b
