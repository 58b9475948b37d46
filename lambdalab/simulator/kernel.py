"""What happens to requests one after the other, under the rules of ``rules``: the compiled part.

Plain functions over arrays. All numbers that a run needs are drawn ahead; where it could run out of
them it stops, and goes on from there when it is called again: ``cursor`` says how far it has come.

Of several environments that are free the one is taken that was used last, as the engine does.
"""

from __future__ import annotations

from collections.abc import MutableSequence

from lambdalab.simulator.heap import pop, push
from lambdalab.simulator.rules import (
    ACCOUNT_FULL,
    COLD,
    PROVISIONED,
    WARM,
    decide,
    leave,
    reclaimed,
)

__all__ = ["COMPILABLE", "run", "run_again"]

Floats = MutableSequence[float]
Ints = MutableSequence[int]

# ---- the numbers of ``cursor``

# The next request, the one behind the last of this call, the one that ``duration[0]`` is for.
NEXT, STOP, BASE = 0, 1, 2
# How many invocations run; how many environments wait, how many provisioned ones do, and how many
# places are free.
BUSY, WAITING, READY, FREE = 3, 4, 5, 6
# How many environments were made, and for how many the numbers are drawn.
MADE, KNOWN = 7, 8
# The number of the first environment that is not provisioned.
FIRST = 9
# How many callers wait to try again; refusals that are logged, and room for such; the most tries.
CALLERS, LOGGED, LOG_SIZE, TRIES = 10, 11, 12, 13
# How many invocations have begun: what ends at one time ends in the order in which it began.
BEGUN = 18
CURSOR_SIZE = 20
# So many environments can be at a time; ``busy`` has the order of beginning times this, plus the
# place.
PLACES = 1 << 22

# ---- the numbers of an environment in ``fates``: INIT, longest idle time, age; all in seconds

FATES = 3
# ---- ... and of a place in ``ends``: when it goes if nobody comes, longest idle time, last moment

ENDS = 3


def settle(
    state: Floats,
    cursor: Ints,
    due: Floats,
    busy: Ints,
    kinds: Ints,
    waiting: Ints,
    ready: Ints,
    free: Ints,
    ends: Floats,
    now: float,
) -> None:
    """End what ends up to now, and let go the environments that nobody came for.

    Only those are let go that would be taken next: the others are not asked for.
    """
    while due[0] <= now:
        place = busy[0] % PLACES
        time = due[0]
        pop(due, busy, cursor[BUSY])
        cursor[BUSY] -= 1
        leave(state, kinds[place], time)
        if kinds[place] == PROVISIONED:
            ready[cursor[READY]] = place
            cursor[READY] += 1
        else:
            ends[ENDS * place] = min(time + ends[ENDS * place + 1], ends[ENDS * place + 2])
            waiting[cursor[WAITING]] = place
            cursor[WAITING] += 1
    while cursor[WAITING] > 0 and ends[ENDS * waiting[cursor[WAITING] - 1]] <= now:
        cursor[WAITING] -= 1
        free[cursor[FREE]] = waiting[cursor[WAITING]]
        cursor[FREE] += 1
        reclaimed(state, False)


def occupy(
    cursor: Ints,
    due: Floats,
    busy: Ints,
    kinds: Ints,
    names: Ints,
    waiting: Ints,
    ready: Ints,
    free: Ints,
    ends: Floats,
    fates: Floats,
    start: Floats,
    end: Floats,
    environment: Ints,
    request: int,
    decision: int,
    now: float,
    duration: float,
) -> None:
    """An admitted request takes its environment, in which it runs for so many seconds."""
    begin = now
    if decision == WARM:
        cursor[WAITING] -= 1
        place = waiting[cursor[WAITING]]
    elif decision == COLD:
        fate = FATES * cursor[MADE]
        cursor[FREE] -= 1
        place = free[cursor[FREE]]
        names[place] = cursor[FIRST] + cursor[MADE]
        cursor[MADE] += 1
        ends[ENDS * place + 1] = fates[fate + 1]
        ends[ENDS * place + 2] = now + fates[fate + 2]
        begin = now + fates[fate]
    else:
        cursor[READY] -= 1
        place = ready[cursor[READY]]
    kinds[place] = decision
    done = begin + duration
    start[request] = begin
    end[request] = done
    environment[request] = names[place]
    push(due, busy, cursor[BUSY], done, cursor[BEGUN] * PLACES + place)
    cursor[BUSY] += 1
    cursor[BEGUN] += 1


def run(
    state: Floats,
    cursor: Ints,
    arrival: Floats,
    duration: Floats,
    fates: Floats,
    due: Floats,
    busy: Ints,
    kinds: Ints,
    names: Ints,
    waiting: Ints,
    ready: Ints,
    free: Ints,
    ends: Floats,
    start: Floats,
    end: Floats,
    decisions: Ints,
    environment: Ints,
) -> int:
    """Requests that come at ``arrival``, each once: who is refused does not come again."""
    request = cursor[NEXT]
    while request < cursor[STOP] and cursor[MADE] < cursor[KNOWN]:
        now = arrival[request]
        settle(state, cursor, due, busy, kinds, waiting, ready, free, ends, now)
        decision = decide(state, now)
        decisions[request] = decision
        if decision >= ACCOUNT_FULL:
            start[request] = now
            end[request] = now
            environment[request] = -1
        else:
            occupy(
                cursor, due, busy, kinds, names, waiting, ready, free, ends, fates,
                start, end, environment, request, decision, now, duration[request - cursor[BASE]],
            )  # fmt: skip
        request += 1
    cursor[NEXT] = request
    return request


def pause(tries: int, patience: Floats, chance: float) -> float:
    """How many seconds a caller waits after its so many-th refusal."""
    wait = patience[0]
    for _ in range(tries - 1):
        wait = min(wait * patience[1], patience[2])
    return wait * (1.0 - patience[3] * chance)


def log(
    cursor: Ints,
    log_time: Floats,
    log_row: Ints,
    log_decision: Ints,
    now: float,
    row: int,
    decision: int,
) -> None:
    """Write down a refusal."""
    place = cursor[LOGGED]
    log_time[place] = now
    log_row[place] = row
    log_decision[place] = decision
    cursor[LOGGED] = place + 1


def run_again(
    state: Floats,
    cursor: Ints,
    arrival: Floats,
    duration: Floats,
    fates: Floats,
    due: Floats,
    busy: Ints,
    kinds: Ints,
    names: Ints,
    waiting: Ints,
    ready: Ints,
    free: Ints,
    ends: Floats,
    start: Floats,
    end: Floats,
    decisions: Ints,
    environment: Ints,
    patience: Floats,
    chances: Floats,
    later: Floats,
    callers: Ints,
    attempts: Ints,
    log_time: Floats,
    log_row: Ints,
    log_decision: Ints,
) -> int:
    """Requests whose callers try again after a refusal, until they are out of patience.

    ``patience``: first wait, growth, longest wait, share of it that is left to chance, and for how
    long after its arrival a request is tried; ``chances`` has a random number for each refusal.
    """
    while cursor[MADE] < cursor[KNOWN] and cursor[LOGGED] < cursor[LOG_SIZE]:
        fresh = cursor[NEXT] < cursor[STOP]
        if fresh and arrival[cursor[NEXT]] < later[0]:
            request = cursor[NEXT]
            now = arrival[request]
            cursor[NEXT] += 1
        elif cursor[CALLERS] > 0:
            request = callers[0]
            now = later[0]
            pop(later, callers, cursor[CALLERS])
            cursor[CALLERS] -= 1
        else:
            break
        settle(state, cursor, due, busy, kinds, waiting, ready, free, ends, now)
        decision = decide(state, now)
        decisions[request] = decision
        attempts[request] += 1
        if decision < ACCOUNT_FULL:
            occupy(
                cursor, due, busy, kinds, names, waiting, ready, free, ends, fates,
                start, end, environment, request, decision, now, duration[request],
            )  # fmt: skip
            continue
        start[request] = now
        end[request] = now
        environment[request] = -1
        again = now + pause(attempts[request], patience, chances[cursor[LOGGED]])
        log(cursor, log_time, log_row, log_decision, now, request, decision)
        if attempts[request] < cursor[TRIES] and again - arrival[request] <= patience[4]:
            push(later, callers, cursor[CALLERS], again, request)
            cursor[CALLERS] += 1
    return cursor[NEXT]


COMPILABLE = (settle, occupy, pause, log, run, run_again)
