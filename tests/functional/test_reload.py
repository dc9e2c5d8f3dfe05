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

"""A glance-api that reads its files again takes what they say of us."""

from __future__ import annotations

from collections.abc import Callable
import pathlib
import signal

import psutil

from allinone.daemons import glance
import allinone.daemons.memcached
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB


class ReloadTests:
    """What holds for each way to run glance-api."""

    #: Whether a worker is replaced only when it has ended its requests.
    waits_for_uploads: bool

    #: Of both kinds: the router has the second metered, the first meters.
    STORES = {name: api_base.STORES[name] for name in ('third', 'ceph')}

    def workers(self) -> set[int]:
        """Return the processes that answer requests."""
        children = psutil.Process(self.api.pid).children()
        return {child.pid for child in children}

    def signal_reload(self) -> None:
        """Have the service read its files again."""
        raise NotImplementedError

    def reload(
        self, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Have new workers.

        :param meanwhile: ends what the old ones have begun
        """
        before = self.workers()
        self.api.write_files()
        self.signal_reload()
        if self.waits_for_uploads:
            meanwhile()
        self.wait_for(lambda: self.workers() - before)
        self.wait_for(self.api.ready)
        if not self.waits_for_uploads:
            meanwhile()

    def reload_with(
        self, meanwhile: Callable[[], None], **values: object
    ) -> None:
        """Have new workers with other values of ours, until the test ends."""
        section = self.api.options['glance_progress']
        before = dict(section)
        section.update(values)

        def restore() -> None:
            section.clear()
            section.update(before)
            self.reload()

        self.addCleanup(restore)
        self.reload(meanwhile)

    def new_memcached(self) -> allinone.daemons.memcached.Memcached:
        server = allinone.daemons.memcached.Memcached(
            services.directory(), name='memcached-' + self.id()[-20:])
        self.addCleanup(server.stop)
        server.start()
        server.wait_ready()
        return server

    def kept_in(
        self, server: allinone.daemons.memcached.Memcached, image_id: str,
        store: str,
    ) -> wire.Record | None:
        return self.record(self.conf(server.address), image_id, store)

    def test_other_memcached_and_a_store_more(self) -> None:
        content = base.data(4 * MiB)
        begun = self.create()
        upload = self.upload(begun, len(content))
        upload.send(content[:2 * MiB])
        self.wait_store(begun, 'third', bytes_written=2 * MiB)

        def end() -> None:
            upload.send(content[2 * MiB:])
            self.assertEqual(204, upload.end())

        server = self.new_memcached()
        self.api.stores = {
            **self.api.stores, 'second': api_base.STORES['second']}
        self.reload_with(end, memcached_servers=server.address)
        for store in ('third', 'ceph', 'second'):
            image_id = self.put(content, **{'x-image-meta-store': store})
            self.wait_for(lambda: (
                record := self.kept_in(server, image_id, store)) and (
                    record.state == wire.FINISHED))
            self.wait_store(image_id, store, state=wire.FINISHED)
            self.assertIsNone(
                self.kept_in(services.memcached(), image_id, store))
        # What was under way has come to its end where it was begun.
        self.assertEqual(content, self.rbd_content(begun, pool='third'))
        self.wait_for(lambda: self.kept_in(
            services.memcached(), begun, 'third').state == wire.FINISHED)

    def test_wrong_value(self) -> None:
        """It ends no upload, and is said, as at a start."""
        content = base.data(4 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        upload.send(content[:2 * MiB])
        self.wait_store(image_id, 'third', bytes_written=2 * MiB)
        self.addCleanup(self.api.restart)
        self.addCleanup(
            self.api.options['glance_progress'].update, update_interval=0.1)
        self.api.options['glance_progress']['update_interval'] = 'soon'
        self.api.write_files()
        self.signal_reload()
        if not self.waits_for_uploads:
            self.wait_for(self.is_said)
        upload.send(content[2 * MiB:])
        self.assertEqual(204, upload.end())
        self.assertEqual(content, self.rbd_content(image_id, pool='third'))
        self.wait_for(self.is_said)

    def is_said(self) -> bool:
        log = self.api.log_path.read_text()
        return 'update_interval' in log and 'soon' in log


class EventletTest(ReloadTests, api_base.ApiTestCase):
    """SIGHUP, which Glance's script takes for that."""

    waits_for_uploads = False

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-reload-eventlet', kind=glance.EventletGlanceApi,
            workers=1, venv=services.released_venv('2025.2'),
            stores=cls.STORES)

    def signal_reload(self) -> None:
        self.api.send_signal(signal.SIGHUP)


class UwsgiTest(ReloadTests, api_base.ApiTestCase):
    """A file that uwsgi watches, since it has no signal for workers alone."""

    waits_for_uploads = True

    touched: pathlib.Path

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        cls.touched = services.directory() / 'reload-touched'
        cls.touched.touch()
        return api_base.make(
            'glance-reload', stores=cls.STORES,
            uwsgi_args=('--touch-workers-reload', str(cls.touched)))

    def signal_reload(self) -> None:
        self.touched.touch()
