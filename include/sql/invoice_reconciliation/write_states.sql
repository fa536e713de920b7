-- The state of each line on which a hold stands, stood before, or that waits for a source; then of each invoice.
WITH standing AS (
  SELECT h.invoice_id, h.invoice_line_id, max(CASE WHEN h.code = 'NO_RECEIPT' THEN 1 ELSE 2 END) AS weight
  FROM hold h JOIN work_invoice w ON w.invoice_id = h.invoice_id AND w.in_scope
  WHERE h.released_at IS NULL AND h.effect <> 'W' GROUP BY h.invoice_id, h.invoice_line_id
), by_line AS (
  SELECT x.invoice_line_id, max(x.weight) AS weight FROM (
    SELECT st.invoice_line_id, st.weight FROM standing st WHERE st.invoice_line_id IS NOT NULL
    UNION ALL
    SELECT l.invoice_line_id, 2 FROM standing st JOIN invoice_line l ON l.invoice_id = st.invoice_id WHERE st.invoice_line_id IS NULL
    UNION ALL
    SELECT a.invoice_line_id, 3 FROM work_waiting_line a
    UNION ALL
    SELECT v.invoice_line_id, 0 FROM work_verdict v
    UNION ALL
    SELECT s.invoice_line_id, 0 FROM work_line l JOIN line_state s ON s.invoice_line_id = l.invoice_line_id
    WHERE l.in_scope AND l.evaluated AND s.state <> 'matched'
  ) x GROUP BY x.invoice_line_id
)
UPDATE line_state s SET run_id = run_in,
  state = CASE b.weight WHEN 3 THEN 'waiting_source' WHEN 2 THEN 'held' WHEN 1 THEN 'waiting_receipt' ELSE 'matched' END
FROM by_line b
WHERE b.invoice_line_id = s.invoice_line_id
  AND s.state <> CASE b.weight WHEN 3 THEN 'waiting_source' WHEN 2 THEN 'held' WHEN 1 THEN 'waiting_receipt' ELSE 'matched' END;

WITH worst AS (
  SELECT h.invoice_id, max(CASE WHEN h.code = 'NO_RECEIPT' THEN 1 ELSE 2 END) AS weight
  FROM hold h JOIN work_invoice w ON w.invoice_id = h.invoice_id AND w.in_scope
  WHERE h.released_at IS NULL AND h.effect <> 'W' GROUP BY h.invoice_id
), judged AS (
  SELECT w.invoice_id, w.evaluated,
         CASE WHEN w.blocked THEN 'waiting_source' WHEN h.weight = 2 THEN 'held' WHEN h.weight = 1 THEN 'waiting_receipt' ELSE 'matched' END AS state
  FROM work_invoice w LEFT JOIN worst h ON h.invoice_id = w.invoice_id
  WHERE w.in_scope
), changed AS (
  UPDATE invoice_status s SET state = j.state, evaluated_run = run_in, evaluated_at = now()
  FROM judged j WHERE j.evaluated AND s.invoice_id = j.invoice_id AND s.state <> j.state AND s.state <> 'rejected'
)
INSERT INTO invoice_status (invoice_id, state, evaluated_run)
SELECT j.invoice_id, j.state, run_in FROM judged j WHERE NOT j.evaluated ORDER BY j.invoice_id;
