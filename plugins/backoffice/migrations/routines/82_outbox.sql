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
-- Of what the receiver answered: its own plain values, not what it repeats of the message.
CREATE OR REPLACE FUNCTION ops.receipt_of(answer_in jsonb, payload_in jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_object_agg(a.key, a.value), '{}') FROM jsonb_each(CASE jsonb_typeof(answer_in) WHEN 'object' THEN answer_in ELSE '{}' END) AS a
  WHERE jsonb_typeof(a.value) NOT IN ('object', 'array') AND NOT payload_in ? a.key AND NOT EXISTS (SELECT FROM jsonb_each(payload_in) AS p WHERE p.value = a.value)
$$;
CREATE OR REPLACE FUNCTION ops.mark_sent(outbox_in bigint, answer_in jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE sent ops.outbox;
BEGIN
  UPDATE ops.outbox o SET attempts = o.attempts + 1, sent_at = now(), answer = ops.receipt_of(answer_in, o.payload) WHERE o.outbox_id = outbox_in AND o.sent_at IS NULL RETURNING * INTO sent;
  IF sent.outbox_id IS NULL THEN
    PERFORM review.refuse('BO409', format('effect %s is not waiting', outbox_in));
  END IF;
  -- What leaves in plain text (a person's words, file names, who is answered) is not in the log in plain text: the words are there
  -- encrypted, the rest and what was answered as a hash, salted so that nobody can try names on it who has not the row itself.
  PERFORM audit.append('effect', 'outbox:' || sent.idempotency_key, audit.object('effect', audit.text('sent'), 'destination', audit.text(sent.destination),
    'idempotency_key', audit.text(sent.idempotency_key), 'supplier_id', audit.text(sent.payload ->> 'supplier_id'), 'reference', audit.text(sent.payload ->> 'reference'),
    'sent_sha256', audit.text(encode(sha256(uuid_send(sent.salt) || convert_to((sent.payload - 'body')::text || sent.answer::text, 'UTF8')), 'hex')),
    'principal_and_reason', CASE WHEN sent.sealed IS NOT NULL THEN audit.personal('person:' || sent.written_by, sent.sealed) END,
    'at', audit.text(ops.utc(now()))));
  PERFORM vault.note_use('person:' || sent.written_by, 'outbox:' || sent.idempotency_key, 'effect') WHERE sent.written_by IS NOT NULL;
END $$;
