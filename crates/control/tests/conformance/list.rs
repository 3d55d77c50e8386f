//! The one list of cases.

use crate::run::Case;

macro_rules! cases {
    ($module:literal $($case:ident),* $(,)?) => {
        &[$($crate::run::Case {
            name: concat!($module, "::", stringify!($case)),
            run: |world| Box::pin($case(world)),
            housekeeping: &[],
        }),*]
    };
}
pub(crate) use cases;

/// What moving to a newer key changes in the rows of every organization.
const NEWEST_KEY: &[(&str, &str)] = &[
    ("tokens", "data_key"),
    ("tokens", "data_key_id"),
    ("audit_heads", "mac"),
    ("audit_heads", "key_id"),
    ("audit_heads", "sealed_at"),
];

macro_rules! list {
    ($($module:ident: $($case:ident)*;)*) => {
        /// Every case that has no list of its module's own.
        pub const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            run: |world| Box::pin(crate::$module::$case(world)),
            housekeeping: housekeeping(stringify!($module)),
        },)*)*];
    };
}

const fn housekeeping(module: &str) -> &'static [(&'static str, &'static str)] {
    match module.as_bytes() {
        b"keys" => NEWEST_KEY,
        _ => &[],
    }
}

list! {
    tokens:
        every_combination_is_kept_as_it_was_given
        what_cannot_be_taken_is_named_and_makes_nothing
        a_list_is_newest_first_in_pages_without_gap_or_repeat
        a_list_can_be_of_live_or_of_revoked_ones
        an_expired_token_is_refused_from_its_moment_on;
    references:
        id_public_id_and_value_name_the_same_token
        a_public_part_with_another_secret_names_nothing
        other_kinds_and_garbage_are_not_found_in_the_same_words;
    revealing:
        at_9_59_999999_and_not_at_10_00
        a_sweep_says_how_many_windows_it_closed
        always_and_never
        revoking_and_expiring_destroy_the_copy
        each_reveal_is_in_the_audit_log_and_a_refused_one_is_not
        a_copy_opens_only_where_it_was_made;
    rotating:
        both_values_are_good_until_the_overlap_ends
        the_overlap_is_a_day_unless_said_otherwise
        an_end_that_has_come_ends_old_values_at_once
        a_shorter_overlap_is_not_made_longer_by_the_next_rotation
        only_the_newest_value_can_be_revealed_and_its_window_is_its_own
        agents_keep_their_sessions_and_their_history
        five_values_at_once_are_the_most
        what_has_ended_is_not_rotated
        revoking_ends_every_value;
    reach:
        a_revoked_token_registers_nobody_and_says_so
        revoking_again_keeps_the_first_reason
        a_reason_must_be_one
        keep_leaves_connected_agents_alone
        drain_lets_each_finish_its_job_and_then_leave
        disconnect_ends_sessions_and_cancels_jobs_at_once
        a_revocation_that_kept_agents_can_be_followed_by_one_that_does_not
        no_registration_commits_after_a_revocation_was_answered;
    narrowing:
        a_narrowed_agent_gets_no_new_work
        only_agents_outside_are_touched
        networks_hold_for_tokens_and_sessions_from_the_next_call_on
        a_job_that_was_offered_before_is_not_taken_after
        a_job_that_was_offered_before_is_not_offered_on;
    user_tokens:
        a_person_makes_lists_and_reads_their_own
        another_persons_token_is_nobodys_business
        null_and_absent_differ
        a_change_destroys_what_has_closed_and_nothing_else
        the_window_and_the_expiry_hold_for_them_too
        a_revoked_one_is_refused_and_keeps_its_first_reason
        the_very_token_of_the_call_can_be_revoked;
    instance:
        of_two_that_set_up_at_once_one_wins
        an_organization_begins_with_all_it_needs
        one_person_may_be_in_several_organizations_with_tokens_for_each
        what_cannot_be_made_is_named
        organizations_of_one_slug_at_once_become_one
        an_operators_token_makes_organizations_and_sees_none;
    deployments:
        one_is_made_renamed_and_listed
        what_cannot_be_made_is_named
        the_default_one_stays
        one_that_holds_work_is_deleted_by_force_alone
        force_ends_what_it_holds
        nothing_enters_one_that_is_gone
        its_name_is_free_again_and_its_past_is_not
        a_branch_deployment_goes_when_its_time_has_come
        what_was_left_is_cleared_by_the_next_rounds
        a_registration_and_a_deletion_at_once_leave_no_agent_behind;
    clusters:
        a_queue_is_made_described_and_deleted
        a_queue_that_holds_work_stays
        a_token_of_a_cluster_stays_with_it
        networks_alone_are_replaced;
    registering:
        what_an_agent_says_of_itself_is_kept
        each_registration_is_a_new_agent
        what_cannot_be_taken_is_named
        a_queue_outside_the_scope_is_refused
        a_deployment_is_the_tags_or_the_only_one_or_the_default
        a_network_outside_the_list_is_refused
        a_token_tells_its_holder_what_it_is;
    leaving:
        an_agent_is_connected_once_it_says_so
        a_goodbye_can_be_said_twice_and_ends_everything_else
        a_goodbye_gives_up_the_job
        stop_lets_the_job_end_and_force_does_not
        force_puts_an_offered_job_back
        a_paused_agent_gets_no_job_until_resumed_or_its_time_is_over
        an_offered_job_comes_before_a_pause_and_leaving_before_everything
        a_job_controls_its_own_agent
        an_agent_that_was_told_to_leave_stays_connected_until_it_does;
    lost:
        after_three_minutes_of_silence_and_not_before
        whoever_is_heard_stays_also_when_that_is_not_written_yet
        nobody_is_given_up_while_the_server_was_not_there_to_listen
        the_job_of_a_lost_agent_has_failed_and_its_token_is_dead
        what_a_job_leaves_behind_keeps_no_agent_alive
        a_job_that_a_lost_agent_never_took_waits_again
        lost_agents_are_not_among_the_live;
    dispatch:
        each_job_is_run_once_however_many_agents_ask
        one_agent_is_never_given_two_jobs
        the_oldest_waiting_job_comes_first
        only_the_own_queue_and_deployment_count
        an_agent_that_wants_no_jobs_gets_none
        an_offer_stands_until_it_is_taken_or_its_time_is_over
        a_job_whose_taking_was_not_heard_can_be_taken_again
        a_ping_with_nothing_to_do_writes_nothing;
    waiting:
        a_new_job_wakes_one_agent_and_the_next_job_another
        a_job_that_goes_back_wakes_who_waits
        an_agent_is_woken_by_what_happens_to_it
        an_agent_that_has_ended_its_job_is_woken_for_the_next
        a_session_that_ends_ends_the_wait
        waiting_writes_nothing;
    graph:
        a_wait_and_dependencies_are_kept_in_order
        after_a_failure_what_waits_never_runs_until_it_is_mended
        failures_are_retried_by_rule_and_forgiven_by_rule
        a_block_waits_for_a_person_and_its_answers_are_meta_data
        an_upload_is_applied_once_and_right_behind_its_step
        an_upload_can_take_the_place_of_what_has_not_begun
        tags_and_priority_decide_who_gets_what
        a_concurrency_group_runs_in_order_across_builds
        a_trigger_makes_a_build_and_waits_for_it
        builds_that_trigger_each_other_come_to_an_end
        a_job_that_runs_too_long_is_told_to_stop_and_given_up
        what_is_fragile_is_canceled_once_the_build_is_failing
        a_paused_queue_gives_nothing
        a_job_can_be_taken_by_its_id
        canceling_reaches_every_kind_of_step
        variables_come_from_pipeline_build_step_and_server;
    jobs:
        a_job_goes_from_offer_to_end
        only_the_agent_that_was_offered_a_job_can_take_it
        a_start_can_be_said_twice_and_an_end_once
        a_job_can_end_without_having_started
        a_jobs_token_dies_with_its_job
        a_jobs_token_lives_no_longer_than_its_session
        a_jobs_token_is_for_its_own_job_only
        the_session_stands_in_for_a_job_token_only_for_agents_that_know_none
        a_canceled_job_is_ended_by_its_agent
        the_environment_is_complete_and_holds_no_token;
    logs:
        pieces_come_in_any_order_and_are_read_in_theirs
        a_piece_that_was_taken_is_not_taken_twice
        bytes_are_kept_as_they_are
        an_ended_log_passes_over_gaps_and_says_that_it_is_whole
        pieces_come_a_little_after_the_end_and_nothing_else_does
        no_piece_comes_late_from_an_agent_that_was_cut_off
        limits_are_named_and_the_job_goes_on_beyond_the_last
        pieces_that_overlap_fill_no_disk
        three_uploads_at_once_do_not_wait_for_each_other
        a_long_log_is_read_in_parts;
    builds:
        steps_become_jobs_in_their_order
        what_cannot_be_built_is_named_and_makes_nothing
        numbers_count_per_pipeline_and_are_never_given_twice
        a_build_stands_where_its_jobs_stand
        of_jobs_that_end_at_once_the_last_one_ends_the_build
        canceling_ends_what_waits_and_tells_what_runs
        canceling_and_ending_at_once_leave_a_build_that_has_ended;
    listing:
        builds_are_narrowed_alike_on_every_engine
        builds_are_searched_as_far_as_one_call_looks
        pipelines_are_found_by_a_part_of_their_names
        queues_are_listed_with_what_is_in_them
        every_kind_of_step_but_a_group_is_a_part_of_its_build;
    meta_data:
        what_one_job_sets_another_of_the_build_reads
        keys_are_sorted_alike_everywhere
        values_are_kept_as_they_are_and_limits_are_named
        several_keys_are_set_together_or_not_at_all
        ten_thousand_keys_are_the_most
        jobs_that_set_one_key_at_once_leave_one_of_their_values;
    annotations:
        a_context_says_one_thing_at_a_time
        append_adds_and_begins_what_is_not_there
        jobs_that_append_at_once_lose_no_word
        a_build_and_each_job_have_contexts_of_their_own
        the_highest_priority_comes_first_and_then_the_oldest
        what_cannot_be_taken_is_named_and_changes_nothing
        a_thousand_are_the_most
        what_is_removed_is_gone_and_the_rest_stays;
    oidc:
        what_a_token_says_is_verified_by_others
        what_is_asked_for_is_said
        what_cannot_be_asked_for_is_named
        what_a_pipeline_sets_is_not_believed
        keys_follow_each_other_without_a_gap
        two_servers_make_one_key;
    queue_counts:
        agents_and_jobs_are_counted_by_queue
        nothing_outside_of_the_scope_is_counted;
    standing:
        an_ended_credential_commits_nothing
        a_person_who_is_demoted_commits_nothing
        a_person_who_is_removed_commits_nothing
        a_demoted_person_is_a_member_from_the_next_call_on
        time_that_runs_out_on_the_way_counts
        a_value_that_is_rotated_out_on_the_way_registers_nobody;
    audit_rows:
        every_change_writes_its_row
        without_its_row_no_change_commits
        what_fails_writes_no_row
        what_changes_nothing_writes_no_row
        work_of_the_server_itself_says_why
        the_log_is_listed_newest_first_in_pages;
    audit_chain:
        rows_are_sealed_behind_and_in_one_chain_per_organization
        more_rows_than_a_batch_and_a_page_hold
        several_sealers_at_once_make_one_chain
        the_first_sealers_of_a_new_log_may_come_at_once
        writers_do_not_wait_for_the_sealer_nor_it_for_them
        another_key_ring_does_not_fit;
    tampering:
        every_column_of_a_row_counts
        any_row_that_is_changed_or_removed_is_named
        rows_that_change_places_are_found
        a_row_that_is_put_in_is_found_wherever_it_stands
        a_tail_that_is_cut_off_is_found_also_with_a_head_to_match
        a_head_that_was_taken_away_is_not_made_anew_and_stops_no_other_log
        a_changed_head_is_found_and_nothing_is_sealed_on_it;
    keys:
        copies_and_heads_move_at_once
        digests_move_at_their_next_use_and_then_the_key_can_go
        a_missing_key_is_named_and_never_a_denial
        sign_ins_and_links_need_their_key_while_they_live
        more_rows_than_a_batch_holds_move_too
        closed_windows_need_no_key
        a_signing_key_moves_too;
    usage:
        when_and_from_where_a_token_was_used_is_seen_at_once_and_written_behind
        a_refused_use_is_no_use
        user_tokens_show_it_too
        when_an_agent_was_heard_is_seen_at_once_and_written_behind
        refusals_are_counted_by_reason_and_address
        the_figures_count_every_refusal_by_reason;
    artifacts:
        what_is_announced_sent_and_ended_is_found_and_fetched
        a_batch_that_comes_again_has_the_same_ids
        what_cannot_be_taken_is_named_and_makes_nothing
        the_limits_of_a_job_hold
        an_end_that_is_told_again_changes_nothing
        a_search_finds_the_newest_of_each_path
        a_job_reaches_its_own_build_only
        a_place_of_the_users_own_gets_the_bytes_itself
        what_nobody_brings_is_given_up;
    people:
        builds_are_chosen_by_who_made_them
        a_whole_build_has_its_jobs_and_the_other_steps
        a_job_that_waits_can_be_taken_sooner
        the_variables_of_a_job_are_what_its_agent_is_told
        a_log_has_a_length_and_an_end
        a_deleted_artifact_is_gone_with_its_bytes
        what_is_left_of_a_deleted_artifact_goes_with_the_next_sweep
        a_search_leaves_out_jobs_that_were_run_again;
    artifact_bytes:
        an_address_is_good_for_one_thing_and_for_a_time
        nothing_is_taken_in_after_the_end
        a_form_names_its_file_by_path
        an_upload_that_is_dropped_in_the_middle_cannot_be_seen
        bytes_that_are_not_as_announced_leave_nothing
        what_failed_is_gone_with_its_bytes
        the_bytes_of_what_failed_count_until_they_are_gone
        what_is_there_is_never_written_again
        uploads_that_drip_hold_up_their_own_job_alone
        an_upload_ends_with_its_job_and_with_its_agents_token
        downloads_that_drip_hold_up_their_own_build_alone;
    bounds:
        a_search_goes_on_over_stretches_of_which_nothing_is_chosen
        an_answer_to_a_search_has_an_end_in_bytes
        a_job_leaves_so_many_audit_rows_at_once_and_then_so_many_a_second
        what_a_job_writes_into_the_audit_log_has_an_end
        a_build_has_so_many_bytes_of_meta_data_and_annotations
        a_priority_is_within_what_pipelines_may_say
        demands_that_nobody_fits_hide_no_job
        a_token_has_so_many_agents_at_one_time
        agents_register_with_a_token_at_a_rate
        many_artifacts_of_an_honest_job_are_announced_without_a_pause;
    foreign:
        ids_of_another_organization_are_ids_that_nothing_has;
    texts:
        no_text_of_a_person_is_a_fault_of_ours
        no_text_of_an_operator_is_a_fault_of_ours
        no_text_of_an_agent_or_job_is_a_fault_of_ours
        no_word_at_a_jobs_end_is_a_fault_of_ours;
    access:
        every_caller_and_every_action_as_the_reference_says;
    scopes:
        a_registration_is_let_in_as_the_reference_says;
    retention:
        a_build_goes_with_all_that_was_its_own_and_not_a_moment_early
        logs_and_artifacts_go_before_their_build
        an_agent_finds_no_artifact_that_was_removed
        rounds_are_small_and_the_next_one_goes_on
        a_build_that_others_name_goes_and_they_stay
        bytes_that_cannot_be_removed_are_tried_again_also_after_a_restart
        agents_go_that_are_gone_and_that_no_job_names;
    numbers:
        each_thing_has_one_of_its_own_that_stays a_number_names_a_token_of_its_kind_and_organization_only
        permissions_are_given_and_taken_one_at_a_time a_permission_is_for_a_deployment_that_is_there;
    dagster:
        a_heartbeat_is_kept_in_the_place_of_the_one_before
        what_a_token_does_not_reach_is_refused_by_name
        what_is_given_and_taken_counts_from_the_next_call_on
        queues_and_branches_must_be_within_reach;
    dagster_agents:
        status_follows_the_last_heartbeat
        only_a_heartbeat_writes
        agents_hear_of_all_that_live_whatever_they_reach
        no_token_takes_the_place_of_another
        what_cannot_be_taken_is_named
        a_token_has_so_many_agents_that_run
        new_agents_of_a_token_come_at_a_rate
        an_agent_that_names_no_deployment_is_told_one
        a_deployment_that_is_removed_leaves_nothing_behind
        those_that_are_silent_for_long_are_removed
        another_credential_is_of_another_kind;
    unclaimed:
        a_job_that_no_agent_takes_expires_and_fails_its_build
        an_expired_job_makes_room_in_its_group_and_may_fail_softly
        a_group_whose_last_job_ended_unheard_is_freed;
    steps:
        a_signed_step_goes_back_as_it_came
        an_upload_that_would_wait_for_ever_is_refused
        a_step_takes_more_parallel_jobs
        what_is_announced_of_a_step_can_be_changed
        forcing_waits_no_longer_than_it_says;
    limits:
        annotations_of_a_build
        keys_of_meta_data_of_a_build
        uploads_of_a_step_and_beneath_each_other;
}

/// What needs no engine: rules of the domain, and proof that the suite's own checks can fail.
pub const RULES: &[(&str, fn())] = &[
    ("access::the_reference_is_complete", crate::access::the_reference_is_complete),
    (
        "access::every_cell_of_the_reference_decides_something",
        crate::access::every_cell_of_the_reference_decides_something,
    ),
    ("scopes::the_rule_is_what_the_reference_says", crate::scopes::the_rule_is_what_the_reference_says),
    ("controls::a_dump_tells_every_change", crate::controls::a_dump_tells_every_change),
    ("controls::every_table_is_watched", crate::controls::every_table_is_watched),
    ("controls::a_mark_in_an_answer_is_found", crate::controls::a_mark_in_an_answer_is_found),
];
