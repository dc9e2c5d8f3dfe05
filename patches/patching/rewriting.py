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
"""What the files of a tree are with its patches, and without.

git reads and applies the patches, to copies of the files.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile

from patches.patching import errors
from patches.patching import series
from patches.patching import trees


def files(patch: pathlib.Path) -> list[str]:
    """Return the paths of the files that *patch* changes."""
    listed = _git(series.PATCHES, 'apply', '--numstat', str(patch)).stdout
    return [line.split('\t')[2] for line in listed.splitlines()]


def _git(
    directory: pathlib.Path, *words: str
) -> subprocess.CompletedProcess[str]:
    # Whatever the user has configured, and whichever repository surrounds it.
    environment = {'PATH': os.environ.get('PATH', os.defpath), 'LC_ALL': 'C',
                   'HOME': os.devnull, 'GIT_CONFIG_NOSYSTEM': '1',
                   'GIT_CEILING_DIRECTORIES': str(directory.parent)}
    try:
        return subprocess.run(
            ['git', *words], cwd=directory, env=environment, text=True,
            encoding='utf-8', errors='replace', stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
    except OSError as exc:
        raise errors.CannotApply('cannot run git: %s' % exc) from exc


def rewrite(tree: trees.Tree, reverse: bool) -> dict[pathlib.Path, bytes]:
    """Return what to write to which files, nothing if all is done already.

    The paths are those of the files themselves, where a tree has links.

    :raises CannotApply: when a patch is neither applied nor fits
    """
    wanted = series.patches(series.choose(tree.project, tree.version))
    names = sorted({name for patch in wanted for name in files(patch)})
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch).resolve()
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(tree.root / name, copy / name)
            except OSError as exc:
                raise errors.CannotApply(str(exc)) from exc
        for patch in reversed(wanted) if reverse else wanted:
            _apply(tree, copy, patch, reverse)
        contents = {(tree.root / name).resolve(): (copy / name).read_bytes()
                    for name in names}
    return {path: content for path, content in contents.items()
            if content != path.read_bytes()}


def _apply(
    tree: trees.Tree, copy: pathlib.Path, patch: pathlib.Path, reverse: bool
) -> None:
    there = ['apply', '--reverse'] if reverse else ['apply']
    back = ['apply'] if reverse else ['apply', '--reverse']
    done = _git(copy, *there, '--verbose', str(patch))
    if done.returncode and _git(
            copy, *back, '--check', str(patch)).returncode:
        raise errors.CannotApply(
            '%s has local changes, or those of another release, where %s '
            'belongs:\n%s' % (tree.root, patch.name, done.stderr))
