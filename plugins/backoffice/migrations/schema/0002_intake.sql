-- Whether a supplier is blocked may be unknown; unknown is not "free".
ALTER TABLE purchasing.supplier ALTER COLUMN blocked DROP NOT NULL;
UPDATE purchasing.supplier s SET blocked = NULL
FROM purchasing.master_version v
WHERE v.kind = 'supplier' AND v.business_key = s.supplier_id AND v.content_hash = s.content_hash AND v.content ->> 'blocked' IS NULL;

-- Set while a later version of the order line stands in quarantine: what is on record may no longer be what was agreed.
ALTER TABLE purchasing.order_line ADD COLUMN doubtful boolean NOT NULL DEFAULT false;
CREATE INDEX order_line_doubtful ON purchasing.order_line (order_line_id) WHERE doubtful;

-- quantity is in the unit of the order line (of the receipt, while no order line is known); this is what the source sent.
ALTER TABLE purchasing.receipt_line ADD COLUMN sent_quantity numeric(15,4), ADD COLUMN sent_uom text;
UPDATE purchasing.receipt_line r SET sent_quantity = t.quantity, sent_uom = t.uom
FROM intake.stage_receipt_line t
WHERE r.order_line_id IS NULL AND t.load_id = r.load_id AND t.content_hash = r.content_hash;

-- complete: everything the source has was read, as of a folder. judged_again: rows of earlier nights, taken from quarantine.
ALTER TABLE intake.load ADD COLUMN complete boolean NOT NULL DEFAULT false, ADD COLUMN judged_again bigint NOT NULL DEFAULT 0;

-- One row per content that stands in quarantine, however often it comes; load, row, findings and content are those of the
-- last time. accepted: it passed later. superseded: the source sent the record anew, or other checks found it.
ALTER TABLE intake.quarantine ADD COLUMN times integer NOT NULL DEFAULT 1, ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN settled_at timestamptz, DROP CONSTRAINT quarantine_state_check,
  ADD CONSTRAINT quarantine_state_check CHECK (state IN ('open', 'asked', 'reread', 'discarded', 'accepted', 'superseded'));
UPDATE intake.quarantine SET last_seen_at = quarantined_at;
CREATE INDEX quarantine_open ON intake.quarantine (dataset) WHERE state = 'open';
