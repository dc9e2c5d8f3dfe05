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

"""Values of configuration files, and whole ones that are none."""

from __future__ import annotations

import argparse
import pathlib
import tempfile

from hypothesis import strategies as st
from oslo_config import cfg

from glance_progress.cmd.checks import router
from glance_progress.cmd.checks import subject
from glance_progress import opts
from glance_progress.records import memcached
from glance_progress import section
from tools.fuzz import feeding
from tools.fuzz import values

_AUTHTOKEN = ['memcached_servers', 'memcache_servers', 'memcache_tls_enabled',
              'memcache_tls_cafile', 'memcache_use_advanced_pool',
              'memcache_sasl_enabled', 'memcache_tls_allowed_ciphers']

_NAMES = [(section.NAME, option.dest) for option in opts.OPTS] + [
    ('keystone_authtoken', name) for name in _AUTHTOKEN]

# What such options are given, and near misses.
_TYPICAL = st.sampled_from([
    '127.0.0.1:1', '[::1]:11211', '[::1', 'unix:/x', 'unix:', ':1', 'a:b',
    'a:65536', 'a:-1', ',', ',,', 'a b:1', 'true', 'on', '3', '-3', '0.1',
    '1e3', 'nan', 'inf', '1_0', '$x', '${y}', '$memcached_servers', '%(z)s',
    'täst:1', 'enforce', 'ceph'])

_VALUES = st.one_of(_TYPICAL, values.TEXTS, values.NUMBERS.map(str))


def _text(value: str) -> bytes:
    return value.encode('utf-8', 'surrogatepass')


def options() -> feeding.Target:
    """Start with options that are wrong: said, or none of our business."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='gp-fuzz-')) / 'glance.conf'

    def feed(case: list[tuple[tuple[str, str], str]]) -> None:
        path.write_bytes(b''.join(
            b'[%s]\n%s = %s\n' % (group.encode(), name.encode(), _text(value))
            for (group, name), value in case))
        conf = cfg.ConfigOpts()
        conf.register_opts([
            cfg.DictOpt('enabled_backends', default={'ceph': 'rbd'})])
        try:
            conf(args=[], default_config_files=[str(path)])
        except (cfg.ConfigFileParseError, UnicodeDecodeError):
            return  # oslo.config's, before anything of ours is there
        try:
            opts.check(conf)
        except ValueError:
            # It stops the service, so it must be about ours.
            assert any(group == section.NAME for (group, _), _ in case)
            return
        memcached.from_conf(conf)

    return feeding.Target(st.lists(
        st.tuples(st.sampled_from(_NAMES), _VALUES), max_size=4), feed)


def paste() -> feeding.Target:
    """Look into a paste file that is none, or almost one."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix='gp-fuzz-'))
    path = directory / 'glance-api-paste.ini'
    (directory / 'glance-api.conf').write_text('')
    conf = cfg.ConfigOpts()
    conf(args=[], default_config_files=[str(directory / 'glance-api.conf')])
    about = subject.Subject(conf, argparse.Namespace(offline=True))

    def feed(parts: list[bytes]) -> None:
        path.write_bytes(b''.join(parts))
        router.check(about)

    return feeding.Target(st.lists(st.one_of(
        st.sampled_from([b'[app:apiv2app]', b'[', b']', b'\n', b' ', b'=',
                         b':', b'paste.app_factory', b'[DEFAULT]', b'%(a)s',
                         router.FACTORY.encode(), b'#', b'\xff', b'\0']),
        st.binary(max_size=20), values.TEXTS.map(_text)), max_size=12), feed)
