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


"""Nothing of ours harms a user's action, or what others have written."""

# Before anything else of nova or oslo.
from tests.nova import base

import os
from unittest import mock

import fixtures
from nova import conf
from nova import exception
from nova.tests.functional.api import client
from oslo_config import cfg
from oslo_db import exception as db_exception

from nova_snapshot_fix import api
from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import database
from nova_snapshot_fix import opts
from nova_snapshot_fix import plan
from nova_snapshot_fix import remembered
from nova_snapshot_fix import repair
from nova_snapshot_fix import request_spec


class FaultTest(base.TestCase):

    def without_key(self):
        server = self.create_server(base.A)
        self.change_metadata(server, **{base.KEY: None})
        return server

    def before_the_first_change(self, action):
        """Patch so that *action* comes in between our read and our write."""
        change = database.change
        todo = [action]

        def wrapper(*args):
            if todo:
                todo.pop()()
            return change(*args)

        return mock.patch.object(database, 'change', wrapper)

    def test_faults_of_ours(self):
        server = self.without_key()
        self.addCleanup(setattr, api, '_logged_failure', False)
        with mock.patch.object(api.LOG, 'exception', autospec=True) as log:
            with mock.patch.object(repair, 'repair', autospec=True,
                                   side_effect=RuntimeError('ours')):
                self.snapshot(server)
                self.act(server, 'rebuild', {'imageRef': base.B})
            self.assertEqual(base.B, self.instance(server).image_ref)
            with mock.patch.object(database, 'change', autospec=True,
                                   side_effect=RuntimeError('ours')):
                self.snapshot(server)
            with mock.patch.object(remembered, 'pack', autospec=True,
                                   side_effect=RuntimeError('ours')):
                self.act(server, 'rebuild', {'imageRef': base.A})
            with mock.patch.object(plan, 'origin', autospec=True,
                                   side_effect=RuntimeError('ours')):
                self.act(server, 'rebuild', {'imageRef': base.B})
            self.assertEqual(base.B, self.instance(server).image_ref)
        log.assert_called_once()

    def test_deleted_meanwhile(self):
        """That is no fault of ours, and hides none."""
        server = self.create_server(base.A)
        self.addCleanup(setattr, api, '_logged_failure', False)
        gone = exception.InstanceNotFound(instance_id=server)
        with mock.patch.object(api.LOG, 'exception', autospec=True) as log, \
                mock.patch.object(repair, 'repair', autospec=True,
                                  side_effect=gone):
            self.snapshot(server)
        log.assert_not_called()

    def test_not_allowed(self):
        """Glance says so of a token, and of no image that is gone."""
        image_api = mock.Mock()
        for error, answer in (
                (exception.ImageNotAuthorized, rule.Unknown.NO_ANSWER),
                (exception.ImageNotFound, rule.Unknown.GONE)):
            image_api.get.side_effect = error(image_id=base.A)
            self.assertIs(
                answer, repair.look_up(None, image_api, base.A))

    def test_another_worker_is_quicker(self):
        server = self.without_key()

        def other():
            self.change_metadata(server, **{
                base.KEY: base.A, 'password_0': 'x',
                'image_os_distro': 'theirs'})

        with self.before_the_first_change(other):
            properties = self.snapshot(server)['properties']
        self.assertEqual(base.A, properties['base_image_ref'])
        metadata = self.metadata(server)
        self.assertEqual('theirs', metadata['image_os_distro'])
        self.assertEqual('x', metadata['password_0'])

    def test_two_workers(self):
        """The other one does all of an action between our read and write."""
        server = self.without_key()
        images = []
        with self.before_the_first_change(
                lambda: images.append(self.backup(server))):
            self.act(server, 'createImage', {'name': 'ours'})
        ours, = (image for image in self.images.values()
                 if image['name'] == 'ours')
        for image in ours, *images:
            self.assertEqual(base.A, image['properties']['base_image_ref'])
        self.assertEqual(base.A, self.key(server))

        self.change_metadata(server, **{base.KEY: None})
        with self.before_the_first_change(
                lambda: self.act(server, 'rebuild', {'imageRef': base.B})):
            properties = self.snapshot(server)['properties']
        self.assertEqual(base.B, properties['base_image_ref'])
        self.assertEqual(base.B, self.key(server))

    def test_another_rebuild_before_the_request_spec(self):
        server = self.create_server(base.A)
        self.refuse_rebuild(server)
        change_image = request_spec.change_image

        def rebuild_first(*args):
            with mock.patch.object(request_spec, 'change_image', change_image):
                self.act(server, 'rebuild', {'imageRef': base.B})
            change_image(*args)

        with mock.patch.object(request_spec, 'change_image', rebuild_first):
            self.act(server, 'createImage', {'name': 'snapshot'})
        self.assertEqual(base.B, self.request_spec(server).image.id)
        self.assertEqual(base.B, self.instance(server).image_ref)
        self.assertEqual(base.B, self.key(server))

    def test_deadlock(self):
        """The database may end our transaction in favour of another one."""
        server = self.without_key()
        read = remembered.image_and_remembered
        answers = [read, read, db_exception.DBDeadlock()]

        def in_the_transaction(metadata):
            answer = answers.pop(0) if answers else read
            if answer is not read:
                raise answer
            return read(metadata)

        with mock.patch.object(
                remembered, 'image_and_remembered', in_the_transaction):
            properties = self.snapshot(server)['properties']
        self.assertEqual([], answers)
        self.assertEqual(base.A, properties['base_image_ref'])

    def test_others_keys_stay(self):
        """What is not of the image is not even a conflict."""
        server = self.without_key()
        with self.before_the_first_change(
                lambda: self.change_metadata(server, password_0='x')):
            self.snapshot(server)
        metadata = self.metadata(server)
        self.assertEqual(('x', base.A),
                         (metadata['password_0'], metadata[base.KEY]))

    def test_another_action_begins(self):
        server = self.without_key()

        def begin():
            instance = self.instance(server)
            instance.task_state = 'rebooting'
            instance.save()

        with self.before_the_first_change(begin):
            exc = self.assertRaises(
                client.OpenStackApiException, self.act, server,
                'createImage', {'name': 'snapshot'})
        self.assertEqual(409, exc.response.status_code)
        self.assertIsNone(self.key(server))

    def test_evacuate(self):
        server = self.without_key()
        host = self.api.get_server(server)['OS-EXT-SRV-ATTR:host']
        self.api.api_put('/os-services/force-down', {
            'host': host, 'binary': 'nova-compute', 'forced_down': True})
        # What comes of it on the other host is the fake driver's.
        try:
            self.act(server, 'evacuate', {}, wait=False)
        except client.OpenStackApiException as exc:
            self.assertEqual(500, exc.response.status_code)
        self.assertEqual(base.A, self.key(server))

    def test_cost(self):
        """On the rule: no look at Glance, and at most one read more."""
        server = self.create_server(base.A)
        with mock.patch.object(repair, 'look_up', autospec=True) as look_up, \
                mock.patch.object(request_spec, 'get', autospec=True,
                                  return_value=None) as read, \
                mock.patch.object(database, 'change', autospec=True) as change:
            for action in self.snapshot, self.migrate:
                action(server)
                read.assert_called_once()
                read.reset_mock()
            self.act(server, 'rebuild', {'imageRef': base.A})
        look_up.assert_not_called()
        change.assert_not_called()

    def test_factory_twice(self):
        first, second = (
            api.APIRouterV21.factory({}) for _ in range(2))
        for router in first, second:
            replaced = {
                type(controller).__name__
                for controller in router._controllers()
                if type(getattr(controller, 'compute_api', None)) is api.API}
            self.assertLessEqual(
                {'ServersController', 'CreateBackupController',
                 'MigrateServerController', 'EvacuateController',
                 'ShelveController'}, replaced)
        self.assertIsNotNone(conf.CONF[opts.GROUP].base_of_snapshot)

    def test_wrong_option(self):
        """nova-api says so when it starts, and not at each action."""
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'conf')
        with open(path, 'w') as file:
            file.write('[nova_snapshot_fix]\nbase_of_snapshot = orign\n')
        wrong = cfg.ConfigOpts()
        wrong(['--config-file', path], project='nova')
        with mock.patch.object(api, 'CONF', wrong):
            exc = self.assertRaises(
                cfg.ConfigFileValueError, api.APIRouterV21.factory, {})
        self.assertIn('base_of_snapshot', str(exc))
        self.assertIn('orign', str(exc))


class OriginWantedTest(base.TestCase):

    def _setup_services(self):
        opts.register(conf.CONF)
        self.flags(base_of_snapshot='origin', group=opts.GROUP)
        super()._setup_services()

    def test_key_missing(self):
        snapshot = self.snapshot(self.create_server(base.A))['id']
        server = self.create_server(snapshot)
        self.change_metadata(server, **{base.KEY: None})
        self.assertEqual(
            base.A, self.snapshot(server)['properties']['base_image_ref'])
