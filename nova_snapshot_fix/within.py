# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""Puts a function inside the decorators of another one.

Nova's compute API decorates its methods with what must be true of a server
(check_instance_lock, check_instance_state and others). What is to run only if
all of it is true has to stand where the decorated function stands, and Nova
offers no such place.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
import types
from typing import Any


def put(
    decorated: Callable[..., Any], inside: Callable[..., Any]
) -> Callable[..., Any]:
    """Return *decorated* with *inside* in the place of what it decorates.

    Each decorator that has used functools.wraps() is made anew around what is
    inside it: the same code, with another function in its closure. Where one
    is of another make, *inside* stands around it instead.
    """
    innermost = decorated
    decorators: list[Callable[..., Any]] = []
    while (hasattr(innermost, '__wrapped__')
            and _cell(innermost, innermost.__wrapped__) is not None):
        decorators.append(innermost)
        innermost = innermost.__wrapped__
    made: Callable[..., Any] = functools.wraps(innermost)(inside)
    for decorator in reversed(decorators):
        made = _around(decorator, made)
    return made


def _cell(decorator: Any, function: Any) -> int | None:
    """Return which cell of a closure has *function*, None if not one has."""
    found = [number for number, cell in enumerate(
        getattr(decorator, '__closure__', None) or ())
        if cell.cell_contents is function]
    return found[0] if len(found) == 1 else None


def _around(decorator: Any, function: Any) -> Callable[..., Any]:
    closure = list(decorator.__closure__)
    number = _cell(decorator, decorator.__wrapped__)
    assert number is not None
    closure[number] = types.CellType(function)
    made = types.FunctionType(
        decorator.__code__, decorator.__globals__, decorator.__name__,
        decorator.__defaults__, tuple(closure))
    made.__kwdefaults__ = decorator.__kwdefaults__
    functools.update_wrapper(made, decorator)
    made.__wrapped__ = function  # type: ignore[attr-defined]
    return made
