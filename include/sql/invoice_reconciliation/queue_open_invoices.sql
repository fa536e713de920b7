-- Question: which documents may be judged otherwise when a limit, a unit factor or the tolerance set in force changes?
-- Grain: one row per document that is not rejected and not yet paid: unbooked, or booked with an open item.
INSERT INTO match_queue (invoice_id)
SELECT st.invoice_id FROM invoice_status st
WHERE st.state <> 'rejected' AND (st.booking_no IS NULL
   OR EXISTS (SELECT FROM open_item o WHERE o.invoice_id = st.invoice_id AND o.closed_by_entry IS NULL))
ON CONFLICT DO NOTHING;
