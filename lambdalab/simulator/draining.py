"""How Lambda's pollers bring batches from a queue and from streams: the compiled part.

A queue's batches are processed so many at a time as the limit of its mapping allows, which begins
low and grows while messages wait. A stream's lanes have one batch each at a time, in order.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence

from lambdalab.simulator.heap import pop, push
from lambdalab.simulator.kernel import (
    BUSY,
    CALLERS,
    KNOWN,
    LOG_SIZE,
    LOGGED,
    MADE,
    STOP,
    TRIES,
    log,
    occupy,
    settle,
)
from lambdalab.simulator.rules import ACCOUNT_FULL, decide

__all__ = ["COMPILABLE", "SETTINGS", "run_queue", "run_stream"]

Floats = MutableSequence[float]
Ints = MutableSequence[int]

# ---- the numbers of ``cursor`` here: messages seen and taken, batches formed and drawn for

SEEN, TAKEN, ROWS, ROWS_KNOWN = 14, 15, 16, 17

# ---- the numbers of ``settings``: how many records a batch has at most, and its window, in seconds

SIZE, WINDOW = 0, 1
# For how long refused messages are hidden; the limit, where it begins, its most, its growth in a
# second; since when all were busy (minus infinity: they are not).
HIDDEN, LIMIT, FIRST, MOST, GROWTH, SINCE = 2, 3, 4, 5, 6, 7
# What each record adds to a duration; how long an invocation may take.
PER_RECORD, TIMEOUT = 8, 9
# First and longest wait before a lane tries again.
SOON, LATE = 10, 11
# For how long the source keeps what nobody has processed.
KEPT = 12
SETTINGS = 13
# What floating point may lack of a whole batch, and of a moment in seconds.
NEARLY, INSTANT = 1e-4, 1e-9


def used_up(cursor: Ints) -> bool:
    """Whether numbers or room that were made ahead are at their end."""
    drawn = cursor[MADE] < cursor[KNOWN] and cursor[ROWS] < cursor[ROWS_KNOWN]
    return not (drawn and cursor[LOGGED] < cursor[LOG_SIZE])


def length(duration: float, records: int, settings: Floats) -> float:
    """How long a batch of so many records runs."""
    return min(duration + settings[PER_RECORD] * records, settings[TIMEOUT])


def grow(settings: Floats, now: float) -> None:
    """Add to the limit what has come since all were found busy."""
    if settings[SINCE] > -math.inf:
        grown = (now - settings[SINCE]) * settings[GROWTH]
        settings[LIMIT] = min(settings[MOST], settings[LIMIT] + grown)
        settings[SINCE] = now


def next_look(cursor: Ints, settings: Floats, arrival: Floats, back: Floats, now: float) -> float:
    """When there is something to do but the end of an invocation; infinite if never."""
    look = math.inf
    waits = cursor[SEEN] > cursor[TAKEN]
    if cursor[BUSY] >= int(settings[LIMIT] + NEARLY):
        if waits or back[0] <= now:
            settings[SINCE] = now
            if settings[LIMIT] < settings[MOST]:
                missing = int(settings[LIMIT] + NEARLY) + 1 - settings[LIMIT]
                look = now + missing / settings[GROWTH]
        return look
    settings[SINCE] = -math.inf
    if cursor[BUSY] == 0 and not waits:
        settings[LIMIT] = min(settings[LIMIT], settings[FIRST])
    if waits:
        look = arrival[cursor[TAKEN]] + settings[WINDOW]
    if cursor[SEEN] < cursor[STOP]:
        look = min(look, arrival[cursor[SEEN]])
    return min(look, back[0])


def next_batch(
    cursor: Ints,
    arrival: Floats,
    settings: Floats,
    oldest: Floats,
    sizes: Ints,
    back: Floats,
    returned: Ints,
    now: float,
) -> int:
    """The row of a batch that goes now, one that came back or a new one; below 0 for none."""
    if back[0] <= now:
        row = returned[0]
        pop(back, returned, cursor[CALLERS])
        cursor[CALLERS] -= 1
        return row
    there = cursor[SEEN] - cursor[TAKEN]
    full = there >= settings[SIZE]
    if there == 0 or not (full or now >= arrival[cursor[TAKEN]] + settings[WINDOW] - INSTANT):
        return -1
    row = cursor[ROWS]
    cursor[ROWS] += 1
    sizes[row] = min(there, int(settings[SIZE]))
    oldest[row] = arrival[cursor[TAKEN]]
    cursor[TAKEN] += sizes[row]
    return row


def run_queue(
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
    settings: Floats,
    clock: Floats,
    oldest: Floats,
    sizes: Ints,
    back: Floats,
    returned: Ints,
    attempts: Ints,
    log_time: Floats,
    log_row: Ints,
    log_decision: Ints,
) -> int:
    """Messages that become visible at ``arrival``; gives 1 when all are through, else 0.

    A row is a batch. One that is refused is hidden for a while and comes back as it was, until it
    has come too often or is too old.
    """
    while True:
        now = clock[0]
        while cursor[SEEN] < cursor[STOP] and arrival[cursor[SEEN]] <= now:
            cursor[SEEN] += 1
        before = cursor[BUSY]
        settle(state, cursor, due, busy, kinds, waiting, ready, free, ends, now)
        if settings[LIMIT] < settings[FIRST]:
            settings[LIMIT] = min(settings[FIRST], settings[LIMIT] + before - cursor[BUSY])
        grow(settings, now)
        while cursor[BUSY] < int(settings[LIMIT] + NEARLY):
            if used_up(cursor):
                return 0
            row = next_batch(cursor, arrival, settings, oldest, sizes, back, returned, now)
            if row < 0:
                break
            decision = decide(state, now)
            decisions[row] = decision
            attempts[row] += 1
            if decision < ACCOUNT_FULL:
                occupy(
                    cursor, due, busy, kinds, names, waiting, ready, free, ends, fates,
                    start, end, environment, row, decision, now,
                    length(duration[row], sizes[row], settings),
                )  # fmt: skip
                continue
            log(cursor, log_time, log_row, log_decision, now, row, decision)
            start[row] = now
            end[row] = now
            environment[row] = -1
            settings[LIMIT] = max(1.0, settings[LIMIT] - 1.0)
            again = now + settings[HIDDEN]
            if attempts[row] < cursor[TRIES] and again - oldest[row] <= settings[KEPT]:
                push(back, returned, cursor[CALLERS], again, row)
                cursor[CALLERS] += 1
        look = min(due[0], next_look(cursor, settings, arrival, back, now))
        if look == math.inf:
            return 1
        clock[0] = look


def batch_due(arrival: Floats, settings: Floats, first: int, stop: int, since: float) -> float:
    """When a lane's next batch goes, if its reader is free from ``since`` on."""
    opened = max(since, arrival[first])
    last = first + int(settings[SIZE]) - 1
    if last < stop:
        return min(max(opened, arrival[last]), opened + settings[WINDOW])
    return opened + settings[WINDOW]


def run_stream(
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
    settings: Floats,
    edges: Ints,
    oldest: Floats,
    sizes: Ints,
    lane_due: Floats,
    lanes: Ints,
    tries: Ints,
    rows: Ints,
    lane_of: Ints,
    attempts: Ints,
    log_time: Floats,
    log_row: Ints,
    log_decision: Ints,
) -> int:
    """Records by lane, in ``arrival`` from ``edges[lane]`` on; gives 1 when all are through.

    ``rows`` has the batch that a lane tries again, below 0 for none. A refused batch blocks its
    lane until it gets through, or is too old for its stream.
    """
    while cursor[CALLERS] > 0:
        if used_up(cursor):
            return 0
        lane = lanes[0]
        now = lane_due[0]
        pop(lane_due, lanes, cursor[CALLERS])
        cursor[CALLERS] -= 1
        stop = edges[2 * lane + 1]
        row = rows[lane]
        if row < 0:
            row = cursor[ROWS]
            cursor[ROWS] += 1
            first = edges[2 * lane]
            count = 0
            while first + count < stop and count < settings[SIZE] and arrival[first + count] <= now:
                count += 1
            sizes[row] = count
            oldest[row] = arrival[first]
            lane_of[row] = lane
            edges[2 * lane] = first + count
        settle(state, cursor, due, busy, kinds, waiting, ready, free, ends, now)
        decision = decide(state, now)
        decisions[row] = decision
        attempts[row] += 1
        if decision < ACCOUNT_FULL:
            occupy(
                cursor, due, busy, kinds, names, waiting, ready, free, ends, fates,
                start, end, environment, row, decision, now,
                length(duration[row], sizes[row], settings),
            )  # fmt: skip
            again = end[row]
        else:
            log(cursor, log_time, log_row, log_decision, now, row, decision)
            start[row] = now
            end[row] = now
            environment[row] = -1
            again = now + min(settings[SOON] * 2.0 ** min(tries[lane], 30), settings[LATE])
        if decision >= ACCOUNT_FULL and again - oldest[row] <= settings[KEPT]:
            rows[lane] = row
            tries[lane] += 1
        else:
            rows[lane] = -1
            tries[lane] = 0
            if edges[2 * lane] >= stop:
                continue
            again = batch_due(arrival, settings, edges[2 * lane], stop, again)
        push(lane_due, lanes, cursor[CALLERS], again, lane)
        cursor[CALLERS] += 1
    return 1


COMPILABLE = (used_up, length, grow, next_look, next_batch, run_queue, batch_due, run_stream)
