-- Who may decide what: one truth for the function that records an answer, for the inbox and for the pages. All of it set-based: a
-- bulk of cases costs one statement.

-- What each undecided item of a case is above the order or the receipt: off/off_per in money, part/whole as a share. Null: that cannot
-- be said of this code. A case without an item has one of no code.
-- And over which amount authority is needed for it: that of the document; of a batch each of its totals is an item.
DROP FUNCTION IF EXISTS review.case_variance(bigint[]);
CREATE OR REPLACE FUNCTION review.case_variance(case_ids bigint[])
RETURNS TABLE (case_id bigint, item_no integer, code text, off numeric, off_per numeric, part numeric, whole numeric, amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.case_id, coalesce(t.total_no, x.item_no, 0), coalesce(x.code, ''),
    CASE WHEN h.code IN ('PRICE', 'AMT_REC', 'NO_RECEIPT', 'TAX_TOTAL', 'TOTAL_ARITH', 'LINE_ARITH') THEN h.measured
         WHEN h.code IN ('QTY_ORD', 'QTY_REC') THEN h.measured * o.unit_price END,
    CASE WHEN h.code IN ('QTY_ORD', 'QTY_REC') THEN o.price_base_quantity ELSE 1 END,
    CASE WHEN h.code IN ('PRICE', 'AMT_REC', 'NO_RECEIPT', 'TAX_TOTAL', 'TOTAL_ARITH', 'LINE_ARITH', 'QTY_ORD', 'QTY_REC') THEN h.measured END,
    CASE h.code WHEN 'PRICE' THEN (h.facts ->> 'reference_amount')::numeric WHEN 'AMT_REC' THEN (h.facts ->> 'received')::numeric WHEN 'NO_RECEIPT' THEN 0
                WHEN 'QTY_ORD' THEN (h.facts ->> 'ordered')::numeric WHEN 'QTY_REC' THEN (h.facts ->> 'received')::numeric ELSE k.amount END,
    coalesce(t.amount, k.amount), coalesce(t.currency, k.currency)
  FROM review.case k LEFT JOIN review.batch_total t ON k.subject_kind = 'batch_signoff' AND t.batch_id = k.subject_id LEFT JOIN review.case_item x ON x.case_id = k.case_id AND x.settled_at IS NULL
  LEFT JOIN ledger.hold h ON h.hold_id = x.hold_id LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id
  LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
  WHERE k.case_id = ANY (case_ids)
$$;

-- How many persons an action on a case needs, of whom, with which roles among them, and who may veto: what the hold codes and the
-- hand-over ask, and every quorum rule that fits. The strictest counts.
CREATE OR REPLACE FUNCTION review.quorum(case_ids bigint[], action_in text)
RETURNS TABLE (case_id bigint, persons integer, members text[], with_roles text[], veto_roles text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH asked AS MATERIALIZED (
    SELECT k.case_id, k.role, k.process, k.entity, k.amount, k.currency,
           CASE WHEN action_in = 'discard' OR EXISTS (SELECT FROM jsonb_array_elements(k.handover -> 'actions') AS a WHERE a ->> 'action' = action_in AND a ->> 'needs_second_person' = 'true')
                THEN 2 ELSE 1 END AS offered
    FROM review.case k WHERE k.case_id = ANY (case_ids)
  ), item AS MATERIALIZED (
    SELECT a.case_id, x.code, c.persons FROM asked a JOIN review.case_item x ON x.case_id = a.case_id AND x.settled_at IS NULL LEFT JOIN ledger.hold_code c ON c.code = x.code
  ), fits AS MATERIALIZED (
    SELECT a.case_id, r.* FROM asked a JOIN review.quorum_rule r ON r.action = action_in AND r.role IN ('*', a.role) AND r.process IN ('*', a.process) AND r.entity IN ('*', a.entity)
     AND (r.code = '*' OR EXISTS (SELECT FROM item i WHERE i.case_id = a.case_id AND i.code = r.code))
     AND (r.amount_from IS NULL OR a.amount IS NULL OR a.currency IS DISTINCT FROM r.currency OR a.amount >= r.amount_from)
  )
  SELECT a.case_id, greatest(a.offered, f.persons, CASE action_in WHEN 'accept' THEN (SELECT max(i.persons) FROM item i WHERE i.case_id = a.case_id) END), f.members,
         coalesce(f.with_roles, '{}'), coalesce(f.veto_roles, '{}')
  FROM asked a LEFT JOIN LATERAL (
    SELECT max(x.persons)::integer AS persons,
           CASE WHEN count(x.of_persons) > 0 THEN coalesce((SELECT array_agg(m.person_id ORDER BY m.person_id) FROM (
             SELECT p.person_id FROM fits y CROSS JOIN LATERAL unnest(y.of_persons) AS p(person_id) WHERE y.case_id = a.case_id AND y.of_persons IS NOT NULL
             GROUP BY p.person_id HAVING count(DISTINCT y.rule_id) = (SELECT count(*) FROM fits z WHERE z.case_id = a.case_id AND z.of_persons IS NOT NULL)) m), '{}') END AS members,
           (SELECT array_agg(DISTINCT w.role ORDER BY w.role) FROM fits y CROSS JOIN LATERAL unnest(y.with_roles) AS w(role) WHERE y.case_id = a.case_id) AS with_roles,
           (SELECT array_agg(DISTINCT w.role ORDER BY w.role) FROM fits y CROSS JOIN LATERAL unnest(y.veto_roles) AS w(role) WHERE y.case_id = a.case_id) AS veto_roles
    FROM fits x WHERE x.case_id = a.case_id) f ON true
$$;
CREATE OR REPLACE FUNCTION review.persons_needed(case_in bigint, action_in text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT q.persons FROM review.quorum(ARRAY[case_in], action_in) q);

-- For whom somebody stands in on a day: always, or while the other is absent. One hop: what others gave the other goes no further.
CREATE OR REPLACE FUNCTION review.standing_in(person_in text, on_day date) RETURNS SETOF review.substitute
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.* FROM review.substitute s JOIN review.person p ON p.person_id = s.person_id AND p.active
  WHERE s.substitute_id = person_in AND on_day BETWEEN s.from_day AND s.to_day
    AND (NOT s.when_absent OR EXISTS (SELECT FROM review.absence a WHERE a.person_id = s.person_id AND on_day BETWEEN a.from_day AND a.to_day))
$$;
CREATE OR REPLACE FUNCTION review.acting_for(person_in text, on_day date) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT s.person_id FROM review.standing_in(person_in, on_day) s ORDER BY 1
$$;

-- The queues that somebody looks after today for others: as which role, of whom, in which process and company.
CREATE OR REPLACE FUNCTION review.queues_stood_in(person_in text) RETURNS TABLE (person_id text, scope text, role text, process text, entity text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH today AS MATERIALIZED (SELECT e.entity, ops.business_date(e.entity) AS day FROM ops.entity e)
  SELECT DISTINCT s.person_id, s.role, u.role, s.process, t.entity
  FROM today t CROSS JOIN LATERAL review.standing_in(person_in, t.day) s(substitute_no, person_id, substitute_id, role, process, s_entity, from_day, to_day, when_absent, amount_limit, currency)
  LEFT JOIN review.authority u ON u.person_id = s.person_id AND s.role IN ('*', u.role) AND u.entity IN ('*', t.entity) AND (s.process = '*' OR u.process IN ('*', s.process))
    AND t.day BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')
  WHERE s.s_entity IN ('*', t.entity)
$$;

-- Who had which part in the documents of these cases (of a batch, in each of its entries, which is named), and whether that may keep
-- them from deciding. No person: nobody knows who.
DROP FUNCTION IF EXISTS review.case_parties(bigint[]);
CREATE OR REPLACE FUNCTION review.case_parties(case_ids bigint[]) RETURNS TABLE (case_id bigint, duty text, user_id text, person_id text, entry text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH document AS MATERIALIZED (
    SELECT k.case_id, i.invoice_id, i.supplier_id, i.keyed_by, k.opened_run, NULL::text AS entry FROM review.case k LEFT JOIN purchasing.invoice i ON k.subject_kind = 'invoice' AND i.invoice_id = k.subject_id
    WHERE k.case_id = ANY (case_ids)
    UNION ALL
    SELECT k.case_id, i.invoice_id, i.supplier_id, i.keyed_by, NULL, x.name FROM review.case k JOIN review.batch_item x ON k.subject_kind = 'batch_signoff' AND x.batch_id = k.subject_id AND x.state <> 'taken_out'
    JOIN purchasing.invoice i ON x.item_kind = 'posting' AND i.invoice_id = x.subject_id WHERE k.case_id = ANY (case_ids)
  ), ordered AS MATERIALIZED (
    SELECT DISTINCT d.case_id, d.entry, o.order_line_id, o.entity, o.po_number, o.po_line, o.created_by, o.requester, o.buyer
    FROM document d JOIN purchasing.invoice_line l ON l.invoice_id = d.invoice_id JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
  ), named AS (
    SELECT o.case_id, o.entry, 'creator' AS duty, o.created_by AS user_id, 'erp' AS system FROM ordered o
    UNION
    -- whoever any version of the order named; one that named nobody was corrected by the one of now
    SELECT o.case_id, o.entry, 'creator', v.content ->> 'created_by', 'erp' FROM ordered o
    JOIN purchasing.master_version v ON v.kind = 'order_line' AND v.business_key = o.entity || '/' || o.po_number || '/' || o.po_line
    WHERE v.content ->> 'created_by' IS NOT NULL
    UNION SELECT o.case_id, o.entry, 'requester', o.requester, 'erp' FROM ordered o WHERE o.requester IS NOT NULL
    UNION SELECT o.case_id, o.entry, 'buyer', o.buyer, 'erp' FROM ordered o WHERE o.buyer IS NOT NULL
    UNION SELECT o.case_id, o.entry, 'receiver', r.receiver, 'erp' FROM ordered o JOIN purchasing.receipt_line r ON r.order_line_id = o.order_line_id WHERE r.receiver IS NOT NULL
    UNION SELECT d.case_id, d.entry, 'keyer', d.keyed_by, 'erp' FROM document d WHERE d.keyed_by IS NOT NULL
    UNION SELECT d.case_id, d.entry, 'supplier_changer', v.content ->> 'changed_by', 'erp' FROM document d
      JOIN purchasing.master_version v ON v.kind = 'supplier' AND v.business_key = d.supplier_id WHERE v.content ->> 'changed_by' IS NOT NULL
    UNION SELECT d.case_id, d.entry, 'trigger', r.parameters ->> 'triggered_by', 'person' FROM document d JOIN ops.run r ON r.run_id = d.opened_run WHERE r.parameters ->> 'triggered_by' IS NOT NULL
    -- who answered about an entry of a batch, or had it answered on their behalf
    UNION SELECT d.case_id, d.entry, 'decider', p.person_id, 'person' FROM document d JOIN review.case c ON d.entry IS NOT NULL AND c.process = (SELECT k.process FROM review.case k WHERE k.case_id = d.case_id)
      AND c.subject_kind = 'invoice' AND c.subject_id = d.invoice_id JOIN review.answer v ON v.case_id = c.case_id CROSS JOIN LATERAL (VALUES (v.person_id), (v.acted_for)) AS p(person_id) WHERE p.person_id IS NOT NULL
  )
  SELECT n.case_id, n.duty, n.user_id, CASE n.system WHEN 'person' THEN n.user_id ELSE d.person_id END, n.entry FROM named n LEFT JOIN review.identity d ON d.system = n.system AND d.user_id = n.user_id
$$;

-- In which capacities could this person answer these cases: for themselves (acts_for null) or for somebody for whom they stand in,
-- with the roles in which that authority covers the whole case. A substitute's limit is the smaller of the two: the other's in the
-- role, and the substitute's own largest.
CREATE OR REPLACE FUNCTION review.capacity(person_in text, case_ids bigint[], action_in text) RETURNS TABLE (case_id bigint, acts_for text, as_roles text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH today AS MATERIALIZED (
    SELECT e.entity, ops.business_date(e.entity) AS day FROM ops.entity e
  ), asked AS MATERIALIZED (
    SELECT k.case_id, k.process, k.entity, t.day, ARRAY[k.role] || q.with_roles || CASE WHEN action_in = 'reject' THEN q.veto_roles ELSE '{}' END AS roles, q.members,
           -- a document without an order has no cost centre, and one with several has none that a single one covers
           (SELECT array_agg(DISTINCT coalesce(o.cost_centre, '')) FROM purchasing.invoice_line l LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
            WHERE k.subject_kind = 'invoice' AND l.invoice_id = k.subject_id) AS cost_centres
    FROM review.case k JOIN today t ON t.entity = k.entity JOIN review.quorum(case_ids, action_in) q ON q.case_id = k.case_id WHERE k.case_id = ANY (case_ids)
  ), item AS MATERIALIZED (
    SELECT v.*, count(*) OVER (PARTITION BY v.case_id) AS items FROM review.case_variance(case_ids) v
  ), stands_in AS MATERIALIZED (
    SELECT t.entity, s.* FROM today t CROSS JOIN LATERAL review.standing_in(person_in, t.day) s(substitute_no, person_id, substitute_id, role, process, s_entity, from_day, to_day, when_absent, amount_limit, currency)
    WHERE s.s_entity IN ('*', t.entity)
  ), holder AS (
    SELECT a.case_id, NULL::text AS acts_for, person_in AS person_id, '*' AS role FROM asked a
    UNION
    SELECT a.case_id, s.person_id, s.person_id, s.role FROM asked a JOIN stands_in s ON s.entity = a.entity AND s.process IN ('*', a.process)
    WHERE NOT EXISTS (SELECT FROM item i WHERE i.case_id = a.case_id AND i.amount IS NOT NULL AND NOT (
      (s.amount_limit IS NULL OR s.amount_limit >= i.amount AND (s.currency = i.currency OR action_in <> 'accept'))
      AND EXISTS (SELECT FROM review.authority w WHERE w.person_id = person_in AND w.process IN ('*', a.process) AND w.entity IN ('*', a.entity)
        AND a.day BETWEEN w.effective_from AND coalesce(w.effective_to, 'infinity') AND w.amount_limit >= i.amount AND (w.currency = i.currency OR action_in <> 'accept'))))
  ), covered AS (
    SELECT h.case_id, h.acts_for, u.role FROM holder h JOIN asked a ON a.case_id = h.case_id JOIN item i ON i.case_id = h.case_id
    JOIN review.authority u ON u.person_id = h.person_id AND u.role = ANY (a.roles) AND h.role IN ('*', u.role) AND u.process IN ('*', a.process) AND u.entity IN ('*', a.entity)
     AND a.day BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')
     AND u.code IN ('*', i.code) AND (u.cost_centre = '*' OR a.cost_centres = ARRAY[u.cost_centre])
     -- an amount in another currency than the limit's is above every limit when it is to be accepted
     AND (i.amount IS NULL OR (u.amount_limit >= i.amount AND (u.currency = i.currency OR action_in <> 'accept')))
     AND (action_in <> 'accept' OR u.variance_limit IS NULL OR (i.off <= u.variance_limit * i.off_per AND u.currency = i.currency))
     AND (action_in <> 'accept' OR u.variance_pct IS NULL OR i.part * 100 <= u.variance_pct * i.whole)
    WHERE a.members IS NULL OR h.person_id = ANY (a.members)
    GROUP BY h.case_id, h.acts_for, u.role HAVING count(DISTINCT i.item_no) = max(i.items)
  )
  SELECT c.case_id, c.acts_for, array_agg(c.role ORDER BY c.role) FROM covered c GROUP BY c.case_id, c.acts_for
$$;

-- What somebody did with a document, or with an entry of a batch, that keeps them from deciding about it; and who does so then.
CREATE OR REPLACE FUNCTION review.duty_in_words(duty_in text, entry_in text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN CASE duty_in WHEN 'creator' THEN 'created an order of the document' WHEN 'requester' THEN 'requested what was ordered, or nobody knows who did' WHEN 'buyer' THEN 'is the buyer of the order'
    WHEN 'receiver' THEN 'received the goods' WHEN 'keyer' THEN 'keyed the document' WHEN 'supplier_changer' THEN 'changed the master data of the supplier'
    WHEN 'decider' THEN 'answered about the document' ELSE 'started the run that asks' END || coalesce(' (entry ' || entry_in || ' of this batch)', '');
CREATE OR REPLACE FUNCTION review.who_else(entry_in text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN entry_in IS NULL THEN 'another person decides' ELSE 'take it out, or another person signs' END;

-- One row per case that is asked for and there: what stands against this person deciding it so (kind and sentence, null: nothing), and
-- else in which capacity they would: their own before another's.
CREATE OR REPLACE FUNCTION review.judge(person_in text, case_ids bigint[], action_in text) RETURNS TABLE (case_id bigint, kind text, reason text, acts_for text, as_roles text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH asked AS MATERIALIZED (
    SELECT k.case_id, k.state, k.role, k.process, k.entity, k.evidence_hash, ops.business_date(k.entity) AS day,
           CASE k.subject_kind WHEN 'batch_signoff' THEN (SELECT string_agg(review.amount_in_words(t.amount, t.currency), ' and ' ORDER BY t.currency) FROM review.batch_total t WHERE t.batch_id = k.subject_id)
             ELSE coalesce(review.amount_in_words(k.amount, k.currency), 'a document of unknown amount') END AS amount,
           (SELECT string_agg(coalesce(a ->> 'label', review.action_in_words(a ->> 'action')), ', ' ORDER BY n) FROM jsonb_array_elements(k.handover -> 'actions') WITH ORDINALITY AS o(a, n)) AS possible,
           EXISTS (SELECT FROM jsonb_array_elements(k.handover -> 'actions') AS a WHERE a ->> 'action' = action_in) AS offered
    FROM review.case k WHERE k.case_id = ANY (case_ids)
  ), vote AS MATERIALIZED (
    -- what was said in this round on these facts
    SELECT a.case_id, v.answer_id, v.person_id, v.acted_for FROM asked a JOIN review.answer v ON v.case_id = a.case_id AND NOT v.final AND v.evidence_hash = a.evidence_hash
    WHERE a.state = 'half_decided' AND v.answer_id > coalesce((SELECT max(f.answer_id) FROM review.answer f WHERE f.case_id = a.case_id AND f.final), 0)
  ), party AS MATERIALIZED (
    -- parts in the document that keep from deciding about at least one undecided item
    SELECT DISTINCT p.case_id, p.duty, p.user_id, p.person_id, p.entry, r.unknown_is_anyone FROM review.case_parties(case_ids) p
    JOIN review.case_variance(case_ids) i ON i.case_id = p.case_id
    JOIN LATERAL (SELECT y.excluded, y.unknown_is_anyone FROM review.duty_rule y WHERE y.duty = p.duty AND y.code IN ('*', i.code) ORDER BY y.code = '*' LIMIT 1) r ON r.excluded
    WHERE p.person_id IS NOT NULL OR r.unknown_is_anyone
  ), behind AS MATERIALIZED (
    SELECT a.case_id, s.person_id FROM (SELECT DISTINCT x.entity, x.day FROM asked x) d CROSS JOIN LATERAL (SELECT review.acting_for(person_in, d.day) AS person_id) s
    JOIN asked a ON a.entity = d.entity AND a.day = d.day
  ), could AS MATERIALIZED (
    SELECT * FROM review.capacity(person_in, case_ids, action_in)
  ), may AS (
    SELECT DISTINCT ON (c.case_id) c.case_id, c.acts_for, c.as_roles FROM could c
    WHERE NOT EXISTS (SELECT FROM party p WHERE p.case_id = c.case_id AND p.person_id = c.acts_for)
      AND NOT EXISTS (SELECT FROM vote v WHERE v.case_id = c.case_id AND (v.person_id = c.acts_for OR v.acted_for = c.acts_for))
    ORDER BY c.case_id, c.acts_for NULLS FIRST
  ), found AS (
    SELECT a.*, m.case_id IS NOT NULL AS may, m.acts_for, m.as_roles, n.name, own.duty AS own_duty, own.of_whom, own.entry AS own_entry,
           (SELECT v.answer_id FROM vote v WHERE v.case_id = a.case_id AND person_in IN (v.person_id, v.acted_for) ORDER BY v.answer_id LIMIT 1) AS own_vote,
           EXISTS (SELECT FROM could c WHERE c.case_id = a.case_id) AS could,
           EXISTS (SELECT FROM could c JOIN party p ON p.case_id = c.case_id AND p.person_id = c.acts_for WHERE c.case_id = a.case_id) AS for_a_party,
           EXISTS (SELECT FROM review.authority u WHERE u.person_id IN (SELECT person_in UNION ALL SELECT b.person_id FROM behind b WHERE b.case_id = a.case_id) AND u.role = a.role
             AND u.process IN ('*', a.process) AND u.entity IN ('*', a.entity) AND a.day BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) AS in_role
    FROM asked a LEFT JOIN may m ON m.case_id = a.case_id LEFT JOIN review.person n ON n.person_id = person_in AND n.active
    LEFT JOIN LATERAL (SELECT p.duty, p.entry, CASE WHEN p.person_id <> person_in THEN p.person_id END AS of_whom FROM party p
      WHERE p.case_id = a.case_id AND (p.person_id IS NULL OR p.person_id = person_in OR p.person_id IN (SELECT b.person_id FROM behind b WHERE b.case_id = a.case_id))
      ORDER BY p.person_id IS DISTINCT FROM person_in, p.person_id IS NULL, p.duty, p.entry LIMIT 1) own ON true
  ), judged AS (
    SELECT f.*, CASE
      WHEN f.state NOT IN ('open', 'half_decided') THEN 'closed' WHEN NOT f.offered THEN 'not_offered' WHEN f.name IS NULL THEN 'nobody'
      WHEN NOT f.could THEN CASE WHEN f.in_role THEN 'limit' ELSE 'role' END
      WHEN f.own_duty IS NOT NULL THEN CASE WHEN f.own_duty = 'creator' AND f.of_whom IS NULL THEN 'own_order' WHEN f.of_whom IS NOT NULL THEN 'substitute_of_party' ELSE 'own_part' END
      WHEN f.own_vote IS NOT NULL THEN 'first_answer'
      WHEN NOT f.may THEN CASE WHEN f.for_a_party THEN 'for_a_party' ELSE 'their_answer' END END AS kind
    FROM found f
  )
  SELECT j.case_id, j.kind, CASE j.kind
      WHEN 'closed' THEN format('case %s is %s; there is nothing to decide', j.case_id, replace(j.state, '_', ' '))
      WHEN 'not_offered' THEN format('case %s offers %s; not %s', j.case_id, coalesce(j.possible, 'nothing'), review.action_in_words(action_in))
      WHEN 'nobody' THEN 'this is no active person'
      WHEN 'role' THEN format('%s has no authority as %s for %s', j.name, review.role_in_words(j.role), j.amount)
      WHEN 'limit' THEN format('%s has no authority as %s for %s', j.name, review.role_in_words(j.role), j.amount)
      WHEN 'own_order' THEN format('%s created an order of %s, or nobody knows who did; %s. A creator is known when the source names one and review.identity (system erp) maps that user id to a person',
        j.name, coalesce('entry ' || j.own_entry || ' of this batch', 'this invoice'), review.who_else(j.own_entry))
      WHEN 'own_part' THEN format('%s %s; %s', j.name, review.duty_in_words(j.own_duty, j.own_entry), review.who_else(j.own_entry))
      WHEN 'substitute_of_party' THEN format('%s stands in for %s, who %s; %s', j.name, review.name_of(j.of_whom), review.duty_in_words(j.own_duty, j.own_entry), review.who_else(j.own_entry))
      WHEN 'first_answer' THEN format('%s gave the first of two answers, or it was given on their behalf; another person must give the second', j.name)
      WHEN 'for_a_party' THEN format('%s could decide this only for somebody who may not decide it themselves; another person decides', j.name)
      WHEN 'their_answer' THEN format('%s could decide this only for somebody whose answer is given; another person must give the second', j.name) END,
    CASE WHEN j.kind IS NULL THEN j.acts_for END, CASE WHEN j.kind IS NULL THEN j.as_roles END
  FROM judged j
$$;

-- Why may this person not take this action on these cases? One row per case on which they may not, with the reason in one sentence.
CREATE OR REPLACE FUNCTION review.why_not(person_in text, case_ids bigint[], action_in text) RETURNS TABLE (case_id bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT j.case_id, j.reason FROM review.judge(person_in, case_ids, action_in) j WHERE j.kind IS NOT NULL
  UNION ALL
  SELECT g.case_id, format('there is no case %s', g.case_id) FROM (SELECT DISTINCT unnest(case_ids)) AS g(case_id) WHERE NOT EXISTS (SELECT FROM review.case k WHERE k.case_id = g.case_id)
$$;
CREATE OR REPLACE FUNCTION review.may_decide(person_in text, case_in bigint, action_in text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT w.reason FROM review.why_not(person_in, ARRAY[case_in], action_in) w);

-- For the case page: what each action of a case needs, and what stands against this person taking it.
CREATE OR REPLACE FUNCTION review.offered_to(person_in text, case_in bigint)
RETURNS TABLE (action text, kind text, reason text, on_behalf_of text, persons_needed integer, persons_given integer, members text[], with_roles text[], veto_roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.action, j.kind, j.reason, j.acts_for, q.persons, (SELECT count(DISTINCT v.person_id)::integer FROM review.answer v
           WHERE k.state = 'half_decided' AND v.case_id = k.case_id AND NOT v.final AND v.action = o.action AND v.evidence_hash = k.evidence_hash
             AND v.answer_id > coalesce((SELECT max(f.answer_id) FROM review.answer f WHERE f.case_id = k.case_id AND f.final), 0)), q.members, q.with_roles, q.veto_roles
  FROM review.case k CROSS JOIN LATERAL (SELECT x ->> 'action' AS action FROM jsonb_array_elements(k.handover -> 'actions') AS x) o
  CROSS JOIN LATERAL review.judge(person_in, ARRAY[k.case_id], o.action) j CROSS JOIN LATERAL review.quorum(ARRAY[k.case_id], o.action) q
  WHERE k.case_id = case_in
$$;
