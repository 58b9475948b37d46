"""One run of SimFaaS, with the interpreter of its own environment: nothing of the lab is there.

    python simfaas_run.py RATE MEAN INIT IDLE LIMIT REQUESTS SEED

prints seconds of processor time, requests, cold starts and refusals.
"""

import sys
import time
from typing import Any

import numpy as np
from simfaas.ServerlessSimulator import ServerlessSimulator
from simfaas.SimProcess import ExpSimProcess


class Cold(ExpSimProcess):  # type: ignore[misc]
    """INIT of a fixed length before an exponential time."""

    def __init__(self, rate: float, init: float) -> None:
        super().__init__(rate=rate)
        self.init = init

    def generate_trace(self) -> Any:
        """One time in seconds."""
        return self.init + super().generate_trace()


def main() -> None:
    """Run and print."""
    rate, mean, init, idle = (float(word) for word in sys.argv[1:5])
    limit, requests, seed = (int(word) for word in sys.argv[5:8])
    np.random.seed(seed)
    simulator = ServerlessSimulator(
        arrival_rate=rate,
        warm_service_rate=1 / mean,
        cold_service_process=Cold(1 / mean, init),
        expiration_threshold=idle,
        max_time=requests / rate,
        maximum_concurrency=limit,
    )
    began = time.process_time()
    simulator.generate_trace(progress=False)
    taken = time.process_time() - began
    print(
        taken, simulator.total_req_count, simulator.total_cold_count, simulator.total_reject_count
    )


if __name__ == "__main__":
    main()
