"""Compile the simulator ahead: ``python -m lambdalab.simulator``.

Whoever does not do it waits some seconds at the first simulation of each kind on a machine.
"""

from lambdalab.simulator import ASYNCHRONOUS, Poisson, Queue, Stream, simulate

for workload in (
    Poisson(1, seconds=1),
    Poisson(1, seconds=1, retry=ASYNCHRONOUS),
    Queue(1),
    Stream(1),
):
    simulate(workload)
