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

"""An OSD that is gone for good in the middle of an upload, of several.

Ceph goes on with the others. So has the upload to, whatever the connection to
that OSD has not got rid of: librados does not use it again.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from allinone.daemons import ceph
from tests.functional import base
from tests.functional import fault_base
from tests.functional import services

MiB = base.MiB


class OsdGoneTest(fault_base.FaultTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.ceph = ceph.Ceph(services.directory() / 'ceph-of-two', osds=2)
        self.addCleanup(self.ceph.stop)
        self.ceph.start()
        self.ceph.create_pool(services.POOL)
        self.ceph.create_user(services.CEPH_USER, [services.POOL])
        # All writes go to the one that will be gone.
        self.ceph.ceph('osd', 'primary-affinity', '1', '0')
        # And no object map, which would have to be written before.
        with self.ceph.client_conf.open('a') as conf:
            conf.write('[client]\nrbd_default_features = 1\n')

    def test_goes_down_without_a_word(self) -> None:
        gone, chunk, chunks = self.ceph.osd, 8 * MiB, 16
        results: list[tuple[Any, ...]] = []

        def at_read(number: int) -> None:
            if number == 6:
                gone.send_signal(signal.SIGSTOP)
                self.addCleanup(gone.send_signal, signal.SIGCONT)
                self.later(2, lambda: self.ceph.ceph('osd', 'down', '0'))

        image_id = self.image_id()
        store = self.store(self.conf(
            services.memcached().address, chunk_mib=8, writes_in_flight=4))
        source = fault_base.Source(chunks, chunk, at_read)
        # One that hangs would hold up all tests to come.
        upload = threading.Thread(daemon=True, target=lambda: results.append(
            store.add(image_id, source, chunks * chunk, 'sha512')))
        upload.start()
        upload.join(90)
        self.assertEqual(1, len(results), 'the upload has not ended')
        self.assertEqual(source.digest.hexdigest(), results[0][3])
        self.assert_stored(image_id, source.digest.hexdigest())
