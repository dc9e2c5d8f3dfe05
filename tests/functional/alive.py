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

"""Routers that tell what is still there of the requests they have had.

Ours and Glance's, each with a route more, in a process without a garbage
collector: what is held, if only by itself in a cycle, stays.
"""

from __future__ import annotations

import collections
import functools
import gc
from typing import Any
import weakref

from glance.api.v2 import router as stock_router
from glance.async_.flows import api_image_import
from glance.common import wsgi
import glance_store

from glance_progress.api import router
from glance_progress.driver import background
from glance_progress.driver import meter
from glance_progress.driver import pipeline
from glance_progress.driver import upload

gc.disable()

_noted: dict[str, list[weakref.ref[Any]]] = collections.defaultdict(list)


def _note(kind: str, thing: Any) -> None:
    if thing is not None and all(
            each() is not thing for each in _noted[kind]):
        _noted[kind].append(weakref.ref(thing))


def _watch(owner: Any, function: str, *kinds: str | None) -> None:
    """Note what a function is called with.

    :param owner: a class or a module
    :param kinds: of what the arguments are, those not to be noted None
    """
    watched = getattr(owner, function)
    names = watched.__code__.co_varnames

    @functools.wraps(watched)
    def noting(*args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(names, args)), **kwargs}
        for name, kind in zip(names, kinds):
            if kind is not None:
                _note(kind, given.get(name))
        del given
        return watched(*args, **kwargs)

    setattr(owner, function, noting)


# What Glance makes of its own, with any driver.
for _module in glance_store, glance_store.multi_backend:
    _watch(_module, 'store_add_to_backend_with_multihash',
           None, 'data', None, None, None, 'context')
_watch(api_image_import._ImportActions, '__init__', 'action')

# What is ours.
_watch(upload.Upload, '__init__', 'upload')
_watch(meter.Meter, '__init__', 'meter')
_watch(pipeline.Pipeline, '__init__', 'pipeline')
_watch(background.Writes, '__init__', 'writes')
_watch(background.Hasher, '__init__', 'hasher')


class _Controller:

    def index(self, req: Any) -> dict[str, list[int]]:
        """Return how many of each kind are there, and how many were made."""
        if 'collect' in req.params:
            gc.collect()
        return {kind: [sum(each() is not None for each in noted), len(noted)]
                for kind, noted in _noted.items()}


def _connect(mapper: Any) -> None:
    mapper.connect('/alive', controller=wsgi.Resource(_Controller()),
                   action='index', conditions={'method': ['GET']})


class API(router.API):

    def __init__(self, mapper: Any) -> None:
        _connect(mapper)
        super().__init__(mapper)


class StockAPI(stock_router.API):

    def __init__(self, mapper: Any) -> None:
        _connect(mapper)
        super().__init__(mapper)
