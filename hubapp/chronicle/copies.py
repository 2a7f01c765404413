"""Copies of what rules remember: what is never changed is shared, what a rule may change is copied."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")
ATOMS = (str, int, float, bool, bytes, type(None))
_WAYS: dict[type, Callable[[Any], Any]] = {}


def copied(value: T) -> T:
    """Another that changes by itself."""
    kind = type(value)
    if kind not in _WAYS:
        _WAYS[kind] = _way(kind)
    copy_of: Callable[[T], T] = _WAYS[kind]
    return copy_of(value)


def _way(kind: type) -> Callable[[Any], Any]:
    """How one of *kind* is copied."""
    if _is_fixed(kind):
        return _same
    if kind in (list, tuple, set):
        return lambda values: kind([copied(value) for value in values])
    if kind is dict:
        return _of_dict
    if issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        names = [name for name in kind.__struct_fields__ if not _is_fixed(hints[name])]
        return lambda struct: _of_struct(struct, names)
    raise TypeError(f"{kind.__name__} is nothing that a rule remembers")


def _is_fixed(hint: Any) -> bool:
    """Whether a value that *hint* allows is never changed: all of its parts are such."""
    if get_origin(hint) is None:
        return hint in ATOMS or hint is ... or (isinstance(hint, type) and issubclass(hint, msgspec.Struct) and _is_frozen(hint))
    if get_origin(hint) in (Union, UnionType, tuple, frozenset):
        return all(_is_fixed(part) for part in get_args(hint))
    return all(isinstance(part, ATOMS) for part in get_args(hint))  # A Literal.


def _is_frozen(kind: type[msgspec.Struct]) -> bool:
    return kind.__struct_config__.frozen


def _same(value: Any) -> Any:
    return value


def _of_dict(values: dict[Any, Any]) -> dict[Any, Any]:
    return {key: copied(value) for key, value in values.items()}


def _of_struct(struct: msgspec.Struct, names: list[str]) -> msgspec.Struct:
    other = copy(struct)
    for name in names:
        setattr(other, name, copied(getattr(other, name)))
    return other
