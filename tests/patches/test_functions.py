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


"""What patched functions do, in each series.

The functions are taken out of the files and run alone: nothing imports the
older releases any more. Those that environments can be made for are tested
whole, in tests/nova and by their own tests.
"""

import __future__

import ast
import io
import os
import stat
import types
from unittest import mock

import fixtures

from patches.patching import series
from tests.patches import base

DATA = b'what is uploaded'


class Refused(Exception):
    pass


class Unacceptable(Exception):

    def __init__(self, image_id, reason):
        super().__init__(reason)


class Volume(io.RawIOBase):
    """A volume in Ceph as os-brick opens it, whose seek() returns nothing."""

    def __init__(self):
        super().__init__()
        self.position = 0

    def seek(self, offset, whence=0):
        self.position = offset + (len(DATA) if whence == 2 else 0)

    def tell(self):
        return self.position

    def read(self, size=-1):
        read = DATA[self.position:]
        self.position = len(DATA)
        return read


class Client:
    """Stands for the wrapper around glanceclient, and keeps what it takes."""

    def __init__(self):
        self.told = self.data = None

    def call(self, context, *words, args=(), kwargs=None, **more):
        # Cinder hands arguments over as they are, Nova as args and kwargs.
        if 'upload' in words:
            data = args[1] if args else words[-1]
            self.data = data.read() if data else None
            self.told = dict(kwargs or {}, **more).get('image_size')


class FunctionTest(base.TestCase):

    def patched(self, project, slug):
        """Return what is patched with *slug*, by its version."""
        found = [path.parent for path in
                 sorted(series.PATCHES.glob('%s/*/*-%s.patch' % (
                     project, slug)))]
        self.assertNotEqual([], found)
        roots = {}
        for directory in found:
            version = series.versions(directory)[0]
            roots[version] = self.unpack(project, version)
            self.assertEqual(0, self.tool(roots[version], 'apply'))
        return roots.items()

    def functions(self, path, *names, **namespace):
        """Return functions of a file, with *namespace* around them."""
        nodes = [node for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.FunctionDef) and node.name in names]
        self.assertEqual(sorted(names), sorted(node.name for node in nodes))
        module = ast.Module(nodes, type_ignores=[])
        code = compile(module, str(path), 'exec', dont_inherit=True,
                       flags=__future__.annotations.compiler_flag)
        exec(code, namespace)
        return [namespace[name] for name in names]

    def file(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(path, 'wb') as file:
            file.write(DATA)
        opened = open(path, 'rb')
        self.addCleanup(opened.close)
        return opened

    def check_size(self, told, upload, data):
        client = Client()
        upload(client, data)
        self.assertEqual((told, DATA), (client.told, client.data))

    def test_size_of_snapshot(self):
        for version, root in self.patched(
                'nova', 'snapshot-upload-tells-size'):
            with self.subTest(version):
                self.check_size_of_snapshot(root)

    def check_size_of_snapshot(self, root):
        upload_data, _ = self.functions(
            root / 'nova/image/glance.py', '_upload_data', '_sized',
            os=os, stat=stat, utils=types.SimpleNamespace(
                tpool_execute=lambda f, *args, **named: f(*args, **named),
                tpool_wrap=lambda f: f))

        def upload(client, data):
            upload_data(types.SimpleNamespace(_client=client), None,
                        'image', data)

        self.check_size(len(DATA), upload, self.file())
        self.check_size(None, upload, io.BytesIO(DATA))
        self.check_size(None, upload, Volume())
        client = Client()
        upload(client, '')  # as for a server that boots from a volume
        self.assertIsNone(client.told)

    def test_size_of_volume(self):
        for version, root in self.patched(
                'cinder', 'volume-upload-tells-size'):
            with self.subTest(version):
                self.check_size_of_volume(root)

    def check_size_of_volume(self, root):
        update, _ = self.functions(
            root / 'cinder/image/glance.py', 'update', '_size_of')

        def upload(client, data):
            service = mock.Mock(_client=client)
            service._translate_to_glance.return_value = {}
            update(service, None, 'image', {}, data, store_id='ceph')

        self.check_size(len(DATA), upload, self.file())
        self.check_size(len(DATA), upload, Volume())
        self.check_size(len(DATA), upload, io.BytesIO(DATA))
        self.check_size(None, upload, types.SimpleNamespace(
            read=lambda: DATA))
        pipe = mock.Mock(read=lambda: DATA)
        pipe.tell.side_effect = OSError('Illegal seek')
        self.check_size(None, upload, pipe)

    def test_refused_location(self):
        for version, root in self.patched(
                'nova', 'refused-location-falls-back'):
            with self.subTest(version):
                self.check_refused_location(root)

    def check_refused_location(self, root):
        errors = {name: type(name, (Refused,), {}) for name in (
            'HTTPBadRequest', 'HTTPForbidden', 'HTTPConflict',
            'HTTPUnauthorized', 'HTTPNotImplemented')}
        add_location, = self.functions(
            root / 'nova/image/glance.py', '_add_location',
            glanceclient=mock.Mock(exc=mock.Mock(**errors)),
            exception=mock.Mock(ImageUnacceptable=Unacceptable),
            six=mock.Mock(text_type=str), LOG=mock.Mock())
        service = mock.Mock()
        for name, error in errors.items():
            service._client.call.side_effect = error('Glance says no')
            falls_back = name in (
                'HTTPBadRequest', 'HTTPForbidden', 'HTTPConflict')
            raised = self.assertRaises(
                Unacceptable if falls_back else error,
                add_location, service, None, 'image', 'rbd://a/b/c/snap')
            self.assertEqual('Glance says no', str(raised))
        service._client.call.side_effect = None
        add_location(service, None, 'image', 'rbd://a/b/c/snap')
