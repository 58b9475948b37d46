"""The compiled functions: made once by numba, kept as object code, loaded by LLVM alone.

To import numba and unpack its own cache takes longer than a first simulation may; what it has made
needs neither. The object code is kept beside the package's byte code, or in the user's cache folder
where that cannot be written, under a name made of all that it depends on: the source, the versions,
the processor. Code that was cut short or changed is not loaded but made anew.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from lambdalab.simulator import draining, heap, kernel, rules

__all__ = ["bound"]

# In the order in which they can be compiled.
_MODULES: tuple[ModuleType, ...] = (rules, heap, kernel, draining)
_TYPES = {"<f8": "float64", "<i8": "int64", "<i4": "int32", "|i1": "int8"}
_ENTRY = "entry"
_DIGEST = hashlib.sha256().digest_size
# What LLVM has loaded lives as long as the process.
_engines: list[Any] = []
_lock = threading.Lock()


def bound(function: Callable[..., int], arrays: Sequence[Any]) -> Callable[[], int]:
    """The compiled form of ``function`` with its arguments, one-dimensional arrays.

    While it runs, other threads run too.
    """
    kinds = tuple(_TYPES[array.dtype.str] for array in arrays)
    with _lock:
        call = _loaded(function.__name__, kinds)
    result, error = ctypes.c_int64(), ctypes.c_void_p()
    values = [value for array in arrays for value in _flat(array)]

    def compiled(_kept: Sequence[Any] = arrays) -> int:
        call(ctypes.byref(result), ctypes.byref(error), *values)
        return result.value

    return compiled


def _flat(array: Any) -> Iterator[Any]:
    """An array as numba hands it on: owner, parent, items, size of one, address, shape, strides."""
    items, size = ctypes.c_int64(array.shape[0]), ctypes.c_int64(array.itemsize)
    yield from (None, None, items, size, ctypes.c_void_p(array.ctypes.data), items, size)


@cache
def _loaded(name: str, kinds: tuple[str, ...]) -> Callable[..., int]:
    from llvmlite import binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    file = f"{name}-{_key(name, kinds)}.o"
    code = _kept(file)
    if code is None:
        code = _made(name, kinds)
        _keep(file, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return ctypes.CFUNCTYPE(ctypes.c_int32)(engine.get_function_address(_ENTRY))


def _machine() -> Any:
    from llvmlite import binding as llvm

    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
    )


# ---- making


# numba may raise nothing, check no bounds, count no owners: the functions do without.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "nogil": True, "_nrt": False}


def _made(name: str, kinds: tuple[str, ...]) -> bytes:
    """Compile a function; takes some seconds."""
    from llvmlite import binding as llvm
    from numba import njit, types

    signature = types.int64(*(types.Array(getattr(types, kind), 1, "C") for kind in kinds))
    plain = _compilable()[name].py_func
    whole = njit(signature, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(plain)
    (overload,) = whole.overloads.values()
    module = llvm.parse_assembly(overload.library.get_llvm_str())
    return _alone(module, overload.fndesc.llvm_func_name)


@cache
def _compilable() -> dict[str, Any]:
    """All functions by name, each with compiled neighbours instead of the plain ones."""
    from numba import njit

    done: dict[str, Any] = {}
    for module in _MODULES:
        scope = {
            name: done.get(name, value) if callable(value) else value
            for name, value in vars(module).items()
        }
        for function in module.COMPILABLE:
            name = function.__name__
            plain = FunctionType(function.__code__, scope, name)
            done[name] = scope[name] = njit(forceinline=True, **_OPTIONS)(plain)
    return done


def _alone(module: Any, name: str) -> bytes:
    """The object code of one function that needs nothing outside of itself."""
    from llvmlite import binding as llvm

    for function in module.functions:
        if not function.is_declaration:
            function.linkage = "external" if function.name == name else "internal"
    module.get_function(name).name = _ENTRY
    machine = _machine()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(3))
    builder.getModulePassManager().run(module, builder)
    missing = [
        function.name
        for function in module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    ]
    if missing:
        raise RuntimeError(f"the compiled simulator would need {', '.join(missing)}")
    code: bytes = machine.emit_object(module)
    return code


# ---- keeping


def _key(name: str, kinds: tuple[str, ...]) -> str:
    import llvmlite
    from llvmlite import binding as llvm

    sources = [Path(str(module.__file__)).read_bytes() for module in _MODULES]
    # numba itself is not imported: that alone takes longer than all the rest.
    numba = find_spec("numba")
    assert numba is not None and numba.origin is not None
    sources.append(Path(numba.origin).with_name("_version.py").read_bytes())
    figures = [
        (each, value)
        for module in _MODULES
        for each, value in sorted(vars(module).items())
        if isinstance(value, int | float)
    ]
    processor = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    own = Path(__file__).read_text(encoding="utf-8")
    text = repr((name, kinds, sources, figures, llvmlite.__version__, processor, own))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _folders() -> tuple[Path, ...]:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(__file__).with_name("__pycache__"), Path(home).expanduser() / "lambdalab"


def _kept(file: str) -> bytes | None:
    for folder in _folders():
        with suppress(OSError):
            text = (folder / file).read_bytes()
            digest, code = text[:_DIGEST], text[_DIGEST:]
            if hashlib.sha256(code).digest() == digest:
                return code
    return None


def _keep(file: str, code: bytes) -> None:
    """Write it where it can be written: whole, or not at all."""
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f"{file}.{os.getpid()}.{threading.get_ident()}"
            draft.write_bytes(hashlib.sha256(code).digest() + code)
            draft.replace(folder / file)
            return
