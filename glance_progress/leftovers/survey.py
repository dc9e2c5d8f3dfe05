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

"""One look at all: pools, rows, tasks, staging area and records.

The pools come first, and then the rows, so that what is registered meanwhile
counts as named.
"""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
from typing import Any
import urllib.parse

from oslo_config import cfg
from oslo_utils import uuidutils

from glance_progress.ceph import clusters
from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import places
from glance_progress.ceph import trash
from glance_progress.leftovers import facts
from glance_progress.leftovers import heard
from glance_progress.leftovers import rows
from glance_progress.leftovers import staging
from glance_progress.records import store_names

#: Pool and name of an RBD image
Name = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Survey:
    """What one look has seen.

    :param images: by id, those that something may be left of
    :param missing: location and image of RBD images that are not there
    :param trash: what is in the trash of the pools
    :param moved: of that, what this package has moved there, and why
    """

    images: dict[str, facts.Image]
    missing: dict[Name, tuple[str, places.Place]]
    trash: tuple[trash.Entry, ...]
    moved: dict[str, str] = dataclasses.field(default_factory=dict)


class Surveyor:
    """Looks at the stores of a Glance.

    :param conf: its options, with those of its stores
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        # Of two stores in one pool, the first.
        self._places: dict[Any, places.Place] = {}
        for place in places.of(conf):
            self._places.setdefault((place.ceph_conf, place.pool), place)
        self._clusters = clusters.Clusters()
        in_ceph = {place.store for place in places.of(conf)}
        self._elsewhere = frozenset(
            set(store_names.backends(conf)) - in_ceph)

    @property
    def pools(self) -> list[places.Place]:
        """The pools, each once."""
        return list(self._places.values())

    def ioctx(self, place: places.Place) -> Any:
        return self._clusters.ioctx(place)

    def close(self) -> None:
        self._clusters.close()

    def look(self) -> Survey:
        """Look at everything.

        :raises: what Ceph and the database raise
        """
        listed = {place: holdings.names(self.ioctx(place))
                  for place in self.pools}
        named = self._named()
        unnamed: dict[str, list[places.Place]] = {}
        for place, names in listed.items():
            for name in names:
                if (place, name) not in named and uuidutils.is_uuid_like(
                        name):
                    unnamed.setdefault(name, []).append(place)
        missing = {(place.pool, name): (image_id, place)
                   for (place, name), image_id in named.items()
                   if image_id and name not in listed[place]}
        files = staging.files()
        under_way = rows.tasks_under_way()
        wanted = {*rows.suspects(), *unnamed, *files,
                  *(task.image_id for task in under_way if task.image_id)}
        return Survey(
            self._images(wanted, named, unnamed, files, under_way), missing,
            tuple(entry for place in self.pools
                  for entry in trash.entries(self.ioctx(place), place)),
            {rbd_id: note['why'] for place in self.pools
             for rbd_id, note in journal.read(self.ioctx(place)).items()})

    def image(self, image_id: str) -> facts.Image:
        """Look at one image."""
        named = self._named()
        unnamed = {image_id: [place for place in self.pools
                              if (place, image_id) not in named]}
        files = staging.files()
        return self._images([image_id], named, unnamed, files, [
            task for task in rows.tasks_under_way()
            if task.image_id == image_id])[image_id]

    def is_named(self, data: holdings.Data) -> bool:
        """Tell whether a location names an RBD image."""
        return (data.place, data.name) in self._named()

    def _named(self) -> dict[tuple[places.Place, str], str]:
        """Return what RBD images locations name, and of which image.

        Of none where a location does not say where it is, or names a place
        that is not one of ours: Glance reads also what has come from another
        cluster with its name and its data, and finds it by the name.
        """
        by_cluster = {
            (self._clusters.fsid(place), place.pool): place
            for place in self.pools}
        found = {}
        for image_id, url in rows.locations():
            scheme, _, path = url.partition('://')
            if scheme != 'rbd':
                continue
            parts = [urllib.parse.unquote(part) for part in path.split('/')]
            place = None
            if len(parts) == 4:
                place = by_cluster.get((parts[0], parts[1]))
            if place is not None:
                found[place, parts[2]] = image_id
                continue
            for place in self.pools:
                for part in parts:
                    found.setdefault((place, part), '')
        return found

    def _images(
        self, wanted: Iterable[str],
        named: dict[tuple[places.Place, str], str],
        unnamed: dict[str, list[places.Place]],
        files: dict[str, tuple[facts.File, ...]],
        under_way: list[facts.Task],
    ) -> dict[str, facts.Image]:
        wanted = set(wanted)
        known = rows.images(wanted)
        importing = {image_id for image_id, row in known.items()
                     if row.status == 'importing' and row.stores}
        registered: dict[str, list[places.Place]] = {}
        for (place, name), image_id in named.items():
            if name == image_id and image_id in importing:
                registered.setdefault(image_id, []).append(place)
        tasks = {task.task_id: task for task in under_way}
        locks = {row.import_task for row in known.values()
                 if row.import_task} - set(tasks)
        tasks.update((task.task_id, task) for task in rows.tasks(
            lock for lock in locks if lock))
        records = heard.of(self._conf, wanted)
        noted = {}
        for place in self.pools:
            noted.update(journal.read(self.ioctx(place)))
        found = {}
        for image_id in sorted(wanted):
            data = self._data(image_id, unnamed.get(image_id, []))
            notes = {each.rbd_id: noted[each.rbd_id] for each in data
                     if each.rbd_id in noted}
            found[image_id] = facts.Image(
                image_id, known.get(image_id),
                self._tasks_of(image_id, known.get(image_id), tasks),
                data, self._data(image_id, registered.get(image_id, [])),
                files.get(image_id, ()), records.get(image_id),
                frozenset(rbd_id for rbd_id, note in notes.items()
                          if not note.get('restored_at')),
                max((note.get('restored_at') or 0.0
                     for note in notes.values()), default=0.0),
                self._elsewhere)
        return found

    @staticmethod
    def _tasks_of(
        image_id: str, row: facts.Row | None, tasks: dict[str, facts.Task]
    ) -> tuple[facts.Task, ...]:
        lock = row.import_task if row is not None else None
        return tuple(task for _, task in sorted(tasks.items())
                     if task.image_id == image_id or task.task_id == lock)

    def _data(
        self, name: str, where: list[places.Place]
    ) -> tuple[holdings.Data, ...]:
        found = (holdings.look(self.ioctx(place), place, name)
                 for place in where)
        return tuple(each for each in found if each is not None)
