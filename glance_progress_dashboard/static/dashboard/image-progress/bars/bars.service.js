/**
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */

(function() {
  'use strict';

  angular
    .module('horizon.dashboard.image-progress')
    .factory('horizon.dashboard.image-progress.bars', bars);

  bars.$inject = ['horizon.dashboard.image-progress.words'];

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.bars
   * @description
   * Makes bars of what the Image API says of an image: one for each store.
   */
  function bars(words) {
    // Phases of which there is nothing to show beside the image's status.
    var quiet = ['queued', 'done'];

    return bars;

    /**
     * @param {Object} progress - of an image
     * @returns {Array} of objects: `store`, `percent` from 0 to 100 or null,
     * `kind` as Bootstrap calls it or '', `moving`, and `text`
     */
    function bars(progress) {
      if (!progress || quiet.indexOf(progress.phase) > -1) {
        return [];
      }
      if (progress.phase === 'hashing') {
        return progress.hashed ? [ofHashing(progress.hashed)] : [];
      }
      var all = progress.stores.filter(function(store) {
        return !words.isStaging(store.store) || store.state !== 'finished' ||
          progress.stores.length === 1;
      }).map(ofStore);
      if (progress.phase === 'failed' && !all.some(hasFailed)) {
        all.push(ofFailure(progress.last_failure));
      }
      return all;
    }

    function hasFailed(bar) {
      return bar.kind === 'danger';
    }

    function ofHashing(hashed) {
      return filled({
        store: '',
        percent: hashed.percent,
        done: hashed.bytes_read,
        total: hashed.total_bytes,
        rate: hashed.bytes_per_second,
        eta: hashed.eta,
        since: null,
        stalled: hashed.stalled,
        state: 'uploading'
      });
    }

    function ofStore(store) {
      if (store.state === 'failed') {
        return ofFailure(store);
      }
      return filled({
        store: words.store(store.store),
        percent: store.percent,
        done: store.bytes_written,
        total: store.total_bytes,
        rate: store.bytes_per_second,
        eta: store.eta,
        since: store.updated_at,
        stalled: store.stalled,
        state: store.state
      });
    }

    function filled(part) {
      part.moving = part.state === 'uploading' && !part.stalled;
      var text = words.amount(part);
      if (part.state === 'waiting') {
        text = gettext('Not begun');
      } else if (part.state === 'finished') {
        part.kind = 'success';
      } else if (part.stalled) {
        part.kind = 'warning';
        text = [text, stalled(part.since)].join(', ');
      }
      return {
        store: part.store,
        percent: part.state === 'waiting' ? 0 : part.percent,
        kind: part.kind || '',
        moving: part.moving,
        text: text
      };
    }

    function stalled(since) {
      return since === null ? gettext('stalled') : interpolate(
        gettext('stalled since %(time)s'), {time: words.time(since)}, true);
    }

    /**
     * @param {Object} failed - a store, or an image's last failure, if any
     */
    function ofFailure(failed) {
      var percent = failed && failed.percent;
      return {
        store: failed ? words.store(failed.store) : '',
        percent: angular.isNumber(percent) ? percent : 100,
        kind: 'danger',
        moving: false,
        text: interpolate(
          gettext('Failed: %(reason)s'), {reason: words.reason(failed)}, true)
      };
    }
  }

})();
