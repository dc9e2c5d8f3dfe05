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

"""glance-progress-status, with Ceph, memcached and glance-api."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import fixtures
from oslo_config import cfg
import portpicker
import rbd
from testtools import content

from allinone.daemons import glance
from allinone import files
from glance_progress.ceph import places
from glance_progress.ceph import trial
from glance_progress.cmd.checks import memcached
from glance_progress.cmd.checks import pools
from glance_progress.cmd.checks import self_reference
from glance_progress.cmd.checks import subject
from glance_progress.driver import store_options
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services
from tests.functional import tls_memcached

UWSGI = """
[uwsgi]
http-socket = 127.0.0.1:9292
processes = 2
threads = 4
chunked-input-limit = 16777216
chunked-input-timeout = 60
"""

FAILED = 2


class PoolsTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self._nothing_is_left)

    def _nothing_is_left(self) -> None:
        for pool in services.POOLS:
            ioctx = self.ioctx(pool)
            self.assertEqual([], [
                name for name in rbd.RBD().list(ioctx) if 'status' in name])
            self.assertEqual([], list(rbd.RBD().trash_list(ioctx)))

    def user(self, name: str, osd: str) -> None:
        """Make a user of Ceph's."""
        files.write_private(self.ceph.keyring(name), self.ceph.ceph(
            'auth', 'get-or-create', 'client.' + name, 'mon', 'profile rbd',
            'osd', osd))
        self.addCleanup(self.ceph.ceph, 'auth', 'rm', 'client.' + name)

    def as_user(self, name: str, pool: str = services.POOL) -> trial.Outcome:
        return trial.run(places.Place(
            'ceph', pool, name, str(self.ceph.client_conf)))

    def assertRefused(self, what: str, came: trial.Outcome) -> None:
        self.assertIn('cannot ' + what, str(came.refused))
        self.assertIsNone(came.left)

    def test_caps_that_are_enough(self) -> None:
        """Those of Ceph's documentation, of today and of before."""
        self.user('old-caps', 'allow class-read object_prefix rbd_children, '
                  'allow rwx pool=images')
        for name in services.CEPH_USER, 'old-caps':
            self.assertEqual(trial.Outcome(), self.as_user(name), name)

    def test_caps_that_are_not(self) -> None:
        for name, osd in (
            ('reads', 'profile rbd-read-only pool=images'),
            ('elsewhere', 'profile rbd pool=second'),
            ('no-classes', 'allow rw pool=images'),
        ):
            self.user(name, osd)
            self.assertRefused('create an image (PermissionError',
                               self.as_user(name))

    def test_who_may_not_connect(self) -> None:
        self.user('strange', 'profile rbd pool=images')
        files.write_private(
            self.ceph.keyring('strange'),
            self.ceph.keyring('admin').read_text().replace(
                'client.admin', 'client.strange'))
        for name in 'strange', 'nobody':
            self.assertRefused('connect as client.' + name,
                               self.as_user(name))

    def test_no_such_pool(self) -> None:
        self.assertRefused('open pool nowhere (ObjectNotFound',
                           self.as_user(services.CEPH_USER, 'nowhere'))

    def test_a_step_in_the_middle(self) -> None:
        """What was made is taken away all the same."""
        def broken(*args: Any) -> None:
            raise rbd.PermissionError('not for you')
        for step in ('resize', 'protect_snap', 'unprotect_snap'):
            # No caps refuse just these.
            with fixtures.MonkeyPatch(
                    'glance_progress.ceph.trial.rbd.Image',
                    type('Image', (rbd.Image,), {step: broken})):
                came = self.as_user(services.CEPH_USER)
                # Nobody can remove what cannot be unprotected.
                left = came.left if step == 'unprotect_snap' else None
            self.assertIn('not for you', str(came.refused))
            self.assertEqual(left, came.left)
            if left is not None:
                self.assertTrue(trial._removed(self.ioctx(), left))

    def test_each_store(self) -> None:
        path = self.conf_file(
            DEFAULT={'enabled_backends':
                     'ceph:rbd_progress,second:rbd_progress'},
            glance_store={'default_backend': 'ceph'},
            **{store: {'rbd_store_pool': pool,
                       'rbd_store_user': services.CEPH_USER,
                       'rbd_store_ceph_conf': self.ceph.client_conf}
               for store, pool in (('ceph', services.POOL),
                                   ('second', 'nowhere'))})
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        conf(args=[], default_config_files=[str(path)])
        store_options.register(conf)
        result = pools.check(about(conf))
        self.assertEqual(FAILED, result.code)
        self.assertIn('Store second, pool nowhere', result.details)
        self.assertNotIn('Store ceph', result.details)


class MemcachedTest(base.TestCase):

    def check(self, servers: str, **section: Any) -> tuple[int, str]:
        result = memcached.check(about(self.conf(servers, **section)))
        return int(result.code), result.details

    def test_there_and_not_there(self) -> None:
        address = services.memcached().address
        self.assertEqual((0, address + ' answers.'), self.check(address))
        result, details = self.check('127.0.0.1:1')
        self.assertEqual(FAILED, result)
        self.assertIn('Connection refused', details)

    def test_tls(self) -> None:
        server = self.useFixture(tls_memcached.Fixture()).server
        for section, result, text in (
            (server.options, 0, 'over TLS'),
            ({}, FAILED, 'talks TLS'),
            ({**server.options, 'memcached_tls_cafile': ''}, FAILED,
             'certificate verify failed'),
        ):
            found, details = self.check(server.address, **section)
            self.assertIn(text, details)
            self.assertEqual(result, found, details)
        found, details = self.check(
            services.memcached().address, memcached_tls_enabled=True)
        self.assertEqual(FAILED, found)
        self.assertIn('talks without TLS', details)


class SelfReferenceTest(base.TestCase):

    def check(self, url: str) -> tuple[int, str]:
        path = self.conf_file(DEFAULT={'worker_self_reference_url': url})
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[str(path)])
        result = self_reference.check(about(conf))
        return int(result.code), result.details

    def test_dead_port_and_another_service(self) -> None:
        url = 'http://127.0.0.1:%d' % portpicker.pick_unused_port()
        result, details = self.check(url)
        self.assertIn('Nothing answers at', details)
        self.assertEqual(1, result)
        server = subprocess.Popen(
            [sys.executable, '-m', 'http.server', url.rpartition(':')[2],
             '--bind', '127.0.0.1', '--directory', '/usr/share/doc'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.wait_for(lambda: self.check(url)[0] == FAILED)
        self.assertIn('no Image API', self.check(url)[1])


class CommandTest(base.TestCase):

    def run_check(
        self, api: glance.GlanceBase, *args: str
    ) -> dict[str, tuple[int, str]]:
        """Return result and details by the name of the check."""
        done = subprocess.run(
            [sys.executable, '-m', 'glance_progress.cmd.status', 'check',
             '--config-file', str(api.conf), '--json', *args],
            capture_output=True, text=True)
        self.addDetail('stderr', content.text_content(done.stderr))
        self.status = done.returncode
        return {check['check']: (check['result'], check['details'])
                for check in json.loads(done.stdout)['checks']}

    def test_what_it_promises(self) -> None:
        """Success throughout, of a glance-api that does as was said."""
        with glance_base.make(
            'glance-checked', router='glance_progress.api:API.factory',
        ) as api:
            api.wait_ready()
            uwsgi = api.directory / 'uwsgi.ini'
            uwsgi.write_text(UWSGI)
            found = self.run_check(api, '--uwsgi-conf', str(uwsgi))
        self.assertEqual(
            {}, {name: result for name, result in found.items() if result[0]})
        self.assertEqual(0, self.status)
        self.assertIn('An Image API answers',
                      found['worker_self_reference_url'][1])
        self.assertIn('pool second of store second',
                      found['Stores in Ceph'][1])

    def test_what_it_warns_of(self) -> None:
        api = glance_base.make(
            'glance-unchecked', section={'record_ttl': 'never'})
        api.write_files()
        uwsgi = api.directory / 'uwsgi.ini'
        uwsgi.write_text(UWSGI.replace('= 2', '= 1').replace('= 4', '= 1'))
        found = self.run_check(api, '--uwsgi-conf', str(uwsgi), '--offline')
        self.assertEqual(FAILED, self.status)
        self.assertIn('record_ttl', found['Options of [glance_progress]'][1])
        self.assertIn('waits for its end', found['uwsgi'][1])


def about(conf: cfg.ConfigOpts) -> subject.Subject:
    return subject.Subject(conf, argparse.Namespace(offline=False))
