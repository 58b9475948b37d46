"""The rules of the house, read from the source text: who may import whom, who may ask the time."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lambdalab"

# From the ground up. A room imports from lower floors, and from those named before it on its own.
# "lambdalab" is the package itself, which offers what `lab` offers.
FLOORS: dict[int, tuple[str, ...]] = {
    1: (
        "facts",
        "imports",
        "addresses",
        "spans",
        "clock",
        "draws",
        "timeline",
        "errors",
        "wire",
        "insights",
        "neighbours",
    ),
    2: ("execution", "network", "access", "simulator"),
    3: ("functions", "invocation"),
    4: ("sources", "databases", "edge"),
    5: ("endpoint",),
    6: ("cloud",),
    7: ("lab", "lambdalab"),
    8: ("doctor", "widgets", "learning", "exam", "classroom", "cli", "__main__"),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

# What people touch stands on the Lab object, not on the engine behind it.
TOP = 8
ENGINE = frozenset(FLOORS[2] + FLOORS[3] + FLOORS[4] + FLOORS[5]) - {"simulator"}

WALL_CLOCK = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.ctime",
        "time.gmtime",
        "time.localtime",
        "time.sleep",
        "time.strftime",
        "time.time",
        "time.time_ns",
    }
)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each module of the package: its path below the package, and its tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    """Return the room that a module, named by its path below the package, stands in."""
    name = Path(path.parts[0]).stem
    return "lambdalab" if name == "__init__" else name


def wrong_imports(path: Path, tree: ast.Module) -> list[str]:
    """Return the imports of a module that lead up, or from the top floor into the engine."""
    here = room_of(path)
    reached = {_room(name) for name in _imported(path, tree) if name.split(".")[0] == "lambdalab"}
    return [f"{path} imports {room}" for room in sorted(reached) if not _may(here, room)]


def wall_clock_uses(path: Path, tree: ast.Module) -> list[str]:
    """Return each place of a module that reads the wall clock or sleeps."""
    names = _names(tree)
    return [
        f"{path}:{node.lineno} {dotted}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and (dotted := _dotted(node, names)) in WALL_CLOCK
    ]


def imports_of(path: Path, tree: ast.Module, package: str) -> list[str]:
    """Return each import of a package, or of something in it, by a module."""
    return [
        f"{path} imports {name}"
        for name in sorted(set(_imported(path, tree)))
        if name.split(".")[0] == package
    ]


def packages_of(path: Path, tree: ast.Module) -> set[str]:
    """Return the top-level names of what a module imports."""
    return {name.split(".")[0] for name in _imported(path, tree)}


def _may(here: str, room: str) -> bool:
    if here == room:
        return True
    if FLOOR_OF[here] == TOP and room in ENGINE:
        return False
    order = list(FLOOR_OF)
    return order.index(room) < order.index(here)


def _room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else "lambdalab"


def _imported(path: Path, tree: ast.Module) -> Iterable[str]:
    """Yield the full name of whatever a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = ("lambdalab", *path.parent.parts)
    kept = above[: len(above) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what the imported names of a module stand for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            # `import a.b` binds a, `import a.b as c` binds a.b.
            heads = [a.name if a.asname else a.name.split(".")[0] for a in node.names]
            found |= {a.asname or head: head for a, head in zip(node.names, heads, strict=True)}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return f"{base}.{node.attr}" if base else None
    return None
