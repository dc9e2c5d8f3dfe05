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

"""The facts about image locations, from configuration files."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import os

from keystoneauth1 import exceptions
from keystoneauth1 import loading
from oslo_config import cfg

from glance_progress import foreign
from glance_progress.locations import facts
from glance_progress.locations import options
from glance_progress.locations import releases
from glance_progress import section

_RBD = frozenset(('rbd', 'rbd_progress'))

_SEND_TOKEN = cfg.BoolOpt('send_service_user_token', default=False)


def glance(conf: cfg.ConfigOpts) -> facts.Glance:
    """Return what glance-api is told, but for its policies.

    :param conf: the options of glance-api, loaded
    :raises ValueError: naming option and value
    """
    files = foreign.Others(conf, {
        'keystone_authtoken': [
            cfg.ListOpt('service_token_roles', default=['service']),
            # Up to keystonemiddleware 12 it is off by default, and should be
            # on.
            cfg.BoolOpt('service_token_roles_required', default=True)],
        None: [cfg.DictOpt('enabled_backends')],
        'glance_store': [cfg.ListOpt('stores', default=[])]})
    stores = files.get('glance_store', 'stores')
    backends = files.get(None, 'enabled_backends') or {}
    return facts.Glance(
        direct_url=conf.show_image_direct_url,
        multiple_locations=conf.show_multiple_locations,
        consumers=section.of(conf, options.OPTS).location_consumers,
        release=releases.installed_glance(),
        rbd=not _RBD.isdisjoint(backends.values() or stores),
        service_token_roles=tuple(files.get(
            'keystone_authtoken', 'service_token_roles')),
        service_token_roles_required=files.get(
            'keystone_authtoken', 'service_token_roles_required'))


def nova(
    files: Sequence[str], release: int | None,
    directories: Sequence[str] = (),
) -> facts.Caller:
    """Return what *files*, which Nova reads, tell it.

    :param files: what is in FILE.d, beside each FILE, is read as well
    :param release: Nova's major version, None if not known
    :param directories: others with ``*.conf`` files, read last
    :raises ValueError: (cfg.Error is none) for a value that is none
    :raises cfg.Error: for files that cannot be read or are malformed
    """
    conf = _load(files, directories)
    # Nova's default is "default", which is never rbd. But where it is not
    # set, this may be the file of nova-api, to which it means nothing.
    conf.register_opt(cfg.StrOpt('images_type'), group='libvirt')
    images_type = conf.libvirt.images_type
    return facts.Caller(
        'nova', release, conf.service_user.send_service_user_token,
        _has_credentials(conf, 'service_user'),
        registers=None if images_type is None else images_type == 'rbd')


def cinder(
    files: Sequence[str], release: int | None,
    directories: Sequence[str] = (),
) -> facts.Caller:
    """Return what *files*, which Cinder reads, tell it; see nova()."""
    conf = _load(files, directories)
    conf.register_opt(cfg.ListOpt('enabled_backends', default=[]))
    return facts.Caller(
        'cinder', release, conf.service_user.send_service_user_token,
        _has_credentials(conf, 'service_user'),
        _has_credentials(conf, 'glance'),
        _any_set(conf, 'image_upload_use_cinder_backend',
                 ['DEFAULT', 'backend_defaults', *conf.enabled_backends]))


def _load(
    files: Sequence[str], directories: Sequence[str]
) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opt(_SEND_TOKEN, group='service_user')
    for path in directories:
        if not os.path.isdir(path):  # no error to oslo.config
            raise cfg.ConfigDirNotFoundError(path)
    beside = [path + '.d' for path in files]
    for path in [*directories, *beside]:
        # oslo.config takes one that may not be read for an empty one.
        if os.path.exists(path) and not os.access(path, os.R_OK | os.X_OK):
            raise PermissionError('%s cannot be read' % path)
    # As Nova and Cinder do when they find their files by themselves: the
    # directories last. The environment is not theirs.
    conf(args=[], default_config_files=list(files),
         default_config_dirs=[*beside, *directories], use_env=False)
    return conf


def _any_set(
    conf: cfg.ConfigOpts, option: str, groups: Iterable[str]
) -> bool:
    for group in groups:
        conf.register_opt(cfg.BoolOpt(option, default=False), group=group)
    return any(conf[group][option] for group in groups)


def _has_credentials(conf: cfg.ConfigOpts, group: str) -> bool:
    # As Nova and Cinder load them. Nothing is sent before a token is needed.
    loading.register_auth_conf_options(conf, group)
    try:
        if loading.load_auth_from_conf_options(conf, group) is None:
            return False
    except exceptions.AuthPluginException:  # no such type, or incomplete
        return False
    section = conf[conf[group].auth_section or group]
    if 'password' not in section.auth_type:
        return True
    return bool(section.password and (section.username or section.user_id))
