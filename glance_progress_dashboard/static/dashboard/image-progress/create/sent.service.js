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

  var DATA = /\/v2\/images\/([^\/]+)\/file$/;

  angular
    .module('horizon.dashboard.image-progress.create')
    .factory('horizon.dashboard.image-progress.create.sent', sent);

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.create.sent
   * @description
   * Knows to which image this browser sends data, and when it has sent all of
   * them. An interceptor of $http: Horizon does not say which image it is, and
   * what it says of the rest does not reach its dialog.
   */
  function sent() {
    var service = {
      imageId: null,
      all: false,
      forget: forget,
      request: request
    };
    return service;

    function forget() {
      service.imageId = null;
      service.all = false;
    }

    function request(config) {
      var match = config.method === 'PUT' && DATA.exec(config.url);
      if (match) {
        service.imageId = match[1];
        service.all = false;
        config.uploadEventHandlers = angular.extend(
          {}, config.uploadEventHandlers, {load: noteAll});
      }
      return config;

      function noteAll() {
        service.all = service.imageId === match[1];
      }
    }
  }

})();
