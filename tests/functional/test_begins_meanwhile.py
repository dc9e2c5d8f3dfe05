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
"""What an answer shows when an upload begins while it is made.

No service can be had to do that at the right moment, so what is read from
Glance and memcached is made up here.
"""

from __future__ import annotations

import dataclasses
import types
from typing import Any

from glance_progress.answer import database
from glance_progress.answer import recent
from glance_progress.api import progress
from tests.unit import base


class BeginsMeanwhileTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.status = 'queued'
        self.reads = 0
        self.record: Any = None
        self.begins_after: int | None = None
        self.controller = progress.Controller.__new__(progress.Controller)
        self.controller._recent = recent.Recent()
        self.controller.show = self.show
        self.controller._shown = lambda req, image, records: image.status
        for name, value in (
                ('transit.image_of', lambda image: image),
                ('locks.locked', lambda images: images),
                ('_records', self.records)):
            self.patch('glance_progress.api.progress.' + name, value)

    def show(self, req: Any, image_id: str) -> database.Image:
        self.reads += 1
        image = database.Image(image_id, None, 'demo', self.status, None)
        if self.reads == self.begins_after:
            self.begin()
        return image

    def begin(self) -> None:
        self.status = 'saving'
        self.record = base.a_record()

    def records(self, page: Any) -> dict[str, Any]:
        found = {}
        if self.record is not None:
            found['ceph'] = dataclasses.replace(
                self.record, updated_at=progress.time.time())
        return {base.IMAGE: found}

    def ask(self) -> Any:
        return self.controller.show_progress(
            types.SimpleNamespace(context=types.SimpleNamespace(
                is_admin=False, to_policy_values=lambda: {})), base.IMAGE)

    def test_shown_as_it_is_then(self) -> None:
        self.begins_after = 1
        self.assertEqual('saving', self.ask())
        self.assertEqual(2, self.reads)

    def test_read_once_else(self) -> None:
        self.assertEqual('queued', self.ask())
        self.assertEqual(1, self.reads)
        self.begin()
        self.assertEqual('saving', self.ask())
        before = self.reads
        self.assertEqual('saving', self.ask())
        self.assertEqual(before, self.reads)
