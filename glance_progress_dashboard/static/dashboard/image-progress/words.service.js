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

  // The store of what is on its way to others.
  var STAGING = 'os_glance_staging_store';

  angular
    .module('horizon.dashboard.image-progress')
    .factory('horizon.dashboard.image-progress.words', words);

  words.$inject = ['$filter'];

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.words
   * @description
   * Says in words what the Image API says of progress in fields.
   */
  function words($filter) {
    var phases = {
      upload: gettext('Uploading'),
      staging: gettext('Staging'),
      decompressing: gettext('Decompressing'),
      converting: gettext('Converting'),
      verifying: gettext('Verifying the signature'),
      staged: gettext('Staged'),
      'import': gettext('Importing'),
      copy: gettext('Copying'),
      preparing: gettext('Preparing the snapshot'),
      flattening: gettext('Flattening'),
      registering: gettext('Registering'),
      hashing: gettext('Hashing'),
      // Of each failure the bar says so.
      failed: '',
      unknown: gettext('Not known')
    };

    var waits = {
      data: gettext('No data have come since %(time)s'),
      source: gettext('Waiting for the source since %(time)s'),
      'import': gettext('Waiting for the import call since %(time)s'),
      worker: gettext('Waiting for a worker since %(time)s')
    };

    return {
      amount: amount,
      duration: duration,
      isStaging: isStaging,
      note: note,
      phase: phase,
      reason: reason,
      store: store,
      time: time
    };

    /**
     * @returns {string} what goes on, and where to
     */
    function phase(progress) {
      if (progress.phase === 'copy') {
        var targets = progress.stores
          .filter(function(each) { return each.state !== 'finished'; })
          .map(function(each) { return each.store; })
          .filter(function(each) { return !isStaging(each); });
        if (targets.length) {
          return interpolate(
            gettext('Copying to %(stores)s'), {stores: targets.join(', ')},
            true);
        }
      }
      return phases.hasOwnProperty(progress.phase)
        ? phases[progress.phase] : progress.phase;
    }

    /**
     * @returns {string} what an image waits for, and since when; or ''
     */
    function note(progress) {
      if (progress.phase === 'unknown') {
        return interpolate(
          gettext('Nothing was heard of the data since %(time)s'),
          {time: time(progress.silent_since)}, true);
      }
      if (progress.waiting_for && waits[progress.waiting_for]) {
        return interpolate(
          waits[progress.waiting_for],
          {time: time(progress.waiting_since)}, true);
      }
      return '';
    }

    /**
     * @returns {string} how much of a store's data is there, how fast it
     * comes, and how long it will take
     */
    function amount(part) {
      var said = [];
      var bytes = $filter('bytes');
      if (part.total !== null) {
        said.push(interpolate(
          gettext('%(done)s of %(total)s'),
          {done: bytes(part.done), total: bytes(part.total)}, true));
      } else if (part.done !== null) {
        said.push(bytes(part.done));
      }
      if (part.moving && part.rate !== null) {
        said.push(interpolate(
          gettext('%(rate)s/s'), {rate: bytes(part.rate)}, true));
      }
      if (part.moving && part.eta !== null) {
        said.push(interpolate(
          gettext('%(time)s left'), {time: duration(part.eta)}, true));
      }
      return said.join(', ');
    }

    /**
     * @param {number} seconds - a length of time
     * @returns {string} the two greatest units of it
     */
    function duration(seconds) {
      var rest = Math.round(seconds);
      if (rest < 60) {
        return interpolate(gettext('%(s)s s'), {s: rest}, true);
      }
      var minutes = Math.floor(rest / 60);
      if (minutes < 60) {
        return interpolate(
          gettext('%(min)s min %(s)s s'), {min: minutes, s: rest % 60}, true);
      }
      return interpolate(
        gettext('%(h)s h %(min)s min'),
        {h: Math.floor(minutes / 60), min: minutes % 60}, true);
    }

    /**
     * @param {Object} failed - a store, or the last failure of an image
     * @returns {string} why it has failed
     */
    function reason(failed) {
      return failed && failed.failure || gettext('The reason is not known.');
    }

    /**
     * @returns {boolean} whether a store holds what is on its way to others
     */
    function isStaging(name) {
      return name === STAGING;
    }

    /**
     * @returns {string} what a store is called
     */
    function store(name) {
      return isStaging(name) ? gettext('staging area') : name;
    }

    /**
     * @param {number} seconds - since the epoch
     * @returns {string} the time of day, with the day unless it is today
     */
    function time(seconds) {
      if (seconds === null || angular.isUndefined(seconds)) {
        return '-';
      }
      var then = new Date(seconds * 1000);
      var today = then.toDateString() === new Date().toDateString();
      return $filter('date')(then, today ? 'mediumTime' : 'short');
    }
  }

})();
