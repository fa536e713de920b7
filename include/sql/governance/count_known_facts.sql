-- How many of each kind of fact do the ledger's own tables know? One row per kind, in the words of find_unmatched_facts.
WITH {{ include: governance/setting_records }}, {{ include: governance/setting_drift }}
SELECT 'machine decision' AS what, count(*) FROM ledger.decision WHERE maker = 'machine'
UNION ALL SELECT 'human decision', count(*) FROM ledger.decision WHERE maker = 'human'
UNION ALL SELECT 'answer', count(*) FROM review.answer
UNION ALL SELECT 'booked answer', count(*) FROM review.answer WHERE booked_at IS NOT NULL
UNION ALL SELECT 'case', count(*) FROM review.case
UNION ALL SELECT 'act on a case', count(*) FROM review.case_act
UNION ALL SELECT 'step of a case', count(*) FROM review.case_step
UNION ALL SELECT 'journal entry', count(*) FROM ledger.journal_entry
UNION ALL SELECT 'payment proposal', count(*) FROM ledger.payment_proposal
UNION ALL SELECT 'payment block', count(*) FROM ledger.invoice_status WHERE booking_no IS NOT NULL
UNION ALL SELECT 'hold released by a person', count(*) FROM ledger.hold WHERE release_kind IN ('person', 'rejected')
UNION ALL SELECT 'policy version', count(*) FROM ledger.policy_version
UNION ALL SELECT 'run', count(*) FROM ops.run
UNION ALL SELECT 'accepted load', count(*) FROM intake.load WHERE state = 'accepted'
UNION ALL SELECT 'sent effect', count(*) FROM ops.outbox WHERE sent_at IS NOT NULL
UNION ALL SELECT 'act on a policy proposal', count(*) FROM review.policy_act
UNION ALL SELECT 'legal hold', count(*) FROM audit.legal_hold
UNION ALL SELECT 'lifted hold', count(*) FROM audit.legal_hold WHERE lifted_at IS NOT NULL
UNION ALL SELECT 'privacy request', count(*) FROM review.privacy_request
UNION ALL SELECT 'answer to a privacy request', count(*) FROM review.privacy_request WHERE state <> 'open'
UNION ALL SELECT 'erasure or purge', count(*) FROM review.privacy_request WHERE state = 'carried_out' AND act IN ('erase_person', 'purge_records')
UNION ALL SELECT 'notice', count(*) FROM review.notice
UNION ALL SELECT 'measuring of persons', coalesce(sum(num_nonnulls(requested_by, answered_by, ended_by)), 0)::bigint FROM review.person_measure
UNION ALL SELECT 'change of access', count(*) FROM review.access_change
UNION ALL SELECT 'answer to a change of access', count(*) FROM review.access_change WHERE state <> 'proposed' AND NOT alone
UNION ALL SELECT 'proposal about the log', count(*) FROM audit.log_proposal
UNION ALL SELECT 'confirmation about the log', count(*) FROM audit.log_confirmation
UNION ALL SELECT 'confirmed act about the log', count(*) FROM audit.log_confirmation
UNION ALL SELECT 'row of people and rules', count(*) FROM setting_now
