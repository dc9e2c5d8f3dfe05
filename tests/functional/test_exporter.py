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

"""``glance-progress exporter`` between a glance-api and a Prometheus."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import bcrypt
import portpicker
import requests
import testtools

from allinone.daemons import glance
from allinone.daemons import memcached
from allinone.daemons import prometheus
from allinone import service
from tests.functional import api_base
from tests.functional import base
from tests.functional import door
from tests.functional import services

MiB = base.MiB

SHIPPED = services.PROJECT / 'etc' / 'monitoring'
RULES = SHIPPED / 'glance-progress.rules.yml'
DASHBOARD = SHIPPED / 'glance-progress.dashboard.json'


class Exporter(service.Service):

    def __init__(self, directory: pathlib.Path, image_api: str,
                 *argv: str) -> None:
        super().__init__('exporter', directory)
        self.port = portpicker.pick_unused_port()
        self.argv = argv
        self.clouds = directory / 'clouds.yaml'
        self.clouds.write_text(json.dumps({'clouds': {'here': {
            'auth_type': 'none', 'auth': {'endpoint': image_api}}}}))

    def environment(self) -> dict[str, str]:
        return {**os.environ, 'OS_CLIENT_CONFIG_FILE': str(self.clouds)}

    def command(self) -> list[str]:
        return [sys.executable, '-m', 'glance_progress.cmd.progress',
                'exporter', '--os-cloud', 'here', '--interval', '1',
                '--web.listen-address', '127.0.0.1:%d' % self.port,
                *self.argv]

    def ready(self) -> bool:
        return ('--textfile' in self.argv
                or not service.port_is_free(self.port))

    def scrape(self) -> str:
        answer = requests.get(
            'http://127.0.0.1:%d/metrics' % self.port, timeout=30)
        answer.raise_for_status()
        return answer.text


class ExporterTest(api_base.ApiTestCase):

    @classmethod
    @functools.cache
    def _memcached(cls) -> memcached.Memcached:
        return memcached.Memcached(
            services.directory(), name='memcached-exporter')

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-exporter', section={
            'memcached_servers': '%s,%s' % (
                services.memcached().address, cls._memcached().address)})

    def setUp(self) -> None:
        super().setUp()
        self.other = self._memcached()
        self.other.ensure()
        self.addCleanup(self.other.stop)
        self.door = self.useFixture(door.Door(
            self.api.port, api_base.ADMIN))
        self.directory = pathlib.Path(tempfile.mkdtemp(
            dir=services.directory()))

    def run_service(self, each: Any) -> Any:
        each.start()
        self.addCleanup(each.stop)
        each.wait_ready()
        return each

    def exporter(self, *argv: str) -> Exporter:
        return self.run_service(
            Exporter(self.directory, self.door.url, *argv))

    def begun(self) -> Any:
        """Begin an upload, of which a half is there."""
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        return upload

    def web_config(self) -> pathlib.Path:
        """Write a web configuration file with TLS and a password."""
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
             '-subj', '/CN=exporter', '-addext',
             'subjectAltName=IP:127.0.0.1', '-out',
             self.directory / 'cert.pem', '-keyout',
             self.directory / 'key.pem'], check=True, capture_output=True)
        path = self.directory / 'web.yml'
        path.write_text(json.dumps({
            'tls_server_config': {
                'cert_file': 'cert.pem', 'key_file': 'key.pem',
                'min_version': 'TLS13'},
            'basic_auth_users': {'prometheus': bcrypt.hashpw(
                b'secret', bcrypt.gensalt(4)).decode()}}))
        return path

    def test_prometheus(self) -> None:
        exporter = self.exporter(
            '--web.config.file', str(self.web_config()), '--per-image', '9')
        address = '127.0.0.1:%d' % exporter.port
        for url, error in (
            ('http://' + address, requests.ConnectionError),
            ('https://' + address, requests.exceptions.SSLError),
        ):
            self.assertRaises(error, requests.get, url, timeout=30)
        self.assertEqual(401, requests.get(
            'https://' + address, verify=str(self.directory / 'cert.pem'),
            timeout=30).status_code)
        server = self.run_service(prometheus.Prometheus(
            self.directory / 'prometheus', {
                'global': {'scrape_interval': '1s',
                           'evaluation_interval': '1s'},
                'rule_files': [str(RULES)],
                'scrape_configs': [{
                    'job_name': 'glance-progress', 'scheme': 'https',
                    'tls_config': {'ca_file': str(
                        self.directory / 'cert.pem')},
                    'basic_auth': {'username': 'prometheus',
                                   'password': 'secret'},
                    'static_configs': [{'targets': [address]}]}]}))
        failing, upload = self.begun(), self.begun()
        self.stage()
        for expression in (
            'glance_progress_uploads{store="ceph",phase="upload"} == 2',
            'glance_progress_images{phase="staged"} >= 1',
            'glance_progress_upload_bytes_per_second{store="ceph"} > 0',
            'glance_progress_memcached_servers_answering == 2',
            'count(glance_progress_image_written_bytes{store="ceph"}) == 2',
            'process_open_fds > 0',
        ):
            self.wait_for(lambda: server.query(expression))
        failing.abandon()
        self.wait_for(lambda: server.query(
            'glance_progress_failures_total{reason="sender"} == 1'))
        self.wait_for(lambda: server.query(
            'increase(glance_progress_failures_total{reason="sender"}[1m])'
            ' > 0'))
        self.check_dashboard(server)
        self.other.stop()
        self.wait_for(lambda: server.query(
            'ALERTS{alertname="GlanceProgressMemcachedAway",'
            'alertstate="pending"}'))
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_for(lambda: server.query(
            'glance_progress_upload_bytes_per_second{store="ceph"} == 0'))

    def check_dashboard(self, server: prometheus.Prometheus) -> None:
        """Ask each of the dashboard's queries."""
        board = json.loads(DASHBOARD.read_text())
        ids = [panel['id'] for panel in board['panels']]
        self.assertEqual(len(ids), len(set(ids)))
        queries = [target['expr'] for panel in board['panels']
                   for target in panel['targets']]
        self.assertEqual(15, len(queries))
        for query in queries:
            for name, value in (('$__rate_interval', '1m'),
                                ('$instance', '.*'), ('$store', '.*')):
                query = query.replace(name, value)
            self.assertNotIn('$', query)
            self.assertNotEqual([], server.query(query), query)

    def test_blind(self) -> None:
        exporter = self.exporter()
        upload = self.begun()
        self.wait_for(
            lambda: 'uploads{phase="upload",store="ceph"} 1' in
            exporter.scrape())
        checked = subprocess.run(
            ['promtool', 'check', 'metrics'], input=exporter.scrape(),
            text=True, capture_output=True)
        self.assertEqual((0, '', ''), (
            checked.returncode, checked.stdout, checked.stderr))
        self.door.headers = {}
        self.wait_for(lambda: 'glance_progress_up 0' in exporter.scrape())
        self.assertNotIn('glance_progress_uploads', exporter.scrape())
        self.assertIn('error="unauthorized"} 1.0', exporter.scrape())
        self.assertIn('--os-cloud', exporter.log_tail())
        self.door.headers = api_base.ADMIN
        self.wait_for(lambda: 'glance_progress_up 1' in exporter.scrape())
        self.api.stop()
        self.addCleanup(self.api.ensure)
        self.wait_for(lambda: 'glance_progress_up 0' in exporter.scrape())
        upload.abandon()

    def test_no_administrator(self) -> None:
        self.door.headers = api_base.a_project()
        exporter = self.exporter()
        self.wait_for(lambda: 'role admin' in exporter.log_tail())
        self.assertIn('glance_progress_up 1', exporter.scrape())
        self.assertNotIn('memcached_servers', exporter.scrape())

    def test_textfile(self) -> None:
        path = self.directory / 'glance.prom'
        exporter = self.exporter('--textfile', str(path))
        self.wait_for(lambda: path.exists()
                      and 'glance_progress_up 1' in path.read_text())
        self.assertNotIn('process_', path.read_text())
        exporter.stop()
        self.assertFalse(path.exists())


class PromtoolTest(testtools.TestCase):

    def promtool(self, *argv: object) -> None:
        done = subprocess.run(
            ['promtool', *map(str, argv)], text=True, capture_output=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_rules(self) -> None:
        self.promtool('check', 'rules', RULES)
        self.promtool('test', 'rules', services.PROJECT / 'tests' /
                      'functional' / 'prometheus' / 'rules.test.yml')
