"""The Python runtime in an interpreter of its own: the request is the process's environment.

Started as ``python -I -S python_start.py``. A wrapper script may have changed the variables and put
options of Python in front of the script's name. Like the zygote it imports nothing of the lab.
"""

from __future__ import annotations

import importlib.util
import os
import types


def _handover() -> types.ModuleType:
    beside = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    path = os.path.join(beside, "handover.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location("handover", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Be the runtime of a function."""
    variables = os.environ
    runtime = variables.pop("_LAMBDALAB_RUNTIME", "/var/runtime")
    opt = variables.pop("_LAMBDALAB_OPT", "")
    handover = _handover()
    os.dup2(1, handover.LOG_DESCRIPTOR, inheritable=False)
    handover.prepare(runtime)
    request = {
        "environment": dict(variables),
        "directory": variables["LAMBDA_TASK_ROOT"],
        "opt": opt,
        "handler": variables["_HANDLER"],
        # The loader has read its path already.
        "anew": True,
    }
    handover.become_function(request, runtime)


if __name__ == "__main__":
    main()
