-- Sealing: the sealer (role backoffice_sealer, who alone has the signing key) puts waiting records into the tree and signs.
-- Number of the last record sealed, and the checkpoint that people are shown: size and the first half of the root.
CREATE OR REPLACE VIEW audit.latest_seal AS
SELECT s.seal_no, s.size, s.root, s.edge, s.note, s.key_id, s.sealed_at, s.size || ':' || left(encode(s.root, 'hex'), 16) AS short
FROM audit.seal s ORDER BY s.seal_no DESC LIMIT 1;

-- A key signs from the first checkpoint after the one that covers its record. Only the sealer's: the very first, and a new one while
-- the old one still signs (that checkpoint vouches for it). One whose predecessor is lost needs two people.
CREATE OR REPLACE FUNCTION audit.introduce_key(line_in text, key_id_in text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE recorded bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:seal', 0));
  PERFORM audit.append('key', 'log', audit.object('step', audit.text('key introduced'), 'key', audit.text(line_in), 'key_id', audit.text(key_id_in),
    'before', audit.text((SELECT s.key_id FROM audit.latest_seal s)), 'at', audit.text(ops.utc(now()))));
  SELECT max(r.record_id) INTO recorded FROM audit.record r WHERE r.subject = 'log' AND r.kind = 'key';
  INSERT INTO audit.sealing_key (key_id, line, record_id) VALUES (key_id_in, line_in, recorded);
END $$;

-- First half of a seal: say in the log itself that it is sealed and upon which checkpoint, then give every waiting record its place.
-- What is committed after that is said waits for the next seal: a checkpoint's own record is the last that it covers.
-- Returns the size before and after; nothing waiting, nothing done.
CREATE OR REPLACE FUNCTION audit.begin_seal(reason_in text, key_id_in text, OUT size_before bigint, OUT size_after bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE before audit.seal; own bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:seal', 0));
  SELECT s.* INTO before FROM audit.seal s ORDER BY s.seal_no DESC LIMIT 1;
  size_before := coalesce(before.size, 0);
  size_after := size_before;
  IF NOT EXISTS (SELECT FROM audit.waiting) THEN RETURN; END IF;
  PERFORM audit.append('seal', 'log', audit.object('seal_no', audit.text((coalesce(before.seal_no, 0) + 1)::text), 'previous_size', audit.text(size_before::text),
    'previous_root', audit.text(encode(before.root, 'hex')), 'reason', audit.text(reason_in), 'key_id', audit.text(key_id_in), 'at', audit.text(ops.utc(now()))));
  SELECT r.record_id INTO own FROM audit.record r WHERE r.subject = 'log' ORDER BY r.n DESC LIMIT 1;
  WITH taken AS (DELETE FROM audit.waiting w WHERE w.record_id <= own RETURNING w.record_id)
  INSERT INTO audit.leaf (leaf_index, record_id)
  SELECT size_before - 1 + row_number() OVER (ORDER BY t.record_id), t.record_id FROM taken t;
  GET DIAGNOSTICS size_after = ROW_COUNT;
  size_after := size_before + size_after;
END $$;

-- Second half, in the same transaction: keep the signed checkpoint. What it says of size and root is compared with what is stored.
CREATE OR REPLACE FUNCTION audit.finish_seal(note_in text, root_in bytea, edge_in bytea[], first_block bigint, blocks bytea[], key_id_in text, reason_in text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE before audit.seal; sealed bigint; said text[] := string_to_array(note_in, E'\n');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:seal', 0));
  SELECT s.* INTO before FROM audit.seal s ORDER BY s.seal_no DESC LIMIT 1;
  SELECT max(l.leaf_index) + 1 INTO sealed FROM audit.leaf l;
  IF said[2] IS DISTINCT FROM sealed::text OR said[3] IS DISTINCT FROM encode(root_in, 'base64')
     OR said[4] IS DISTINCT FROM 'previous ' || encode(coalesce(before.root, decode(repeat('00', 32), 'hex')), 'base64') OR sealed <= coalesce(before.size, 0) THEN
    RAISE EXCEPTION 'the checkpoint does not continue the log: % records are placed, the last checkpoint covers %', sealed, coalesce(before.size, 0) USING ERRCODE = 'BO409';
  END IF;
  INSERT INTO audit.block (block_no, root) SELECT first_block + b.place - 1, b.root FROM unnest(blocks) WITH ORDINALITY AS b(root, place);
  INSERT INTO audit.seal (seal_no, size, root, edge, note, key_id, reason) VALUES (coalesce(before.seal_no, 0) + 1, sealed, root_in, edge_in, note_in, key_id_in, reason_in);
  PERFORM pg_notify('backoffice_sealed', (coalesce(before.seal_no, 0) + 1)::text);
  RETURN coalesce(before.seal_no, 0) + 1;
END $$;

CREATE OR REPLACE FUNCTION audit.record_anchor(seal_in bigint, anchor_in text, receipt_in text, failure_in text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO audit.anchor (seal_no, anchor, receipt, failure) VALUES (seal_in, anchor_in, receipt_in, failure_in)
$$;

-- Something about the log itself that people must hear of, once a day: no seal came, a verification failed, the log is not the one that was signed.
CREATE OR REPLACE FUNCTION audit.raise_alert(what_in text, detail_in text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT audit.append('alert', 'log', audit.object('alert', audit.text(what_in), 'detail', audit.text(detail_in), 'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))))
  WHERE NOT EXISTS (SELECT FROM (SELECT r.kind, r.body, r.recorded_at FROM audit.record r WHERE r.subject = 'log' ORDER BY r.n DESC LIMIT 100) AS late
    WHERE late.kind = 'alert' AND late.recorded_at > now() - interval '1 day'
      AND convert_from(late.body, 'UTF8')::jsonb @> jsonb_build_object('alert', what_in, 'detail', detail_in))
$$;

-- Ask the sealer to seal now. Who asks waits until audit.waiting holds nothing of what it cares for.
CREATE OR REPLACE FUNCTION audit.request_seal(reason_in text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT pg_notify('backoffice_seal', left(reason_in, 200))
$$;

-- Is a sealer connected? It holds this lock for as long as it lives.
CREATE OR REPLACE FUNCTION audit.sealer_is_there() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_locks k WHERE k.locktype = 'advisory' AND k.granted AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    AND ((k.classid::bigint << 32) | k.objid::bigint) = hashtextextended('backoffice:sealer', 0))
$$;
