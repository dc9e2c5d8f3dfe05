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

"""The text of glance-api's configuration files."""

from __future__ import annotations

from collections.abc import Mapping
import pathlib

from allinone import ini

#: The flavor of the pipeline that believes a request's identity headers.
FLAVOR = 'headers'


def paste_ini(packaged: pathlib.Path, router: str | None) -> str:
    """Return Glance's own paste file with flavors `headers` added.

    They are `keystone` and its kin, such as `keystone+caching`, without the
    filter that asks Keystone: the one after it, `context`, then takes the
    identity from the request's headers.

    :param packaged: the paste file that comes with Glance
    :param router: 'module:factory' instead of the stock v2 application
    :raises OSError: if there is no such file
    """
    parser = ini.parser()
    parser.read_string(packaged.read_text())
    # In Glance 25 a flavor is a section [pipeline:glance-api-FLAVOR], in 33
    # it is [composite:glance-api-FLAVOR] and a line in [composite:api].
    for section in parser.sections():
        for option, value in parser.items(section):
            if option.startswith('keystone'):
                parser.set(section, option.replace('keystone', FLAVOR),
                           _trusting(value))
            elif ':glance-api-keystone' in section:
                ours = section.replace('keystone', FLAVOR)
                if not parser.has_section(ours):
                    parser.add_section(ours)
                parser.set(ours, option, _trusting(value))
    if router is not None:
        parser.set('app:apiv2app', 'paste.app_factory', router)
    return ini.text(parser)


def _trusting(pipeline: str) -> str:
    return ' '.join(name for name in pipeline.split() if name != 'authtoken')


def store_options(stores: Mapping[str, Mapping[str, object]],
                  default_store: str | None, multi_store: bool,
                  directory: pathlib.Path,
                  ceph_conf: pathlib.Path | None) -> ini.Options:
    """Return the options of the stores.

    :param ceph_conf: the ceph.conf that RBD stores read

    The other parameters are those of glance.GlanceBase.
    """
    sections: dict[str, dict[str, object]] = {}
    types = {}
    for store_id, values in stores.items():
        options = dict(values)
        kind = types[store_id] = str(options.pop('type'))
        section = sections.setdefault(
            store_id if multi_store else 'glance_store', {})
        if 'pool' in options:
            section['rbd_store_pool'] = options.pop('pool')
            section['rbd_store_user'] = 'glance'
            section['rbd_store_ceph_conf'] = ceph_conf
        elif kind == 'file':
            section['filesystem_store_datadir'] = directory / store_id
        section.update(options)
    default = default_store or next(iter(stores))
    if multi_store:
        backends = ','.join(f'{name}:{kind}' for name, kind in types.items())
        return {'DEFAULT': {'enabled_backends': backends},
                'glance_store': {'default_backend': default}, **sections}
    sections['glance_store'].update(
        stores=','.join(types.values()), default_store=default)
    return sections
