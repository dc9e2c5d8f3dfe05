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

"""The options of what travels through memcached."""

from __future__ import annotations

from oslo_config import cfg

from glance_progress.records import endpoints
from glance_progress import section

# memcached takes a larger number for a date, which would be long past
# (memcached's doc/protocol.txt, "Expiration times").
_MAX_TTL = 30 * 86400

#: Where memcached is when nothing says so.
DEFAULT_SERVER = '127.0.0.1:11211'

OPTS = [
    cfg.ListOpt(
        'memcached_servers',
        item_type=endpoints.MemcachedServer(),
        sample_default='the value of [keystone_authtoken] memcached_servers, '
                       'else ' + DEFAULT_SERVER,
        help="""
memcached servers that hold the upload progress, separated by commas.

Every glance-api and everything that reads progress must name the same servers
in the same spelling: a key's place is found by hashing the names. Each of them
is ``host:port``, ``[IPv6 address]:port`` or ``unix:/path``. When not set, the
servers of ``[keystone_authtoken] memcached_servers`` in the same files are
used, and 127.0.0.1:11211 when there are none either. Where those cannot be
used (``memcache_sasl_enabled``, or what names no server), a warning says so,
and no progress is kept.

What is in memcached is not authenticated: whoever can reach a server can show
false progress. Let only the control plane reach it.
"""),
    cfg.Opt(
        'memcached_connect_timeout',
        type=section.Float(min=0.01, max=10),
        default=0.3,
        help="""
Seconds that a connection to a memcached server may take.

Finding the address of the server's name may take as long again. An upload
never waits for this; readers of progress do. Raise it only when memcached is
far away.
"""),
    cfg.Opt(
        'memcached_timeout',
        type=section.Float(min=0.01, max=10),
        default=0.5,
        help="""
Seconds that a memcached server may take to answer.

A server that fails is left alone for five seconds before it is tried again.
"""),
    cfg.BoolOpt(
        'memcached_tls_enabled',
        sample_default='as [keystone_authtoken] says where its servers are '
                       'used, else False',
        help="""
Talk TLS to the memcached servers.

The servers must have been started with ``--enable-ssl``; their certificates
must carry the names that ``memcached_servers`` calls them by. When not set,
and the servers are those of ``[keystone_authtoken]``, its ``memcache_tls_*``
count, all of them, in place of the options here.
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
        'update_interval',
        type=section.Float(min=0.1, max=60),
        default=1.0,
        help="""
Seconds between two publications of an upload's progress.

A glance-api process talks to a memcached server once in this time, however
many uploads it handles, and besides when an upload begins or ends.
"""),
    cfg.Opt(
        'stalled_after',
        type=section.Float(min=1, max=86400),
        default=60,
        help="""
Seconds without movement after which an upload is shown as stalled.

Progress moves when bytes come from the sender, and when a chunk
(``rbd_store_chunk_size``, 8 MiB) is in Ceph. Must be larger than
``update_interval``.
"""),
    cfg.Opt(
        'record_ttl',
        type=section.Integer(min=60, max=_MAX_TTL),
        default=86400,
        help="""
Seconds for which memcached keeps the record of an upload after its last
change, and so the time in which a failed upload can be asked for its reason,
also when its image was deleted.
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
    cfg.BoolOpt(
        'legacy_keys',
        default=True,
        help="""
Also write the two keys that older dashboards read: IMAGE_ID_total_size and
IMAGE_ID_uploading_size, in bytes, as decimal text.
"""),
    cfg.Opt(
        'legacy_ttl',
        type=section.Integer(min=60, max=_MAX_TTL),
        default=86400,
        help="""
Seconds for which memcached keeps the two keys of ``legacy_keys``. Another
value than ``record_ttl`` costs a second round trip for each publication.
"""),
]


def check(conf: cfg.ConfigOpts) -> None:
    """Read every option once, so that a wrong value is found at load.

    :raises ValueError: naming option and value
    """
    section.check(conf, OPTS)
    values = section.of(conf, OPTS)
    if values.stalled_after <= values.update_interval:
        raise ValueError(
            '[%s] stalled_after = %s must be larger than update_interval = %s'
            % (section.NAME, values.stalled_after, values.update_interval))
    certificate, key = (
        values.memcached_tls_certfile, values.memcached_tls_keyfile)
    if bool(certificate) != bool(key):
        raise ValueError(
            '[%s] memcached_tls_certfile = %s and memcached_tls_keyfile = %s '
            'go together: set both or none'
            % (section.NAME, certificate, key))
