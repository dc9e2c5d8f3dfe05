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

"""The options of ``[glance_progress]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipaddress

from oslo_config import cfg
from oslo_config import types
from pymemcache.client import base

from glance_progress.locations import facts

GROUP = 'glance_progress'

DEFAULT_SERVER = '127.0.0.1:11211'

# memcached takes a larger number for a date, which would be long past
# (memcached's doc/protocol.txt, "Expiration times").
_MAX_TTL = 30 * 86400


class MemcachedServer(types.ConfigType):
    """``host``, ``host:port``, ``[address]:port`` or ``unix:/path``."""

    def __init__(self) -> None:
        super().__init__(type_name='memcached server')

    def __call__(self, value: str) -> str:
        # keystonemiddleware's way to mark an IPv6 address
        text = str(value).strip()
        if text.startswith('inet6:'):
            text = text[len('inet6:'):]
        if text.startswith(('unix:/', '/')):
            return text
        try:
            host, port = base.normalize_server_spec(text)
            valid = bool(host) and 0 < port < 65536
            if ':' in host:
                # Without brackets its end would be taken for the port.
                ipaddress.IPv6Address(host)
                valid = valid and text.startswith('[')
        except ValueError:
            valid = False
        if not valid or any(c in host for c in '/@?#,= \t'):
            raise ValueError(
                '%r is no memcached server; write host:port, '
                '[IPv6 address]:port or unix:/path' % value)
        return text

    def __repr__(self) -> str:
        return 'MemcachedServer'

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = types.ConfigType.__hash__

    def _formatter(self, value: str) -> str:
        return value


def _showing(convert: Callable[[Any], Any], value: Any) -> Any:
    # oslo.config's range checks do not say what was given.
    try:
        return convert(value)
    except ValueError as exc:
        raise ValueError('%s (given: %s)' % (exc, value)) from None


class _Float(types.Float):

    def __call__(self, value: Any) -> Any:
        return _showing(super().__call__, value)


class _Integer(types.Integer):

    def __call__(self, value: Any) -> Any:
        return _showing(super().__call__, value)


OPTS = [
    cfg.ListOpt(
        'memcached_servers',
        item_type=MemcachedServer(),
        sample_default='the value of [keystone_authtoken] memcached_servers, '
                       'else ' + DEFAULT_SERVER,
        help="""
memcached servers that hold the upload progress, separated by commas.

Every glance-api and everything that reads progress must name the same servers
in the same spelling: a key's place is found by hashing the names. Each of them
is ``host:port``, ``[IPv6 address]:port`` or ``unix:/path``. When not set, the
servers of ``[keystone_authtoken] memcached_servers`` in the same files are
used, and 127.0.0.1:11211 when there are none either.

What is in memcached is not authenticated: whoever can reach a server can show
false progress. Let only the control plane reach it.
"""),
    cfg.Opt(
        'memcached_connect_timeout',
        type=_Float(min=0.01, max=10),
        default=0.3,
        help="""
Seconds that a connection to a memcached server may take.

Finding the address of the server's name may take as long again. An upload
never waits for this; readers of progress do. Raise it only when memcached is
far away.
"""),
    cfg.Opt(
        'memcached_timeout',
        type=_Float(min=0.01, max=10),
        default=0.5,
        help="""
Seconds that a memcached server may take to answer.

A server that fails is left alone for five seconds before it is tried again.
"""),
    cfg.BoolOpt(
        'memcached_tls_enabled',
        default=False,
        help="""
Talk TLS to the memcached servers.

The servers must have been started with ``--enable-ssl``; their certificates
must carry the names that ``memcached_servers`` calls them by.
"""),
    cfg.StrOpt(
        'memcached_tls_cafile',
        help="""
File with the certificates of the authorities, in PEM format, that vouch for
the memcached servers. When not set, those of the system do.
"""),
    cfg.StrOpt(
        'memcached_tls_certfile',
        help="""
File with the client's certificate, in PEM format, for memcached servers that
ask for one. Goes together with ``memcached_tls_keyfile``.
"""),
    cfg.StrOpt(
        'memcached_tls_keyfile',
        help="""
File with the private key of ``memcached_tls_certfile``, in PEM format.
"""),
    cfg.Opt(
        'writes_in_flight',
        type=_Integer(min=0, max=64),
        default=3,
        help="""
Number of chunks (``rbd_store_chunk_size``, 8 MiB) of an upload that are being
written to Ceph or hashed at the same time, while the next one is being read.

0 does one thing after the other, as the stock driver does. Each chunk takes
its size in memory, for each upload at a time, and up to as much again in
librbd. Under eventlet only the writes overlap with the rest. Where no thread
runs, as in uwsgi without ``enable-threads``, it is as with 0.
"""),
    cfg.Opt(
        'update_interval',
        type=_Float(min=0.1, max=60),
        default=1.0,
        help="""
Seconds between two publications of an upload's progress.

A glance-api process talks to a memcached server once in this time, however
many uploads it handles, and besides when an upload begins or ends.
"""),
    cfg.Opt(
        'stalled_after',
        type=_Float(min=1, max=86400),
        default=60,
        help="""
Seconds without movement after which an upload is shown as stalled.

Progress moves when a chunk (``rbd_store_chunk_size``, 8 MiB) is in Ceph, so
choose more than the time in which your slowest clients send one. Must be
larger than ``update_interval``.
"""),
    cfg.Opt(
        'record_ttl',
        type=_Integer(min=60, max=_MAX_TTL),
        default=86400,
        help="""
Seconds for which memcached keeps the record of an upload after its last
change, and so the time in which a failed upload can be asked for its reason.
"""),
    cfg.BoolOpt(
        'honor_base_image_ref',
        default=True,
        help="""
Keep an uploaded volume in the store of the image that it was made from.

Cinder names that image in the header ``x-openstack-base-image-ref``. An upload
that names it, and no store, goes to a store where that image is; to the
default store when it is in none or when the caller may not see it. Needs
``glance_progress.api:API`` in glance-api-paste.ini, and ``enabled_backends``.
"""),
    cfg.ListOpt(
        'record_secrets',
        secret=True,
        help="""
Secrets, separated by commas, by which records in memcached are signed and
verified (HMAC-SHA-256).

memcached itself knows no users: whoever reaches it can write records that show
false progress. With secrets, records that none of them has signed are ignored,
with a warning. The first one signs. To change it, put the new one behind the
old one everywhere, then before it, then drop the old one. Every glance-api and
everything that reads progress from memcached needs them; clients of the Image
API do not. The keys of ``legacy_keys`` cannot be signed.
"""),
    cfg.StrOpt(
        'location_consumers',
        sample_default='what the installed Glance leaves room for',
        choices=[
            (facts.OLD,
             'Nova before 2025.2 (32) or Cinder before 2025.2 (27) is among '
             'them: needs show_multiple_locations'),
            (facts.NEW,
             'all are of these releases or later and send a service token of '
             'a user with the role service: show_multiple_locations can be '
             'off'),
            (facts.MIXED,
             'both kinds, as in the middle of an upgrade: needs both'),
            (facts.NONE,
             'no server has its disk in Ceph, and no image is a volume'),
        ],
        help="""
How the Nova and Cinder of this cloud tell Glance where an image's data are.

It decides what ``location_check`` finds, and changes nothing in how Glance
works. When not set, it is ``old-api`` where Glance is older than 2024.2 (29),
since there is no other call; from then on it can be either, and ``enforce``
refuses nothing that may work, and warns of what may not.
"""),
    cfg.StrOpt(
        'location_check',
        default='enforce',
        choices=[
            ('enforce', 'glance-api does not start where snapshots must fail'),
            ('warn', 'it starts, and logs what was found'),
            ('off', 'nothing is checked'),
        ],
        help="""
What to do at start about settings of image locations that fail users.

With ``show_image_direct_url`` and without ``show_multiple_locations``, a Nova
that uses the old location call loses every snapshot of a server with its disk
in Ceph. Where no store is in Ceph, nothing is found.
``glance-progress-status check`` tells what would be found, before a restart.
Needs ``glance_progress.api:API`` in glance-api-paste.ini.
"""),
    cfg.BoolOpt(
        'legacy_keys',
        default=True,
        help="""
Also write the two keys that older dashboards read: IMAGE_ID_total_size and
IMAGE_ID_uploading_size, in bytes, as decimal text.
"""),
    cfg.Opt(
        'legacy_ttl',
        type=_Integer(min=60, max=_MAX_TTL),
        default=86400,
        help="""
Seconds for which memcached keeps the two keys of ``legacy_keys``. Another
value than ``record_ttl`` costs a second round trip for each publication.
"""),
]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTS)]


def register(conf: cfg.ConfigOpts) -> None:
    """Make the options known to *conf*; doing so again changes nothing."""
    conf.register_opts(OPTS, group=GROUP)


def check(conf: cfg.ConfigOpts) -> None:
    """Read every option once, so that a wrong value is found at load.

    :raises ValueError: (oslo.config's ConfigFileValueError is one too) naming
        option and value
    """
    register(conf)
    ours = conf[GROUP]
    for opt in OPTS:
        value = getattr(ours, opt.dest)
        if value != value:  # no bound keeps NaN out
            raise ValueError(
                '[%s] %s = %s is no number' % (GROUP, opt.dest, value))
    if ours.stalled_after <= ours.update_interval:
        raise ValueError(
            '[%s] stalled_after = %s must be larger than update_interval = %s'
            % (GROUP, ours.stalled_after, ours.update_interval))
    if bool(ours.memcached_tls_certfile) != bool(ours.memcached_tls_keyfile):
        raise ValueError(
            '[%s] memcached_tls_certfile = %s and memcached_tls_keyfile = %s '
            'go together: set both or none'
            % (GROUP, ours.memcached_tls_certfile, ours.memcached_tls_keyfile))


def memcached_servers(conf: cfg.ConfigOpts) -> list[str]:
    """Return the servers that *conf* names, or those of keystonemiddleware.

    :raises ValueError: naming the option and the server that is none
    """
    servers = conf[GROUP].memcached_servers or _authtoken_servers(conf)
    return servers or [DEFAULT_SERVER]


def _authtoken_servers(conf: cfg.ConfigOpts) -> list[str] | None:
    # keystonemiddleware registers its options when the pipeline is built,
    # which is later than the stores, and not at all without it; and it fails
    # when somebody has registered others of the same name. So the files are
    # read again, into a place of our own.
    files = cfg.ConfigOpts()
    files.register_opt(
        cfg.ListOpt('memcached_servers', item_type=MemcachedServer(),
                    deprecated_name='memcache_servers'),
        group='keystone_authtoken')
    files(args=[],
          default_config_files=list(conf.config_file or ()),
          default_config_dirs=list(conf.config_dir or ()))
    try:
        servers: list[str] | None = files.keystone_authtoken.memcached_servers
    except ValueError as exc:  # it does not say of which section
        raise ValueError('[keystone_authtoken]: %s' % exc) from exc
    return servers
