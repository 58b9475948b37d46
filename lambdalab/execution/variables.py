"""The environment variables that a function sees: AWS's, the function's own, and one of the lab's.

``AWS_ENDPOINT_URL`` is the one addition: it leads the function's unchanged SDK calls to the lab.
Some values differ from AWS's, for there is no such directory or address here: ``LAMBDA_TASK_ROOT``
is where the code really lies, search paths name the directory in which the layers do, and
``AWS_LAMBDA_RUNTIME_API`` is a port of this machine.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.execution.spec import SNAP_START, RuntimeSpec

__all__ = ["environment_variables", "extension_variables"]

_FIXED = {
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "en_US.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "LD_LIBRARY_PATH": (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"
        "/var/task:/var/task/lib:/opt/lib"
    ),
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "SHLVL": "0",
    "TZ": ":UTC",
    "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
    "_AWS_XRAY_DAEMON_PORT": "2000",
}

_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
# What managed runtimes have besides; an OS-only runtime is not named to its function.
_BY_LANGUAGE = {
    "Python": {
        "AWS_EXECUTION_ENV": "AWS_Lambda_{runtime}",
        "LC_CTYPE": "C.UTF-8",
        "PATH": _PATH,
        "PYTHONPATH": "/var/runtime",
    },
    "Node.js": {
        "AWS_EXECUTION_ENV": "AWS_Lambda_{runtime}",
        "NODE_PATH": (
            "/opt/nodejs/{node}/node_modules:/opt/nodejs/node_modules:"
            "/var/runtime/node_modules:/var/runtime:/var/task"
        ),
        "PATH": _PATH,
    },
}
_SEARCH_PATHS = ("LD_LIBRARY_PATH", "NODE_PATH", "PATH", "PYTHONPATH")


def environment_variables(spec: RuntimeSpec, runtime_api: str, log_stream: str) -> dict[str, str]:
    """All variables of an execution environment; the function's own never replace AWS's."""
    root = str(spec.task_root)
    credentials = spec.credentials
    variables = {
        **_with_layers({**_FIXED, **_of_language(spec), **_logging(spec), **spec.variables}, spec),
        "AWS_ACCESS_KEY": credentials.access_key_id,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_ENDPOINT_URL": spec.endpoint_url,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": spec.initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": spec.region,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "LAMBDA_TASK_ROOT": root,
        "PWD": root,
        "_HANDLER": spec.handler,
    }
    if spec.initialization == SNAP_START:
        # One snapshot is restored to environments that have a log stream each.
        for name in ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"):
            del variables[name]
    return variables


def extension_variables(function: dict[str, str]) -> dict[str, str]:
    """What an external extension sees of the variables of its function.

    The runtime's own are hidden from it; its working directory is the root. Source:
    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
    """
    hidden = {variable.name for variable in facts.variables() if variable.hidden}
    shown = {name: value for name, value in function.items() if name not in hidden}
    return shown | {"PWD": "/"}


def _of_language(spec: RuntimeSpec) -> dict[str, str]:
    """What the runtime sets for its language."""
    language = facts.runtime(spec.runtime).language
    node = spec.runtime.replace("js", "").partition(".")[0]
    return {
        name: value.format(runtime=spec.runtime, node=node)
        for name, value in _BY_LANGUAGE.get(language, {}).items()
    }


def _logging(spec: RuntimeSpec) -> dict[str, str]:
    """What tells the runtime to write logs as JSON, and from which level on."""
    if spec.log_level is None:
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": spec.log_level}


def _with_layers(variables: dict[str, str], spec: RuntimeSpec) -> dict[str, str]:
    """The variables with search paths that lead to where the layers really lie."""
    if "NODE_PATH" in variables:
        # The function's own folder is searched too, and may lie elsewhere here.
        paths = variables["NODE_PATH"].split(":")
        here = [str(spec.task_root) if path == "/var/task" else path for path in paths]
        variables = variables | {"NODE_PATH": ":".join(here)}
    if spec.opt is None:
        return variables
    searched = {name: variables[name].split(":") for name in _SEARCH_PATHS if name in variables}
    return variables | {
        name: ":".join(_placed(path, str(spec.opt)) for path in paths)
        for name, paths in searched.items()
    }


def _placed(path: str, opt: str) -> str:
    return opt + path.removeprefix("/opt") if path == "/opt" or path.startswith("/opt/") else path
