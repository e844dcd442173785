"""A name to the thing in the file of that name. The folder is the registry: there is no list to keep."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from litebert.errors import UsageError, nearest


def known(package: str) -> list[str]:
    """The things in a package's folder by the names that people type, with dashes.

    A package names in `shared` those of its files that hold what its things share.
    """
    folder = import_module(package)
    shared = getattr(folder, "shared", ())
    files = (module.name for module in iter_modules(folder.__path__))
    return sorted(name.replace("_", "-") for name in files if name not in shared)


def find(package: str, name: str, kind: str) -> ModuleType:
    """The module of that name in the package, or, if the name has a dot, the user's own.

    >>> find("litebert.tasks", "classification", "task").__name__
    'litebert.tasks.classification'

    Raises `UsageError` with the nearest name, or with what is wrong with the user's module.
    """
    if "." in name and all(part.isidentifier() for part in name.split(".")):
        return _own(name, kind)
    if name.replace("_", "-") not in known(package):
        raise UsageError(nearest(name, known(package), kind))
    return import_module(f"{package}.{name.replace('-', '_')}")


def _own(name: str, kind: str) -> ModuleType:
    """A module of the user's, from the working directory or wherever Python finds it."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that a file here never stands in for a library
    try:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _broken(name, kind, error) from error
        path = f"{name.replace('.', '/')}.py"
        raise UsageError(
            f"no {kind} is named {name!r}: a name with a dot is a module of your own, "
            f"here {path} in {here} or on PYTHONPATH, and there is none"
        ) from None
    except Exception as error:  # whatever the user's own code raises
        raise _broken(name, kind, error) from error


def _broken(name: str, kind: str, error: Exception) -> UsageError:
    return UsageError(f"the {kind} {name!r} cannot be imported: {type(error).__name__}: {error}")
