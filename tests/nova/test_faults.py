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
from nova import context
from nova import exception
from nova.tests.functional.api import client
from oslo_config import cfg
from oslo_db import exception as db_exception

from nova_snapshot_fix import api
from nova_snapshot_fix import database
from nova_snapshot_fix import heal
from nova_snapshot_fix import known
from nova_snapshot_fix import opts
from nova_snapshot_fix import remembered
from nova_snapshot_fix import request_spec

models = database.models


@database.db.pick_context_manager_writer
def add_rows(ctxt, server, key, *values):
    for value in values:
        ctxt.session.add(models.InstanceSystemMetadata(
            instance_uuid=server, key=key, value=value))


@database.db.pick_context_manager_reader
def rows_of(ctxt, server, key):
    return [row.value for row in ctxt.session.query(
        models.InstanceSystemMetadata).filter_by(
            instance_uuid=server, key=key, deleted=0)]


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
        api._known_faults.clear()
        ours = RuntimeError('ours')
        with mock.patch.object(api.LOG, 'error', autospec=True) as log:
            with mock.patch.object(
                    heal, 'heal', autospec=True, side_effect=ours):
                self.snapshot(server)
                self.act(server, 'rebuild', {'imageRef': base.B})
            self.assertEqual(base.B, self.instance(server).image_ref)
            self.change_metadata(server, **{base.KEY: None})
            with mock.patch.object(
                    database, 'change', autospec=True, side_effect=ours):
                self.snapshot(server)
            with mock.patch.object(
                    remembered, 'pack', autospec=True, side_effect=ours):
                self.act(server, 'rebuild', {'imageRef': base.A})
            with mock.patch.object(
                    api.API, '_with_base', autospec=True, side_effect=ours):
                self.act(server, 'rebuild', {'imageRef': base.B})
            self.assertEqual(base.B, self.instance(server).image_ref)
        self.assertEqual(5, log.call_count)
        for call in log.call_args_list[:4]:
            self.assertEqual(server, call[1]['instance'].uuid)

    def test_faults_are_said(self):
        """Each one, of each server, and each kind once with a traceback."""
        first, second = self.without_key(), self.without_key()
        api._known_faults.clear()
        with mock.patch.object(api.LOG, 'error', autospec=True) as log:
            for error in RuntimeError('ours'), OSError('theirs'):
                with mock.patch.object(
                        heal, 'heal', autospec=True, side_effect=error):
                    self.snapshot(first)
                    self.snapshot(second)
        self.assertEqual(
            [(first, True), (second, False)] * 2,
            [(call[1]['instance'].uuid, call[1]['exc_info'] is not None)
             for call in log.call_args_list])

    def test_deleted_meanwhile(self):
        """That is no fault of ours, and hides none."""
        server = self.without_key()
        gone = exception.InstanceNotFound(instance_id=server)
        with mock.patch.object(api.LOG, 'error', autospec=True) as log, \
                mock.patch.object(heal, 'heal', autospec=True,
                                  side_effect=gone):
            self.snapshot(server)
        log.assert_not_called()

    def test_not_seen(self):
        """Glance says so of a token, and of an image that is not there."""
        ask = api._Ask(None, mock.Mock())
        get = ask._api.image_api.get
        for error, answer in (
                (exception.ImageNotAuthorized, known.Unknown.NO_ANSWER),
                (exception.ImageNotFound, known.Unknown.NOT_SEEN)):
            get.side_effect = error(image_id=base.A)
            self.assertIs(answer, ask.image(base.A))

    def test_refused_by_nova(self):
        """What Nova answers with 409 writes nothing."""
        server = self.without_key()
        self.act(server, 'lock')
        user = self.api_fixture.api
        user.microversion = self.microversion
        for action, body in (
                ('shelve', None), ('resize', {'flavorRef': '2'}),
                ('rebuild', {'imageRef': base.B}),
                ('reboot', {'type': 'HARD'}), ('rescue', {}),
                ('os-stop', None)):
            exc = self.assertRaises(
                client.OpenStackApiException, user.post_server_action,
                server, {action: body})
            self.assertEqual(409, exc.response.status_code, action)
        self.act(server, 'unlock')
        self.act(server, 'os-resetState', {'state': 'error'})
        for action, body in (
                ('createImage', {'name': 'snapshot'}),
                ('createBackup', {'name': 'snapshot', 'rotation': 1,
                                  'backup_type': 'daily'}),
                ('os-start', None), ('resume', None), ('unshelve', None),
                ('migrate', None)):
            exc = self.assertRaises(
                client.OpenStackApiException, self.act, server, action, body)
            self.assertEqual(409, exc.response.status_code, action)
        self.assertIsNone(self.key(server))
        self.act(server, 'reboot', {'type': 'HARD'})
        self.assertEqual(base.A, self.key(server))

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
        unchanged = database.unchanged

        def rebuild_first(*args):
            # Later it would wait for our lock on the instance.
            with mock.patch.object(database, 'unchanged', unchanged):
                self.act(server, 'rebuild', {'imageRef': base.B})
            done.append(unchanged(*args))
            return done[-1]

        done = []
        with mock.patch.object(database, 'unchanged', rebuild_first):
            self.act(server, 'createImage', {'name': 'snapshot'})
        self.assertEqual([False], done)
        self.assertEqual(base.B, self.request_spec(server).image.id)
        self.assertEqual(base.B, self.instance(server).image_ref)
        self.assertEqual(base.B, self.key(server))

    def test_deadlock(self):
        """The database may end our transaction in favour of another one."""
        server = self.without_key()
        lock = database._lock
        todo = [db_exception.DBDeadlock()]

        def in_the_transaction(*args):
            if todo:
                raise todo.pop()
            return lock(*args)

        with mock.patch.object(database, '_lock', in_the_transaction):
            properties = self.snapshot(server)['properties']
        self.assertEqual([], todo)
        self.assertEqual(base.A, properties['base_image_ref'])

    def test_deadlock_of_the_request_spec(self):
        """It is tried again, and what fails for good is finished later."""
        server = self.create_server(base.A)
        before = self.image_metadata(server)
        self.refuse_rebuild(server)
        self.forget(server)
        images = request_spec.images
        todo = []

        def in_the_transaction(*args):
            if todo:
                raise todo.pop()
            return images(*args)

        change_image = request_spec.change_image

        def fails(error, count):
            def change(*args):
                todo.extend([error] * count)
                change_image(*args)
            return mock.patch.object(request_spec, 'change_image', change)

        with mock.patch.object(request_spec, 'images', in_the_transaction):
            with fails(OSError('no'), 1), mock.patch.object(
                    api.LOG, 'error', autospec=True) as log:
                self.snapshot(server)
            log.assert_called_once()
            self.assertEqual(before, self.image_metadata(server))
            self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
            self.images[base.A]['properties']['os_distro'] = 'edited'
            with fails(db_exception.DBDeadlock(), 2):
                self.snapshot(server)
        self.assertEqual(base.A, self.request_spec(server).image.id)
        # It was of the RequestSpec alone.
        self.assertEqual(before, self.image_metadata(server))

    def test_two_rows_of_a_key(self):
        """Nova forbids them nowhere; the later one counts."""
        server = self.create_server(base.A)
        self.change_metadata(server, **{base.KEY: None})
        with context.target_cell(
                context.get_admin_context(), self.cell_of(server)) as cctxt:
            add_rows(cctxt, server, 'image_base_image_ref', None, None)
        self.snapshot(server)
        self.assertEqual(base.A, self.key(server))
        with context.target_cell(
                context.get_admin_context(), self.cell_of(server)) as cctxt:
            self.assertEqual(
                [base.A] * 2, rows_of(cctxt, server, 'image_base_image_ref'))

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
        with mock.patch.object(heal, 'heal', autospec=True) as healed, \
                mock.patch.object(request_spec, 'images', autospec=True,
                                  return_value={}) as read:
            for action in self.snapshot, self.migrate:
                action(server)
                read.assert_called_once()
                read.reset_mock()
            self.act(server, 'rebuild', {'imageRef': base.A})
        healed.assert_not_called()

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

    def test_inside_of_all_decorators(self):
        """No check of Nova comes after us, on whichever release."""
        for name in (*api.HEALED_BEFORE, 'rebuild'):
            ours = getattr(api.API, name)
            inner = ours.__wrapped__
            while 'nova_snapshot_fix' not in inner.__code__.co_filename:
                inner = inner.__wrapped__
            self.assertIsNot(ours, inner)
            self.assertFalse(hasattr(inner.__wrapped__, '__wrapped__'), name)

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
