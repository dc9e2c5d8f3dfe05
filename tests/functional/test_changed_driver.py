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

"""An add() of glance_store that has changed is used as it is."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
import inspect
import io
from typing import Any
from unittest import mock

from glance_store._drivers import rbd as stock
import testscenarios

from glance_progress.driver import pipeline
from glance_progress.records import wire
from tests.functional import base
from tests.functional import services

#: Of the installed source: what is replaced by what works as well.
CHANGES = {
    'write': (('image.write(', 'getattr(image, "write")('),),
    'hash objects': (('utils.get_hasher(', 'vars(utils)["get_hasher"]('),),
    'image': (('rbd.Image(', 'vars(rbd)["Image"]('),),
    'another function': (
        ('def add(self, image_id', 'def add(self, *args, **kwargs):\n'
         '        return self._changed(*args, **kwargs)\n\n'
         '    def _changed(self, image_id'),),
}


def changed(*replaced: tuple[str, str]) -> dict[str, Callable[..., Any]]:
    """Return what a changed source of the stock driver has for an add()."""
    source = inspect.getsource(stock.Store)
    for before, after in replaced:
        if before not in source:
            raise AssertionError(before)
        source = source.replace(before, after)
    defined: dict[str, Any] = {}
    exec(compile(source, 'changed', 'exec'), vars(stock), defined)
    return {name: function for name, function
            in vars(defined['Store']).items() if name in ('add', '_changed')}


class ChangedDriverTest(testscenarios.WithScenarios, base.TestCase):

    scenarios = [(name, {'change': change})
                 for name, change in CHANGES.items()]

    def test_upload(self) -> None:
        content = base.data(2 * base.MiB + 1)
        conf = self.conf(services.memcached().address, writes_in_flight=4)
        image_id = self.image_id()
        self.assertTrue(pipeline.possible())
        for name, function in changed(*self.change).items():
            patcher = mock.patch.object(
                stock.Store, name, function, create=True)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.assertFalse(pipeline.possible())
        _, size, md5, sha512, _ = self.store(conf).add(
            image_id, io.BytesIO(content), len(content), 'sha512')
        self.assertEqual(
            (len(content), hashlib.md5(content).hexdigest(),
             hashlib.sha512(content).hexdigest()), (size, md5, sha512))
        self.assertEqual(content, self.rbd_content(image_id))
        self.wait_for(lambda: self.record(conf, image_id) is not None
                      and self.record(conf, image_id).state == wire.FINISHED)
