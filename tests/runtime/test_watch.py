"""When a service is started, restarted, given up for a while, or ended: told as the story of a clock."""

from __future__ import annotations

from backoffice.runtime.watch import Move, RestartPolicy, State, Watch

POLICY = RestartPolicy(
    first_delay=1,
    longest_delay=4,
    start_limit=3,
    failing_delay=60,
    holds_after=10,
    start_timeout=20,
    stall_timeout=15,
)


def test_it_starts_when_its_needs_are_well_and_not_before() -> None:
    watch = Watch(POLICY)
    assert watch.step(0, needs_met=False, exit_code=None, well=None, running=False) is Move.NOTHING
    assert watch.state is State.WAITING
    assert watch.step(1, needs_met=True, exit_code=None, well=None, running=False) is Move.START
    assert watch.step(2, needs_met=True, exit_code=None, well=True, running=True) is Move.NOTHING
    assert watch.state is State.HEALTHY


def test_the_pause_doubles_and_then_it_fails_loudly_but_is_tried_on() -> None:
    watch, now, pauses = Watch(POLICY), 0.0, []
    for _ in range(5):
        while watch.step(now, needs_met=True, exit_code=None, well=None, running=False) is not Move.START:
            now += 0.5
        ended = now
        watch.step(now, needs_met=True, exit_code=1, well=None, running=False)
        state = watch.state
        while watch.step(now, needs_met=True, exit_code=None, well=None, running=False) is not Move.START:
            now += 0.5
        pauses.append((now - ended, state))
        watch.step(now, needs_met=True, exit_code=1, well=None, running=False)
    # each turn holds two deaths; the pauses seen are those after the 1st, 3rd, 5th ... death
    assert pauses[0] == (1.0, State.BACKING_OFF)
    assert pauses[1] == (60.0, State.FAILING)
    assert watch.state is State.FAILING
    assert POLICY.delay(1) == 1
    assert POLICY.delay(2) == 2


def test_a_service_that_held_begins_anew_with_the_shortest_pause() -> None:
    watch = Watch(POLICY, failures=2)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=None, well=True, running=True)
    watch.step(12, needs_met=True, exit_code=-9, well=None, running=False)
    assert watch.failures == 1
    assert watch.state is State.BACKING_OFF


def test_a_service_that_dies_soon_after_it_was_well_has_not_held() -> None:
    watch = Watch(POLICY, failures=2)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=None, well=True, running=True)
    watch.step(5, needs_met=True, exit_code=-9, well=None, running=False)
    assert watch.state is State.FAILING


def test_a_failing_service_that_gets_well_is_well_again() -> None:
    watch = Watch(POLICY, failures=2)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=1, well=None, running=False)
    assert watch.state is State.FAILING
    assert watch.step(61.5, needs_met=True, exit_code=None, well=None, running=False) is Move.START
    assert watch.state is State.FAILING
    watch.step(63, needs_met=True, exit_code=None, well=True, running=True)
    assert watch.state is State.HEALTHY


def test_one_that_never_gets_well_is_ended_in_time() -> None:
    watch = Watch(POLICY)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    assert watch.step(20, needs_met=True, exit_code=None, well=False, running=True) is Move.NOTHING
    assert watch.step(21, needs_met=True, exit_code=None, well=False, running=True) is Move.END


def test_one_that_stalls_is_ended_and_a_hiccup_is_forgiven() -> None:
    watch = Watch(POLICY)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=None, well=True, running=True)
    watch.step(2, needs_met=True, exit_code=None, well=False, running=True)
    assert watch.state is State.UNHEALTHY
    watch.step(16, needs_met=True, exit_code=None, well=True, running=True)
    assert watch.state is State.HEALTHY
    watch.step(17, needs_met=True, exit_code=None, well=False, running=True)
    assert watch.step(31, needs_met=True, exit_code=None, well=False, running=True) is Move.NOTHING
    assert watch.step(33, needs_met=True, exit_code=None, well=False, running=True) is Move.END


def test_not_knowing_is_no_reason_to_act() -> None:
    watch = Watch(POLICY)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=None, well=True, running=True)
    assert watch.step(1000, needs_met=True, exit_code=None, well=None, running=True) is Move.NOTHING
    assert watch.state is State.HEALTHY


def test_what_runs_once_is_done_and_stays_done() -> None:
    watch = Watch(POLICY, once=True)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=0, well=None, running=False)
    assert watch.state is State.DONE
    assert watch.step(99, needs_met=True, exit_code=None, well=None, running=False) is Move.NOTHING


def test_what_runs_once_and_fails_is_tried_again() -> None:
    watch = Watch(POLICY, once=True)
    watch.step(0, needs_met=True, exit_code=None, well=None, running=False)
    watch.step(1, needs_met=True, exit_code=1, well=None, running=False)
    assert watch.state is State.BACKING_OFF
    assert watch.step(3, needs_met=True, exit_code=None, well=None, running=False) is Move.START
