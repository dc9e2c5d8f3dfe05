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

"""Does to locations what glance_store offers, in a process of its own.

Reads lines of JSON, [function, URI, store], and prints for each what came of
it. The stores are those of the configuration, as Glance loads them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from typing import Any

import glance_store
from oslo_config import cfg


def load(conf_file: str) -> None:
    conf = cfg.CONF
    conf.register_opt(cfg.DictOpt('enabled_backends'))
    conf(args=[], default_config_files=[conf_file])
    if conf.enabled_backends:
        glance_store.register_store_opts(conf)
        glance_store.create_multi_stores(conf)
        glance_store.verify_store()
    else:
        glance_store.register_opts(conf)
        glance_store.create_stores(conf)
        glance_store.verify_default_store()


def get(uri: str, store: str | None) -> Any:
    data, size = (
        glance_store.get(uri, store) if cfg.CONF.enabled_backends
        else glance_store.get_from_backend(uri))
    return hashlib.sha256(b''.join(data)).hexdigest(), size


def get_size(uri: str, store: str | None) -> Any:
    return (
        glance_store.get_size_from_uri_and_backend(uri, store)
        if cfg.CONF.enabled_backends
        else glance_store.get_size_from_backend(uri))


def delete(uri: str, store: str | None) -> Any:
    return (
        glance_store.delete(uri, store) if cfg.CONF.enabled_backends
        else glance_store.delete_from_backend(uri))


def main(conf_file: str) -> None:
    logging.disable()
    load(conf_file)
    for line in sys.stdin:
        function, *args = json.loads(line)
        try:
            outcome = globals()[function](*args)
        except Exception as exc:
            outcome = [type(exc).__name__, str(exc)]
        print(json.dumps(outcome), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
