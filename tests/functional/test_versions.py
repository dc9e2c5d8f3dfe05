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

"""glance-apis with other versions of this package, and without it, at once.

Hosts are upgraded one after the other, and sometimes downgraded. All of them
share a database, a Ceph and memcached, so each sees what the others write.
"""

from __future__ import annotations

import pathlib
import shutil
import time
from typing import Any

import requests

from allinone.daemons import glance
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import http_upload
from tests.functional import services
from tests.functional import test_one_line

MiB = base.MiB

#: What a release to come changes in wire.py, by a name for it. One has a field
#: more. The other calls a field otherwise, and says by the version that who
#: does not know it does not understand its records.
TO_COME = {
    'next': [
        ('    skew: float =', "    colour: str = 'blue'\n    skew: float =")],
    'later': [
        ('VERSION = 1\n', 'VERSION = 2\n'),
        ("            del fields[name]\n        for name in _RARE:",
         "            del fields[name]\n"
         "        fields['bytes_done'] = fields.pop('bytes_written')\n"
         '        for name in _RARE:'),
        ('        known = {f.name',
         "        fields['bytes_written'] = fields.pop('bytes_done', None)\n"
         '        known = {f.name')],
}

#: As the first version of this package wrote them.
FIRST = (
    '{"version":1,"image_id":"%s","store":"ceph","state":"uploading",'
    '"bytes_written":8388608,"total_bytes":16777216,"started_at":%f,'
    '"updated_at":%f,"sequence":1795600000250000000,'
    '"request_id":"req-0d0f1a53-7b0c-4c0f-9b0e-2f8f9f0d5f11",'
    '"host":"control1","failure":null,"rate":4194304.0,"left_in":null}')


class Host(glance.GlanceApi):
    """Runs a glance-api with a release to come, or with none of ours."""

    package: pathlib.Path | None = None

    def prepare(self) -> None:
        self.directory.mkdir()
        self._tables_made.touch()  # by the first one
        super().prepare()

    def environment(self) -> dict[str, str]:
        found = super().environment()
        if self.package is not None:
            found['PYTHONPATH'] = str(self.package)
        return found


def package(name: str) -> pathlib.Path:
    """Return where a release to come can be imported from."""
    directory = services.directory() / ('release-' + name)
    shutil.copytree(services.PROJECT / 'glance_progress',
                    directory / 'glance_progress',
                    ignore=shutil.ignore_patterns('__pycache__'))
    module = directory / 'glance_progress' / 'records' / 'wire.py'
    source = module.read_text()
    for old, new in TO_COME[name]:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    module.write_text(source)
    return directory


class VersionsTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-versions', stores=test_one_line.STOCK)

    def host(self, name: str) -> glance.GlanceBase:
        """Return a glance-api beside that of this class; stock is of none."""
        host = api_base.make(
            'glance-versions-' + name, kind=Host, stores=test_one_line.STOCK)
        host.database = self.api.database
        if name in TO_COME:
            host.package = package(name)
        else:
            host.router = None
        host.__enter__()
        self.addCleanup(shutil.rmtree, host.directory)
        if host.package:
            self.addCleanup(shutil.rmtree, host.package)
        self.addCleanup(host.stop)
        return host

    def half(
        self, writer: glance.GlanceBase, image_id: str
    ) -> http_upload.Upload:
        """Send half of an image of 4 MiB."""
        upload = http_upload.Upload(
            writer.port, image_id, api_base.OWNER, 4 * MiB)
        self.addCleanup(upload.abandon)
        upload.send(bytes(2 * MiB))
        return upload

    def at(self, host: glance.GlanceBase, image_id: str) -> dict[str, Any]:
        """Return what one of the hosts says of an image."""
        answer = requests.get(
            f'{host.url}/v2/images/{image_id}/progress',
            headers=api_base.OWNER, timeout=60)
        self.assertEqual(200, answer.status_code, answer.text)
        listed = requests.get(
            f'{host.url}/v2/info/progress?limit=1000',
            headers=api_base.OWNER, timeout=60)
        self.assertEqual(200, listed.status_code, listed.text)
        return answer.json()

    def wait_half(self, host: glance.GlanceBase, image_id: str) -> None:
        self.wait_for(lambda: self.at(host, image_id)['percent'] == 50)

    def finish(self, upload: http_upload.Upload, image_id: str,
               *hosts: glance.GlanceBase) -> None:
        """Send the other half, of which all hosts say that it is there."""
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())
        self.assertEqual(bytes(4 * MiB), self.rbd_content(image_id))
        for host in hosts:
            self.wait_for(lambda: self.at(host, image_id)['phase'] == 'done')
            self.assertEqual(100, self.at(host, image_id)['percent'])

    def check_unknown(self, host: glance.GlanceBase, image_id: str) -> None:
        """A host does not understand, and says no more than Glance knows."""
        answer = self.at(host, image_id)
        self.assertEqual('saving', answer['status'])
        self.assertEqual('upload', answer['phase'])
        for name in ('percent', 'bytes_per_second', 'eta', 'failure'):
            self.assertIsNone(answer.get(name), name)

    def test_a_field_more(self) -> None:
        to_come = self.host('next')
        for writer, reader in ((self.api, to_come), (to_come, self.api)):
            image_id = self.create()
            upload = self.half(writer, image_id)
            self.wait_half(writer, image_id)
            self.wait_half(reader, image_id)
            self.finish(upload, image_id, writer, reader)

    def test_another_format(self) -> None:
        to_come = self.host('later')
        for writer, reader in ((self.api, to_come), (to_come, self.api)):
            image_id = self.create()
            upload = self.half(writer, image_id)
            self.wait_half(writer, image_id)
            self.check_unknown(reader, image_id)
            self.finish(upload, image_id, writer, reader)

    def test_to_another_format_and_back(self) -> None:
        """The same image is tried again by hosts of both versions."""
        to_come = self.host('later')
        image_id = self.create()
        for writer in (self.api, to_come, self.api, to_come):
            upload = self.half(writer, image_id)
            self.wait_half(writer, image_id)
            upload.abandon()
            self.wait_for(lambda: self.client.images.get(
                image_id).status == 'queued')
        upload = self.half(self.api, image_id)
        self.wait_half(self.api, image_id)
        self.finish(upload, image_id, self.api, to_come)

    def test_without_us(self) -> None:
        """A host that is yet to be upgraded, or was downgraded to nothing."""
        stock = self.host('stock')
        image_id = self.create()
        upload = self.half(stock, image_id)
        self.wait_for(lambda: self.client.images.get(
            image_id).status == 'saving')
        self.check_unknown(self.api, image_id)
        self.finish(upload, image_id, self.api)
        # What has failed with us is taken there, and shown by us.
        image_id = self.create()
        upload = self.half(self.api, image_id)
        self.wait_half(self.api, image_id)
        upload.abandon()
        self.wait_progress(image_id, phase='failed')
        self.finish(self.half(stock, image_id), image_id, self.api)

    def test_record_of_the_first_version(self) -> None:
        image_id = self.create()
        upload = self.half(self.host('stock'), image_id)
        self.wait_for(lambda: self.client.images.get(
            image_id).status == 'saving')
        now = time.time()
        self.memcached().set(
            wire.key(image_id, 'ceph'), FIRST % (image_id, now - 2, now))
        answer = self.at(self.api, image_id)
        self.assertEqual(50, answer['percent'])
        self.assertEqual('upload', answer['phase'])
        self.finish(upload, image_id, self.api)
