"""Who may know whom: a table, checked against the imports that stand in the sources.

A *room* is a module or package of `cloudmesh_sdk`; the longest name in `KNOWS` that fits a module
is its room. A room may import itself and the rooms named beside it, and no `_private` name of
another one. Every third-party library has its rooms in `LIBRARIES`.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

SRC = Path(__file__).parent.parent / "src"
HOUSE = "cloudmesh_sdk"

BELOW = (
    "errors", "tables", "models", "masking", "wire", "options", "fanout", "plugins", "hooks",
    "driver",
)  # fmt: skip
DRIVER = ("errors", "tables", "models", "masking", "options", "retrying", "wire")
CONFIG = (
    "errors", "document", "limits", "options", "plugins", "references", "settings", "sources",
)  # fmt: skip
MIDDLE = (
    *BELOW, "config", "limits", "settings", "providers.base", "queues.base", "queues.arrays",
    "store.base", "store.changes", "store.polls", "operations", "operations.amqp", "access",
)  # fmt: skip
FACE = (
    *BELOW, "bars", "config", "config_edit", "settings", "sources", "store.base", "mesh",
    "services",
)  # fmt: skip

KNOWS: Mapping[str, tuple[str, ...]] = {
    # the words everybody uses
    "errors": (),
    "tables": (),
    "options": (),
    "models": ("errors", "tables"),
    "bars": ("models", "tables"),
    "progress": ("models", "tables"),
    "masking": (),
    "wire": ("masking",),
    "retrying": ("errors",),
    "limits": (),
    "pacing": (),
    "together": ("errors",),
    "fanout": ("errors", "tables"),
    "driver": ("errors", "models", "wire"),
    "plugins": ("errors",),
    "hooks": ("errors", "models"),
    # the configuration
    "references": ("errors",),
    "document": ("errors",),
    "clouds_yaml": ("errors", "document"),
    "sources": ("errors", "document", "clouds_yaml"),
    "settings": ("errors", "options", "references"),
    "config": CONFIG,
    "config_edit": (*CONFIG, "config"),
    # interfaces, and the drivers that fill them: none knows another, nor anything above
    "providers": ("errors", "models", "providers.base"),
    "providers.base": ("errors", "models", "driver"),
    "providers.*": (*DRIVER, "providers.base"),
    "queues": ("errors", "models", "queues.base"),
    "queues.base": ("errors", "models", "driver"),
    "queues.arrays": ("errors", "models"),
    "queues.batch": (*DRIVER, "queues.base", "queues.arrays"),
    "queues.small": (*DRIVER, "queues.base", "queues.arrays", "queues.batch"),
    "queues.*": (*DRIVER, "queues.base", "queues.arrays", "queues.batch", "queues.small"),
    "provisioners": ("errors", "models"),
    "provisioners.base": ("errors", "models"),
    "provisioners.*": (*DRIVER, "provisioners.base"),
    # what was seen and what was asked for
    "store": ("errors", "models"),
    "store.polls": ("errors", "models"),
    "store.changes": ("errors", "models"),
    "store.slots": (),
    "store.rates": (),
    "store.workers": ("models",),
    "store.base": (
        "errors",
        "models",
        "store.changes",
        "store.polls",
        "store.rates",
        "store.slots",
        "store.workers",
    ),
    "store.values": ("errors", "models"),
    "store.masking": ("errors", "models", "masking"),
    "store.matching": ("errors", "models", "store.base", "store.values"),
    "store.*": (
        *DRIVER,
        "store.base",
        "store.changes",
        "store.polls",
        "store.rates",
        "store.slots",
        "store.workers",
        "pacing",
        "together",
        "store.matching",
        "store.masking",
        "store.values",
    ),
    "access": ("errors", "models", "store.base"),
    "operations": (
        "errors",
        "models",
        "fanout",
        "hooks",
        "driver",
        "limits",
        "pacing",
        "retrying",
        "store.base",
        "providers.base",
        "queues.base",
    ),
    "operations.amqp": ("errors", "models", "fanout", "together", "store.base", "operations"),
    # the facade and its faces
    "mesh": (*MIDDLE, "progress"),
    "notebook": ("mesh", "progress"),
    "services": (*MIDDLE, "mesh", "store.mongo"),
    "shell": FACE,
    "web": FACE,
    # the kit for those who write drivers and stores
    "testing": (
        *DRIVER,
        "driver",
        "providers.base",
        "queues.base",
        "queues.arrays",
        "store.base",
        "store.changes",
        "store.polls",
        "store.rates",
        "store.memory",
        "fanout",
        "pacing",
        "limits",  # its promises of broken connections are about what the journal says
        "operations",
    ),
}

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "attrs": ("*",),
    "platformdirs": (
        "config",
        "clouds_yaml",
        "store.mongo",
        "shell",
        "providers.openstack",
        "queues.local",
    ),
    "stevedore": ("plugins",),
    "pluggy": ("hooks",),
    "yaml": ("document", "shell"),
    "ruamel": ("config_edit",),
    "keyring": ("references",),
    "ClusterShell": ("mesh",),
    "mongoengine": ("store.mongo",),
    "pymongo": ("store.mongo",),
    "bson": ("store.mongo",),
    "psutil": ("store.mongo", "operations", "services", "queues.small"),
    "boto3": ("providers.ec2",),
    "botocore": ("providers.ec2",),
    "urllib3": ("providers.ec2", "providers.openstack", "queues.slurm"),
    "libcloud": ("providers.libcloud",),
    "keystoneauth1": ("providers.openstack",),
    "requests": ("providers.openstack",),
    "orjson": ("providers.openstack", "queues.slurm"),
    "asyncssh": ("queues.batch",),
    "pyslurm": ("queues.slurm",),
    "cryptography": ("providers.openstack",),
    "novaclient": ("providers.openstack",),
    "IPython": ("notebook",),
    "click": ("shell",),
    "rich": ("shell",),
    "prompt_toolkit": ("shell",),
    "moto": ("services",),
    "celery": ("operations.amqp",),
    "kombu": ("operations.amqp",),
    "amqp": ("operations.amqp",),
    "pytest": ("testing",),
}

SPEAKS = ("shell",)
"""Rooms that may print, and end the process."""


@attrs.frozen(kw_only=True)
class Import:
    """One imported module, and whether it is needed only by type checkers."""

    source: str
    target: str
    line: int
    names: tuple[str, ...] = ()
    typing_only: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target} {' '.join(self.names)}".strip()


def modules(src: Path) -> dict[str, Path]:
    """Return the files below a folder by their dotted names."""
    return {
        ".".join(path.relative_to(src).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(src.rglob("*.py"))
    }


def imports(src: Path) -> list[Import]:
    """Return every import in the sources, wherever it stands in a file."""
    known = modules(src)
    return [found for name, path in known.items() for found in _of_file(name, path, known)]


def _of_file(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {id(inner) for node in ast.walk(tree) if _for_types(node) for inner in ast.walk(node)}
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        for target, names in _targets(node, package, known):
            yield Import(
                source=name,
                target=target,
                line=getattr(node, "lineno", 0),
                names=names,
                typing_only=id(node) in guarded,
            )


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _targets(
    node: ast.AST, package: str, known: Mapping[str, Path]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, ()) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *filter(None, [node.module])]) if node.level else node.module or ""
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield (inner, ()) if inner in known else (base, (alias.name,))


def room(module: str) -> str:
    """Return the room of a module of the house: the longest line of the table that fits."""
    parts = module.split(".")[1:]
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in KNOWS:
            return name
        if ".".join([*parts[: end - 1], "*"]) in KNOWS:
            return name
    return ""


def allowed(name: str) -> tuple[str, ...]:
    """Return the rooms that a room may know, itself included."""
    rule = KNOWS.get(name) or KNOWS.get(f"{name.rpartition('.')[0]}.*", ())
    return (name, *rule)


def strangers(src: Path) -> list[str]:
    """Return imports that lead into a room which the importing one may not know."""
    wrong = []
    for found in imports(src):
        if not _within(found.source, HOUSE) or not _within(found.target, HOUSE):
            continue
        here, there = room(found.source), room(found.target)
        if here and there not in allowed(here) and not _public(found):
            wrong.append(str(found))
    return wrong


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _public(found: Import) -> bool:
    """Tell whether only public names of the whole house are imported; faces may do that."""
    return found.target == HOUSE and room(found.source) in ("shell", "web", "services")


def private(src: Path) -> list[str]:
    """Return imports of `_names` across rooms."""
    return [
        str(found)
        for found in imports(src)
        if _within(found.target, HOUSE)
        and room(found.source) != room(found.target)
        and any(n.startswith("_") and not n.startswith("__") for n in _words(found))
    ]


def _words(found: Import) -> tuple[str, ...]:
    return (*found.target.split("."), *found.names)


def misplaced(src: Path) -> list[str]:
    """Return imports of third-party libraries outside their rooms."""
    own = {name.partition(".")[0] for name in modules(src)}
    wrong = []
    for found in imports(src):
        top = found.target.partition(".")[0]
        if top in own or top in sys.stdlib_module_names:
            continue
        homes = LIBRARIES.get(top, ())
        inside = found.source.removeprefix(f"{HOUSE}.")
        if homes != ("*",) and not any(_within(inside, home) for home in homes):
            wrong.append(f"{found}; its rooms: {', '.join(homes) or 'none'}")
    return wrong


def cycles(src: Path) -> list[list[str]]:
    """Return groups of modules that import each other when they are run."""
    known = set(modules(src))
    edges: dict[str, set[str]] = {name: set() for name in known}
    for found in imports(src):
        if found.target in known and found.target != found.source and not found.typing_only:
            edges[found.source].add(found.target)
    reach = {name: _reached(name, edges) for name in known}
    groups = {tuple(sorted(b for b in reach[a] if a in reach[b])) for a in known if a in reach[a]}
    return [list(group) for group in sorted(groups)]


def _reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(edges[name])
    return seen


def speakers(src: Path) -> list[str]:
    """Return where `print` or `sys.exit` is called outside the rooms that may."""
    wrong = []
    for name, path in modules(src).items():
        if room(name) in SPEAKS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not _as_program(node)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit"):
                wrong.append(f"{name}:{node.lineno} calls {ast.unparse(node.func)}")
    return wrong


def _as_program(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def homeless(src: Path) -> list[str]:
    """Return modules for which the table has no line."""
    return [
        name
        for name in modules(src)
        if _within(name, HOUSE) and name not in (HOUSE, f"{HOUSE}.__main__") and not room(name)
    ]


def eager(src: Path) -> list[str]:
    """Return what the door imports as it is opened, beyond the standard library."""
    door = src / "cloudmesh" / "__init__.py"
    return [
        str(found)
        for found in (_top_level(door) if door.exists() else ())
        if found.target.partition(".")[0] not in sys.stdlib_module_names
    ]


def _top_level(path: Path) -> list[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        Import(source="cloudmesh", target=target, line=node.lineno)
        for node in tree.body
        for target, _ in _targets(node, "cloudmesh", {})
    ]


@pytest.mark.parametrize(
    "promise", [homeless, strangers, private, misplaced, cycles, speakers, eager]
)
def test_the_house_keeps(promise: object) -> None:
    assert callable(promise)
    assert promise(SRC) == []


def test_a_room_is_the_longest_name_that_fits() -> None:
    assert room("cloudmesh_sdk.providers.ec2.client") == "providers.ec2"
    assert room("cloudmesh_sdk.providers.base") == "providers.base"
    assert room("cloudmesh_sdk.mesh.acting") == "mesh"
    assert room("cloudmesh_sdk.newcomer") == ""


PLANTED = {
    "driver knows the mesh": (strangers, "providers/x.py", "from cloudmesh_sdk.mesh import Mesh"),
    "driver knows a driver": (strangers, "providers/x.py", "import cloudmesh_sdk.providers.memory"),
    "inside a function": (strangers, "errors.py", "def f():\n    from . import models"),
    "store knows the mesh": (strangers, "store/mongo/x.py", "from ...mesh import Mesh"),
    "shell knows a driver": (strangers, "shell/x.py", "from cloudmesh_sdk.providers.ec2 import E"),
    "shell takes a secret name": (private, "shell/x.py", "from cloudmesh_sdk.mesh import _names"),
    "boto3 in the mesh": (misplaced, "mesh/x.py", "import boto3.session"),
    "unknown library": (misplaced, "fanout.py", "import trio"),
    "two of a mind": (cycles, "models.py", "import cloudmesh_sdk.errors"),
    "talkative": (speakers, "config.py", "def f():\n    print('hello')"),
    "leaves": (speakers, "config.py", "import sys\nsys.exit(1)"),
    "new room": (homeless, "helpers.py", ""),
    "heavy door": (eager, "../cloudmesh/__init__.py", "import cloudmesh_sdk.mesh"),
}


@pytest.mark.parametrize("sin", PLANTED)
def test_a_planted_violation_is_found(sin: str, tmp_path: Path) -> None:
    promise, name, text = PLANTED[sin]
    house = {
        "../cloudmesh/__init__.py": "",
        "__init__.py": "",
        "errors.py": "import cloudmesh_sdk.models" if promise is cycles else "",
        "models.py": "",
        "mesh/__init__.py": "",
        "providers/memory.py": "",
        "providers/ec2.py": "",
    }
    for path, content in {**house, name: text}.items():
        file = tmp_path / HOUSE / path
        (tmp_path / HOUSE).mkdir(exist_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert promise(tmp_path)
    (tmp_path / HOUSE / name).unlink()
    assert not promise(tmp_path)
