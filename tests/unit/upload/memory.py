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

"""A cloud in memory, for what stands around it."""

import hashlib

from keystoneauth1 import exceptions

from glance_progress import client


class Cloud:
    """Answers as cloud.Images does.

    :ivar images: by id
    :ivar data: by id
    :ivar faults: method -> what its next calls raise, None for nothing
    :ivar calls: the methods that were called
    :ivar algorithm: of the images' hashes
    :ivar converts_to: the disk format that imports make of all
    :ivar locked: looks at an image for which its import goes on after that;
        the last thing that it does is to save the image as it knows it
    """

    def __init__(self):
        self.images = {}
        self.data = {}
        self.staged = {}
        self.faults = {}
        self.calls = []
        self.algorithm = 'sha512'
        self.converts_to = None
        self.locked = 0
        self.failure = None
        self.import_fails = False
        self.methods = ['glance-direct', 'web-download']
        self.details = None

    def _call(self, name):
        self.calls.append(name)
        if self.faults.get(name):
            fault = self.faults[name].pop(0)
            if fault is not None:
                raise fault

    def add(self, image_id, name, data, **fields):
        self.images[image_id] = {
            'id': image_id, 'name': name, 'status': 'active',
            'disk_format': 'raw', 'owner': 'p',
            'created_at': '2021-02-01T10:52:38Z', **fields}
        self._take(image_id, data)
        return self.images[image_id]

    def _take(self, image_id, data):
        self.data[image_id] = data
        self.images[image_id].update(
            status='active', size=len(data), os_hash_algo=self.algorithm,
            os_hash_value=hashlib.new(self.algorithm, data).hexdigest())

    def named(self, name, owner):
        self._call('named')
        return [dict(each) for each in self.images.values()
                if each['name'] == name]

    def get(self, image_id):
        self._call('get')
        if image_id not in self.images:
            raise exceptions.NotFound()
        image = self.images[image_id]
        if image.get('os_glance_import_task'):
            self.locked -= 1
            if self.locked == 0:
                image.clear()
                image.update(self._imported)
        return dict(image)

    def progress(self, image_id):
        if self.failure is None:
            raise client.NoProgressApi
        return {'last_failure': {'failure': self.failure}}

    def create(self, values):
        if values['id'] in self.images:
            raise exceptions.Conflict()
        self.images[values['id']] = {
            'status': 'queued', 'owner': 'p',
            'created_at': '2026-01-01T00:00:00Z', **values}
        self._call('create')
        return dict(self.images[values['id']])

    def put(self, image_id, body, stores):
        chunks = list(body)
        self._call('put')
        self._take(image_id, b''.join(chunks))

    def stage(self, image_id, body):
        self.staged[image_id] = b''.join(body)
        self._call('stage')

    def import_data(self, image_id, method, stores, all_stores):
        self._call('import_data')
        if self.import_fails:
            return
        self._take(image_id, self.staged.get(image_id, b'from elsewhere'))
        if self.converts_to:
            self._take(image_id, b'converted')
            self.images[image_id]['disk_format'] = self.converts_to
        if self.locked:
            self._imported = dict(self.images[image_id])
            self.images[image_id]['os_glance_import_task'] = 'task'

    def import_methods(self):
        return self.methods

    def change(self, image_id, changes):
        self._call('change')
        for change in changes:
            name = change['path'][1:]
            if change['op'] == 'remove':
                del self.images[image_id][name]
            else:
                self.images[image_id][name] = change['value']

    def delete(self, image_id):
        self._call('delete')
        self.images.pop(image_id, None)

    def store_details(self):
        return self.details
