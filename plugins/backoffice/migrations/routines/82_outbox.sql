-- The relay takes effects, sends them and marks them, in one transaction: a crash sends again with the same key.
-- Those tried least come first, so that a few that the receiver refuses cannot starve the rest.
CREATE OR REPLACE FUNCTION ops.take_unsent(most integer) RETURNS TABLE (outbox_id bigint, idempotency_key text, destination text, payload jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.outbox_id, o.idempotency_key, o.destination, o.payload FROM ops.outbox o
  WHERE o.sent_at IS NULL AND o.destination <> 'notice' ORDER BY o.attempts, o.outbox_id LIMIT most FOR UPDATE SKIP LOCKED
$$;
CREATE OR REPLACE FUNCTION ops.mark_attempt(outbox_in bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE ops.outbox o SET attempts = o.attempts + 1 WHERE o.outbox_id = outbox_in AND o.sent_at IS NULL
$$;
CREATE OR REPLACE FUNCTION ops.mark_sent(outbox_in bigint, answer_in jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE sent ops.outbox;
BEGIN
  UPDATE ops.outbox o SET attempts = o.attempts + 1, sent_at = now(), answer = answer_in WHERE o.outbox_id = outbox_in AND o.sent_at IS NULL RETURNING * INTO sent;
  IF sent.outbox_id IS NULL THEN
    PERFORM review.refuse('BO409', format('effect %s is not waiting', outbox_in));
  END IF;
  -- a person's own words leave in plain text and stay in the log encrypted
  PERFORM audit.append('effect', 'outbox:' || sent.idempotency_key, audit.object('effect', audit.text('sent'), 'destination', audit.text(sent.destination),
    'idempotency_key', audit.text(sent.idempotency_key), 'payload', audit.text((CASE WHEN sent.written_by IS NULL THEN sent.payload ELSE sent.payload - 'body' END)::text),
    'principal_and_reason', CASE WHEN sent.sealed IS NOT NULL THEN audit.personal('person:' || sent.written_by, sent.sealed) END,
    'answer', audit.text(answer_in::text), 'at', audit.text(ops.utc(now()))));
  PERFORM vault.note_use('person:' || sent.written_by, 'outbox:' || sent.idempotency_key, 'effect') WHERE sent.written_by IS NOT NULL;
END $$;
