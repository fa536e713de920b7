-- How roles, actions and amounts are called in sentences for people: as the pages call them (backoffice.domain.wording).
CREATE OR REPLACE FUNCTION review.role_in_words(role_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE role_in WHEN 'ap_clerk' THEN 'accounts payable clerk' WHEN 'ap_manager' THEN 'accounts payable manager' WHEN 'receiver' THEN 'goods receiver' ELSE replace(role_in, '_', ' ') END;

CREATE OR REPLACE FUNCTION review.action_in_words(action_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE action_in WHEN 'ask_again' THEN 'Ask the supplier again' ELSE upper(left(action_in, 1)) || replace(substr(action_in, 2), '_', ' ') END;

-- Null stays null: what is not known is for the sentence to say.
CREATE OR REPLACE FUNCTION review.amount_in_words(amount_in numeric, currency_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN to_char(amount_in, 'FM999,999,999,999,999,990.0099') || coalesce(' ' || currency_in, '');

-- The reasons that an answer may give, those first that fit what is held.
CREATE OR REPLACE FUNCTION review.reasons_offered(subject_kind_in text, action_in text, codes text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(r.code ORDER BY NOT coalesce(string_to_array(r.fits, '|') && codes, false), r.place, r.code COLLATE "C"), '[]')
  FROM review.reason_code r WHERE r.subject_kind = subject_kind_in AND r.action = action_in AND r.offered
$$;
