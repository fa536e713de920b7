-- What a search in the inbox looks through: whatever a person may have at hand of a document, written so that small letters without
-- accents find it. backoffice.web.inbox_search.folded does the same to what is asked for.

CREATE OR REPLACE FUNCTION review.folded(text_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN translate(replace(replace(replace(lower(regexp_replace(normalize(text_in, NFKD), '[\u0300-\u036f]', '', 'g')), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øłđı', 'oldi');

-- A number as it is written, and without what stands between its parts: SC-016308 is also SC016308.
CREATE OR REPLACE FUNCTION review.number_for_search(number_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN number_in ~ '[^[:alnum:]]' THEN number_in || ' ' || regexp_replace(number_in, '[^[:alnum:]]', '', 'g') ELSE number_in END;

CREATE OR REPLACE FUNCTION review.search_text(k review.case) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT review.folded(concat_ws(' ', k.title, s.name,
      -- Söhne is found as sohne and as soehne
      nullif(replace(replace(replace(lower(s.name), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), lower(s.name)),
      k.handover #>> '{supplier,id}', review.number_for_search(k.handover #>> '{document,number}'), review.number_for_search(k.handover #>> '{document,po_number}'),
      k.handover #>> '{document,filename}', k.amount::numeric(18,2)::text, n.numbers))
  FROM (SELECT k.handover #>> '{supplier,name}' AS name) s
  CROSS JOIN LATERAL (
    SELECT left(string_agg(review.number_for_search(x.number), ' ' ORDER BY x.number), 8000) AS numbers FROM (
      SELECT l.po_number AS number FROM purchasing.invoice_line l WHERE k.subject_kind = 'invoice' AND l.invoice_id = k.subject_id AND l.po_number IS NOT NULL
      UNION
      SELECT r.receipt_number FROM purchasing.invoice_line l JOIN purchasing.receipt_line r ON r.order_line_id = l.order_line_id WHERE k.subject_kind = 'invoice' AND l.invoice_id = k.subject_id
    ) x) n
$$;

CREATE OR REPLACE FUNCTION review.write_search_text() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.inbox_text := review.search_text(NEW);
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS searched ON review.case;
CREATE TRIGGER searched BEFORE INSERT OR UPDATE OF title, handover, amount, inbox_text ON review.case FOR EACH ROW EXECUTE FUNCTION review.write_search_text();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER searched;
UPDATE review.case c SET inbox_text = '' WHERE strpos(c.inbox_text, lower(c.subject_key)) > 0; -- cases of before
