"""From a forked process to a running function: search paths, the guard, AWS's runtime client.

Beside the zygote it is loaded into every execution environment, and like the zygote it imports
nothing of the lab. Run as a script (``python -I handover.py RUNTIME_DIRECTORY``, the request on
standard input) it is an environment in an interpreter of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import json
import os
import sys
import threading
import time
import types
from typing import Any, NoReturn

LINUX = sys.platform == "linux"
LOG_DESCRIPTOR = 3
LOADER_PATH = "LD_LIBRARY_PATH"
# What AWS sets PYTHONPATH to; another value is the function's own.
RUNTIME_PATH = "/var/runtime"


def prepare(runtime: str, executable: str = sys.executable) -> None:
    """Import what every Python function needs, and leave no garbage to be copied on write.

    ``executable`` is how processes find this Python: not by the lab's own environment, whose
    packages are not theirs.
    """
    sys.executable = executable
    sys.path.insert(0, runtime)
    sys.modules["runtime_client"] = _client_module()
    import http.client  # noqa: F401 - awslambdaric imports it for errors in INIT
    import logging  # noqa: F401

    import awslambdaric.bootstrap
    import awslambdaric.lambda_runtime_hooks_runner  # noqa: F401

    gc.collect()
    gc.freeze()


def _client_module() -> types.ModuleType:
    """The runtime client beside this script; it connects in the environment, not here."""
    import importlib.util

    path = os.path.join(os.path.dirname(__file__), "runtime_client.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location("runtime_client", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    connect = module.__dict__["initialize_client"]
    module.__dict__["initialize_client"] = lambda _: None
    sys.modules["runtime_client"] = module
    import awslambdaric.lambda_runtime_client  # noqa: F401 - initializes the client at import

    module.__dict__["initialize_client"] = connect
    return module


def become_function(request: dict[str, Any], runtime: str) -> NoReturn:
    """Run the function that a request names until the process ends; never returns."""
    status = 1
    try:
        if _needs_loader(request):
            _start_anew(request, runtime)
        _run(request, runtime)
        status = 0
    except SystemExit as ended:
        status = _exit_status(ended.code)
    except BaseException as error:
        sys.__excepthook__(type(error), error, error.__traceback__)
    finally:
        _finish()
        os._exit(status)


def _finish() -> None:
    """What Python does when it ends: threads first, then what was registered for the exit.

    The process was forked, so to end in Python's own way would unwind what belongs to the zygote.
    """
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


def _run(request: dict[str, Any], runtime: str) -> None:
    """Hand over to AWS's runtime client, as its own start script does."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(LOG_DESCRIPTOR)
    time.tzset()
    own = _own_paths(request)
    sys.path[:] = [*own, runtime, *(path for path in sys.path if path != runtime)]
    _read_path_files(own)
    sys.argv[:] = ["bootstrap.py", request["handler"]]
    _guard_loopback()
    _reach_lab()

    from awslambdaric import bootstrap, lambda_runtime_client

    if "AWS_LAMBDA_LOG_FORMAT" in os.environ or "AWS_LAMBDA_LOG_LEVEL" in os.environ:
        # These are read when the module is imported, which was before they were known.
        import importlib

        importlib.reload(bootstrap)
    sys.modules["__main__"] = bootstrap
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    client = lambda_runtime_client.LambdaRuntimeClient(address)
    # How text is encoded depends on AWS_EXECUTION_ENV, which the class was made without.
    client.marshaller = type(client.marshaller)()
    lambda_runtime_client.runtime_client.initialize_client(f"aws-lambda-python/{_version()}")
    bootstrap.run(request["handler"], client)


def _version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _exit_status(code: object) -> int:
    """The status of a process that ends by SystemExit; a text is printed, as Python does."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


# Search paths.


def _own_paths(request: dict[str, Any]) -> list[str]:
    """Where modules are looked for before the runtime's: the code, then the layers.

    As AWS's start script has it, a PYTHONPATH of the function's own takes the place of the layers'.
    """
    task, opt = request["directory"], request["opt"]
    given = os.environ.get("PYTHONPATH", RUNTIME_PATH)
    if given != RUNTIME_PATH:
        return [task, *(path.replace("/var/task", task) for path in given.split(":") if path)]
    if not opt:
        return [task]
    # The runtime that the function asks for, whatever version of Python runs it here.
    runtime = os.environ["AWS_EXECUTION_ENV"].removeprefix("AWS_Lambda_")
    return [task, f"{opt}/python/lib/{runtime}/site-packages", f"{opt}/python"]


def _read_path_files(folders: list[str]) -> None:
    """Do what .pth files say, as AWS's start script does for the code and the layers."""
    for folder in folders:
        if os.path.isdir(folder) and any(  # noqa: PTH112
            name.endswith(".pth")
            for name in os.listdir(folder)  # noqa: PTH208
        ):
            import site

            site.addsitedir(folder)


# Libraries of layers.


def _needs_loader(request: dict[str, Any]) -> bool:
    """Whether layers bring libraries, which only a process that starts with their path finds."""
    if not request["opt"]:
        return False
    libraries = os.path.join(request["opt"], "lib")  # noqa: PTH118
    if not LINUX or request.get("anew") or not os.path.isdir(libraries):  # noqa: PTH112
        return False
    return any(".so" in name for name in os.listdir(libraries))  # noqa: PTH208


def _start_anew(request: dict[str, Any], runtime: str) -> NoReturn:
    """Become a new interpreter: the loader reads LD_LIBRARY_PATH only when a program starts.

    Of the function's value only the layers' part goes in: the rest is AWS's, and where it exists
    here, it is this machine's own.
    """
    environment = dict(request["environment"])
    of_layers = [
        path for path in environment[LOADER_PATH].split(":") if path.startswith(request["opt"])
    ]
    environment[LOADER_PATH] = ":".join(filter(None, [os.environ.get(LOADER_PATH), *of_layers]))
    descriptor = os.memfd_create("request", 0)
    os.write(descriptor, json.dumps({**request, "anew": True}).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.dup2(descriptor, 0)
    command = [sys.executable, "-I", "-S", request["script"], runtime]
    os.execve(sys.executable, command, environment)  # noqa: S606


def main() -> None:
    """Be an environment in an interpreter of its own."""
    request = json.loads(os.read(0, 1 << 20))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(1, LOG_DESCRIPTOR, inheritable=False)
    prepare(sys.argv[1], sys.executable)
    become_function(request, sys.argv[1])


# The guard.


def _guard_loopback() -> None:
    """Nothing that a function does with Python's sockets leaves this machine."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not _is_loopback(str(address[0])):
                raise _refused(address[0])
        elif event == "socket.getaddrinfo":
            host = arguments[0]
            name = host.decode() if isinstance(host, bytes) else host
            if name is not None and not _is_loopback(str(name)):
                raise _refused(name)

    sys.addaudithook(hook)


def _is_loopback(host: str) -> bool:
    return (
        host.startswith("127.")
        or host in ("", "::1", "localhost", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
        or host.endswith(".localhost")
    )


def _refused(host: object) -> OSError:
    return PermissionError(
        errno.EACCES,
        f"Lambda Lab: no request leaves this machine, so nothing was sent to {host}",
    )


# The lab's own port, which speaks plain HTTP.


def _reach_lab() -> None:
    """HTTPS to the lab is HTTP: answers of custom resources go to AWS by HTTPS, and code says so.

    Whoever takes only the host from the address asks at HTTPS's own port.
    """
    import http.client

    host, _, port = os.environ.get("AWS_ENDPOINT_URL", "").rpartition("/")[2].partition(":")
    if not port:
        return
    connect, places = http.client.HTTPSConnection.connect, (443, int(port))

    def run(self: http.client.HTTPSConnection) -> None:
        if self.host != host or self.port not in places:
            connect(self)
            return
        self.port = int(port)
        http.client.HTTPConnection.connect(self)

    http.client.HTTPSConnection.connect = run  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    main()
