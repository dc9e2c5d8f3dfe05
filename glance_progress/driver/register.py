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

"""Has the stores that Glance has made tell how far they are.

glance_store keeps a register of stores, in which an entry says which driver
serves a store. Most drivers, RBD's too, are made anew for every lookup, of the
type that the entry says, not the configuration. So a store stays of type
``rbd`` for whoever reads the configuration, and is served by our driver.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Any

from glance_store import location
from oslo_config import cfg
from oslo_log import log as logging
from stevedore import driver

from glance_progress.driver import options
from glance_progress.driver import staging
from glance_progress.driver import store_type
from glance_progress.records import store_names
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

_lock = threading.Lock()
_installed: set[Callable[[cfg.ConfigOpts], None]] = set()
_fault = warning.Hourly(LOG)


def install(conf: cfg.ConfigOpts) -> None:
    """Have stores of type ``rbd``, and the staging area, tell their progress.

    It is done once in a process, by the first request, since under eventlet
    Glance makes its stores after its router. A store that cannot be had as
    ours stays as it is, and the next request tries again.
    """
    if len(_installed) == len(_PARTS):
        return
    with _lock:
        for part in _PARTS:
            if part in _installed:
                continue
            try:
                part(conf)
                _installed.add(part)
            except Exception as exc:
                _fault.say('Uploads go on without progress.', exc=exc)


def reset() -> None:
    """Forget that it was done, for a process whose stores are made anew."""
    global _fault
    with _lock:
        _installed.clear()
        _fault = warning.Hourly(LOG)


def shows_progress(conf: cfg.ConfigOpts) -> bool:
    """Tell whether any store in Ceph shows, or will show, its progress.

    :param conf: loaded, with the options of glance_store
    """
    return store_type.OURS in _kinds(conf).values() or bool(_metered(conf))


def _kinds(conf: cfg.ConfigOpts) -> dict[str, str]:
    """Return the type of each store, by its name."""
    backends = getattr(conf, 'enabled_backends', None)
    if backends:
        return dict(backends)
    # Both drivers serve the same scheme. Of who names both, nothing is sure.
    stores = conf.glance_store.stores or ()
    return {store_names.UNNAMED: kind
            for kind in (store_type.STOCK, store_type.OURS) if kind in stores}


def _metered(conf: cfg.ConfigOpts) -> list[str]:
    """Return the names of the stores of type ``rbd`` that become ours."""
    stock = section.of(conf, options.OPTS).stock_stores
    return [name for name, kind in _kinds(conf).items()
            if kind == store_type.STOCK and name not in stock]


def _rbd_stores(conf: cfg.ConfigOpts) -> None:
    for name in _metered(conf):
        if conf.enabled_backends:
            known = location.SCHEME_TO_CLS_BACKEND_MAP.get(
                store_type.STOCK, {})
            if name in known:
                location.register_scheme_backend_map({store_type.STOCK: {
                    name: _ours(known[name], conf, name)}})
        elif store_type.STOCK in location.SCHEME_TO_CLS_MAP:
            entry = location.SCHEME_TO_CLS_MAP[store_type.STOCK]
            location.register_scheme_map(
                {store_type.STOCK: _ours(entry, conf)})


def _ours(
    entry: dict[str, Any], conf: cfg.ConfigOpts, *backend: str
) -> dict[str, Any]:
    """Return what the register is to say of a store in place of *entry*.

    The store that Glance has made stays there: it says where it is, and Ceph
    may be away by now, for which no request shall wait. The driver is found
    as glance_store will find it, and its options are read once before, so
    that no lookup meets what keeps it from being made.
    """
    driver.DriverManager(
        'glance_store.drivers', store_type.OURS
    ).driver(conf, *backend).configure_progress()
    return {**entry, 'store_entry': store_type.OURS}


_PARTS = (staging.replace, _rbd_stores)
