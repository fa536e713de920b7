-- What each role may do. Functions are closed to PUBLIC by default privileges; here is all that is open.
REVOKE ALL ON ALL TABLES IN SCHEMA ops, audit, intake, purchasing, ledger, review, vault FROM backoffice_app, backoffice_web, backoffice_auditor, backoffice_sealer;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ops, audit, intake, purchasing, ledger, review, vault FROM PUBLIC, backoffice_app, backoffice_web, backoffice_auditor, backoffice_sealer;
GRANT USAGE ON SCHEMA ops, audit, intake, purchasing, ledger, review TO backoffice_app, backoffice_web, backoffice_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA ops, audit, intake, purchasing, ledger, review TO backoffice_app, backoffice_web, backoffice_auditor;

-- tasks: bring in bytes and rows, ask the act functions
GRANT INSERT (sha256, content, media_type) ON intake.document TO backoffice_app;
GRANT INSERT ON intake.stage_supplier, intake.stage_order_line, intake.stage_receipt_line, intake.stage_invoice, intake.stage_invoice_line, intake.stage_invoice_tax,
  intake.finding TO backoffice_app;
GRANT EXECUTE ON FUNCTION ops.open_run, ops.write_report, ops.keep_rehearsal, ops.take_unsent, ops.mark_attempt, ops.mark_sent, audit.record_calls,
  intake.open_load, intake.finish_load, intake.begin_gate, intake.mark_gated, intake.accept_loads,
  ledger.match_invoices, ledger.allocate_receipts, ledger.decision_input, ledger.record_machine_decisions, ledger.post_entries, review.open_cases, review.book_answers, review.open_batch, review.keep_cases, review.priority_input, review.record_priorities TO backoffice_app;
GRANT EXECUTE ON FUNCTION review.write_notices, review.take_notice, review.notice_cases, review.seed_test_cases, review.check_oversight TO backoffice_app;
GRANT EXECUTE ON FUNCTION audit.request_seal, audit.raise_alert, audit.record_verification, audit.user_hash, ledger.policy_says, ledger.policy_says_day TO backoffice_app;
-- the sealer: the log and nothing else
GRANT USAGE ON SCHEMA audit TO backoffice_sealer;
GRANT SELECT ON ALL TABLES IN SCHEMA audit TO backoffice_sealer;
GRANT EXECUTE ON FUNCTION audit.introduce_key, audit.begin_seal, audit.finish_seal, audit.record_anchor, audit.raise_alert, audit.sealer_is_there TO backoffice_sealer;
-- people: nothing but their acts, each under their own key
GRANT USAGE ON SCHEMA vault TO backoffice_web, backoffice_auditor;
GRANT EXECUTE ON FUNCTION review.decide_case, review.place_hold, review.request_privacy_act, review.answer_privacy_request, vault.writing_key TO backoffice_web;
GRANT EXECUTE ON FUNCTION review.claim_case, review.release_case, review.reassign_case, review.ask_information, review.give_information, review.comment_case, review.attach_file, review.take_out_of_batch TO backoffice_web;
GRANT EXECUTE ON FUNCTION review.propose_policy, review.try_policy, review.approve_policy, review.refuse_policy, review.withdraw_policy, review.why_no_policy_act TO backoffice_web;
GRANT EXECUTE ON FUNCTION review.propose_access_change, review.answer_access_change TO backoffice_web;
GRANT EXECUTE ON FUNCTION audit.propose_restore, audit.propose_lost_key, audit.confirm_proposal TO backoffice_web;
GRANT EXECUTE ON FUNCTION review.ask_person_measure, review.answer_person_measure TO backoffice_web;
-- which cases were test cases, and what came of them
GRANT SELECT ON vault.seeded_case TO backoffice_auditor;
-- what the log holds of persons, and whether what is missing from it is accounted for
GRANT EXECUTE ON FUNCTION vault.reading_key, audit.check_purges, audit.user_hash, ledger.policy_says, ledger.policy_says_day TO backoffice_auditor;
-- reading
GRANT EXECUTE ON FUNCTION audit.sealer_is_there, audit.why_no_confirmation, ops.business_date, ops.latest_moment, ops.utc, ops.stale_datasets, ops.installed_texts_sha256, ledger.tolerances_sha256, ops.check_run, ops.build_report, ledger.draft_policies, intake.this_load, intake.in_unit, intake.amounts_finer_than, ledger.is_business_day, ledger.business_days,
  audit.text, audit.number, audit.object, purchasing.is_neighbour_swap, purchasing.sorted_letters, intake.resolve_supplier, ledger.last_decision, ledger.last_machine_decision, review.may_read, review.log_subject, review.changes_since, review.batch_sha256,
  review.clock, review.setting, review.chain, review.is_idle, review.last_touch, review.name_of, review.holds_role, review.stands_above, review.open_question,
  ledger.policy_day, ledger.policy_day_at, ledger.policy_in_force, review.not_policy_owner, review.is_data_protection_officer, audit.today, review.persons_are_measured, review.measure_state, review.why_no_measure_act, review.how_people_decide,
  review.may_decide, review.why_not, review.persons_needed, review.acting_for, review.queues_stood_in, review.why_not_work_on, review.offered_to, review.is_access_administrator, review.why_no_access_act
  TO backoffice_app, backoffice_web, backoffice_auditor;
