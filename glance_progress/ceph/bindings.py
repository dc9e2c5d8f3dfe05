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

"""Whether Ceph's bindings for Python can be used here."""

from __future__ import annotations

import importlib


def missing() -> str | None:
    """Return what keeps rados or rbd from being imported; None if nothing."""
    for name in 'rados', 'rbd':
        try:
            importlib.import_module(name)
        except ImportError as exc:
            return 'python3-%s cannot be imported: %s' % (name, exc)
    return None
