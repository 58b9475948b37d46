"""Deploying a function so that a cell can be run again and again, and waiting for it."""

from typing import Any

__all__ = ["deploy", "wait_until_settled"]

# The waiters of boto3 ask once a second, as suits AWS; a change in the lab is over much sooner.
_PATIENCE = {"Delay": 0.05, "MaxAttempts": 200}


def deploy(lab: Any, name: str, package: bytes, **settings: Any) -> None:
    """Create a function, or bring the one of that name up to date; return when it can be invoked.

    package: the bytes of the zip; settings: what CreateFunction takes, such as ``Handler``,
    ``Timeout`` (seconds), ``MemorySize`` (MB). Role and Runtime have defaults.

    Raises:
        botocore.exceptions.ClientError: what AWS refuses, such as a memory size out of bounds.

    """
    lam = lab.client("lambda")
    settings = {"Runtime": "python3.13", "Role": lab.role(), **settings}
    try:
        lam.create_function(FunctionName=name, Code={"ZipFile": package}, **settings)
    except lam.exceptions.ResourceConflictException:
        lam.update_function_code(FunctionName=name, ZipFile=package)
        wait_until_settled(lam, name)
        lam.update_function_configuration(FunctionName=name, **settings)
    wait_until_settled(lam, name)


def wait_until_settled(lam: Any, name: str) -> None:
    """Return when no creation or update of a function is under way.

    Raises:
        botocore.exceptions.ClientError: there is no such function.
        botocore.exceptions.WaiterError: it failed, or is not ready within ten seconds.

    """
    lam.get_function_configuration(FunctionName=name)
    for state in ("function_active_v2", "function_updated_v2"):
        lam.get_waiter(state).wait(FunctionName=name, WaiterConfig=_PATIENCE)
