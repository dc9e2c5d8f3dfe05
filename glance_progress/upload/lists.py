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

"""Reads lists of images: YAML files, also those of openstack-image-manager.

::

   images:
     - name: cirros
       file: cirros-0.6.2.qcow2     # beside the list; or url: https://...
       format: qcow2                # found in a file, required for a URL
       checksum: sha256:07e44a73... # what the data must be
       visibility: public
       protected: true
       min_disk: 1                  # GiB
       min_ram: 64                  # MiB
       tags: [test]
       store: ceph
       kernel: cirros.vmlinuz       # and ramdisk:
       meta: {os_distro: cirros}    # or properties:

An image of openstack-image-manager has ``versions`` instead, each with a
``url``, and gets from them the names, properties and tags that the manager
gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import datetime
import pathlib
import re
from typing import Any
from urllib import parse

import yaml

from glance_progress.upload import item

#: What is understood of an image, and of a version of one.
_KNOWN = {'name', 'file', 'url', 'mirror_url', 'format', 'checksum',
          'visibility', 'protected', 'min_disk', 'min_ram', 'tags', 'store',
          'stores', 'kernel', 'ramdisk', 'meta', 'properties', 'enable',
          'versions', 'multi', 'separator', 'login'}
_KNOWN_OF_VERSION = {'version', 'url', 'mirror_url', 'file', 'checksum',
                     'visibility', 'meta', 'os_version', 'build_date'}

_VISIBILITIES = ('public', 'private', 'shared', 'community')
_CHECKSUM = re.compile(
    '(md5|sha1|sha224|sha256|sha384|sha512):([0-9a-fA-F]{32,128})')


@dataclasses.dataclass
class Entry:
    """An image as a list describes it.

    :ivar location: a path, or a URL
    :ivar kernel: the path of its kernel's file
    :ivar ramdisk: the path of its ramdisk's file
    :ivar wrong: why it cannot be used; None when it can
    """

    name: str
    location: pathlib.Path | str | None = None
    disk_format: str | None = None
    checksum: str | None = None
    visibility: str | None = None
    protected: bool = False
    min_disk: int = 0
    min_ram: int = 0
    tags: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    kernel: pathlib.Path | None = None
    ramdisk: pathlib.Path | None = None
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    wrong: str | None = None


def is_list(path: pathlib.Path) -> bool:
    """Tell whether the name of a file is that of a list."""
    return path.suffix.lower() in ('.yaml', '.yml')


def read(path: pathlib.Path) -> tuple[list[Entry], list[str]]:
    """Return the images of a list, and what of it was ignored, in words.

    :raises item.Wrong: when it is no list
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = yaml.safe_load(file)
    except (OSError, UnicodeError, yaml.YAMLError) as exc:
        raise item.Wrong('%s cannot be read: %s' % (
            path, ' '.join(str(exc).split()))) from exc
    images = content.get('images') if isinstance(content, dict) else None
    if not isinstance(images, list) or not all(
            isinstance(each, dict) and each.get('name') for each in images):
        raise item.Wrong(
            '%s is no list: it has no "images", each with a name' % path)
    entries, ignored = [], []
    for each in images:
        name = str(each['name'])
        if each.get('enable') is False:
            ignored.append('%s: it is not enabled' % name)
            continue
        ignored += ['%s of %s: it means nothing here' % (key, name)
                    for key in sorted(_unknown(each))]
        wrong = _misshapen(each)
        if wrong is not None:
            entries.append(Entry(name, wrong=wrong))
            continue
        for name, values in _images(each):
            try:
                entries.append(_entry(path.parent, name, values))
            except item.Wrong as exc:
                entries.append(Entry(name, wrong=str(exc)))
    return entries, ignored


def _misshapen(image: dict[str, Any]) -> str | None:
    """Return what has another shape than it should; None for nothing."""
    for values in (image, *_versions(image)):
        for key, kind, name in (('meta', dict, 'mapping'),
                                ('properties', dict, 'mapping'),
                                ('tags', list, 'list'),
                                ('stores', (list, str), 'list')):
            if values.get(key) and not isinstance(values[key], kind):
                return '%s is no %s' % (key, name)
    return None


def _unknown(image: dict[str, Any]) -> set[str]:
    """Return the names of what an image has and nobody here understands."""
    found = set(image) - _KNOWN
    if image.get('status') == 'active':
        found.discard('status')
    for version in _versions(image):
        found |= set(version) - _KNOWN_OF_VERSION
    return {str(each) for each in found}


def _versions(image: dict[str, Any]) -> list[dict[str, Any]]:
    found = image.get('versions')
    return [each for each in found if isinstance(each, dict)] if isinstance(
        found, list) else []


def _images(image: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and values of each image that an entry stands for."""
    versions = sorted(_versions(image), key=_order)
    if not versions:
        yield str(image['name']), image
        return
    for number, version in enumerate(versions):
        name, label = str(image['name']), str(version.get('version'))
        separator = str(image.get('separator', ' '))
        if not image.get('multi'):
            name += separator + label
        elif number + 1 < len(versions):  # the newest has the name alone
            name += '%s(%s)' % (separator, label)
        yield name, _of_version(image, version)


def _order(version: dict[str, Any]) -> list[tuple[bool, int, str]]:
    """Return what sorts versions: 9 comes before 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part)
            for part in re.split(r'(\d+)', str(version.get('version')))]


def _of_version(
    image: dict[str, Any], version: dict[str, Any]
) -> dict[str, Any]:
    """Return the values of an image in a version, as the manager has them."""
    values: dict[str, Any] = {**image, **{
        key: version[key] for key in (
            'url', 'mirror_url', 'file', 'checksum', 'visibility')
        if key in version}}
    meta = dict(image.get('meta') or {})
    meta.setdefault('image_description', image['name'])
    meta.setdefault('image_name', image['name'])
    meta['internal_version'] = version.get('version')
    if 'login' in image:
        meta['image_original_user'] = image['login']
    if not image.get('multi'):
        meta['os_version'] = version.get('version')
    elif 'os_version' in version:
        meta['os_version'] = version['os_version']
    if 'url' in version:
        # Where a file is on this machine is nobody else's business.
        url = str(version['url'])
        meta['image_source'] = (
            'file:' + url.rpartition('/')[2] if url.startswith('file:')
            else url)
    if 'build_date' in version:
        meta['image_build_date'] = version['build_date']
    values['meta'] = {**meta, **(version.get('meta') or {})}
    if 'os_distro' in meta:
        values['tags'] = [
            *(image.get('tags') or ()), 'os:%s' % meta['os_distro']]
    return values


def _entry(
    folder: pathlib.Path, name: str, values: dict[str, Any]
) -> Entry:
    """Return what *values* say.

    :raises item.Wrong: naming what is wrong
    """
    stores = values.get('stores', values.get('store', ()))
    return Entry(
        name=name, location=_location(folder, values),
        disk_format=_text(values, 'format'), checksum=_checksum(values),
        visibility=_visibility(values),
        protected=bool(values.get('protected')),
        min_disk=_number(values, 'min_disk'),
        min_ram=_number(values, 'min_ram'),
        tags=tuple(map(str, values.get('tags') or ())),
        stores=((stores,) if isinstance(stores, str)
                else tuple(map(str, stores or ()))),
        kernel=_beside(folder, values, 'kernel'),
        ramdisk=_beside(folder, values, 'ramdisk'),
        properties=_properties(values))


def _location(
    folder: pathlib.Path, values: dict[str, Any]
) -> pathlib.Path | str:
    if values.get('file'):
        return _path(folder, str(values['file']))
    url = str(values.get('mirror_url') or values.get('url') or '')
    try:
        found = parse.urlsplit(url)
    except ValueError as exc:
        raise item.Wrong('%s is no URL: %s' % (url, exc)) from exc
    if found.scheme == 'file':
        return _path(folder, parse.unquote(found.path))
    if found.scheme in ('http', 'https'):
        return url
    raise item.Wrong('neither a file nor a URL of http or https is given')


def _beside(
    folder: pathlib.Path, values: dict[str, Any], key: str
) -> pathlib.Path | None:
    return _path(folder, str(values[key])) if values.get(key) else None


def _path(folder: pathlib.Path, text: str) -> pathlib.Path:
    if '\0' in text:
        raise item.Wrong('%r is no path' % text)
    return folder / text


def _text(values: dict[str, Any], key: str) -> str | None:
    return str(values[key]) if values.get(key) else None


def _number(values: dict[str, Any], key: str) -> int:
    value = values.get(key) or 0
    if not isinstance(value, int) or value < 0:
        raise item.Wrong('%s is no number' % key)
    return value


def _visibility(values: dict[str, Any]) -> str | None:
    value = _text(values, 'visibility')
    if value is not None and value not in _VISIBILITIES:
        raise item.Wrong('visibility is none of %s' % ', '.join(_VISIBILITIES))
    return value


def _checksum(values: dict[str, Any]) -> str | None:
    value = _text(values, 'checksum')
    if value is not None and not _CHECKSUM.fullmatch(value):
        raise item.Wrong('the checksum is not like sha256:0123...')
    return None if value is None else value.lower()


def _properties(values: dict[str, Any]) -> dict[str, str]:
    found = {**(values.get('meta') or {}), **(values.get('properties') or {})}
    return {str(key): (
        value.isoformat() if isinstance(value, datetime.date) else str(value))
        for key, value in found.items() if value is not None}
