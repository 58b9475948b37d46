"""Deploying a function so that a cell can be run again and again."""

from typing import Any

__all__ = ["deploy"]


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
        lam.get_waiter("function_updated_v2").wait(FunctionName=name)
        lam.update_function_configuration(FunctionName=name, **settings)
        lam.get_waiter("function_updated_v2").wait(FunctionName=name)
    lam.get_waiter("function_active_v2").wait(FunctionName=name)
