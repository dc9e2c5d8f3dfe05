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

"""Each way in which an upload fails is told, with its reason."""

from __future__ import annotations

import io
import signal
from typing import Any
from unittest import mock

from glance_store import capabilities
import rbd

from glance_progress.driver import failure
from glance_progress.records import wire
from tests.functional import base
from tests.functional import misbehaving
from tests.functional import services


class FailureTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.content = base.data(3 * base.MiB + 5)
        self.read_conf = self.conf(services.memcached().address)

    def refused(
        self, body: Any, size: int, conf: Any = None,
        image_id: str | None = None, **kwargs: Any,
    ) -> wire.Record:
        """Return the last record of an upload that must fail."""
        image_id = image_id or self.image_id()
        store = self.store(conf or self.read_conf)
        try:
            store.add(image_id, body, size, 'sha512', **kwargs)
        except Exception:
            pass
        else:
            raise AssertionError('the upload did not fail')

        def failed() -> wire.Record | None:
            record = self.record(self.read_conf, image_id)
            return record if record and record.state == wire.FAILED else None

        return self.wait_for(failed)

    def test_too_short(self) -> None:
        record = self.refused(io.BytesIO(self.content), len(self.content) + 9)
        self.assertIn('another size', record.failure)
        self.assertEqual(len(self.content), record.bytes_written)
        self.assertLess(record.percent, 100)

    def test_too_long(self) -> None:
        record = self.refused(io.BytesIO(self.content), base.MiB)
        self.assertIn('another size', record.failure)
        self.assertLess(record.percent, 100)

    def test_reader_raises(self) -> None:
        record = self.refused(misbehaving.FailingReader(self.content), 0)
        self.assertEqual(failure.SOURCE, record.failure)
        self.assertIsNone(record.percent)

    def test_verifier_raises(self) -> None:
        record = self.refused(io.BytesIO(self.content), 0,
                              verifier=misbehaving.Verifier(0))
        self.assertEqual(failure.UNKNOWN, record.failure)

    def test_no_space(self) -> None:
        with mock.patch.object(
                rbd, 'Image', misbehaving.failing_writes(
                    rbd.NoSpace, 28, chunk=0)):
            record = self.refused(io.BytesIO(self.content), 0)
        self.assertIn('no room', record.failure)
        self.assertEqual(0, record.bytes_written)

    def test_ceph_does_not_answer(self) -> None:
        self.ceph.osd.send_signal(signal.SIGSTOP)
        self.addCleanup(self.ceph.osd.send_signal, signal.SIGCONT)
        conf = self.conf(services.memcached().address,
                         store={'rados_connect_timeout': 4})
        record = self.refused(io.BytesIO(self.content), 0, conf)
        self.assertIn('did not answer in time', record.failure)

    def test_duplicate(self) -> None:
        image_id = self.image_id()
        self.store(self.read_conf).add(
            image_id, io.BytesIO(b'x'), 1, 'sha512')
        before = self.wait_for(
            lambda: self.record(self.read_conf, image_id))
        record = self.refused(io.BytesIO(b'y'), 1, image_id=image_id)
        self.assertIn('already holds', record.failure)
        self.assertGreater(record.sequence, before.sequence)

    def test_store_that_could_not_be_configured(self) -> None:
        store = self.store(self.read_conf)
        store.unset_capabilities(capabilities.BitMasks.WRITE_ACCESS)
        with mock.patch.object(self, 'store', lambda conf: store):
            record = self.refused(io.BytesIO(b'y'), 1)
        self.assertIn('does not accept', record.failure)
