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

  /**
   * @ngdoc overview
   * @name horizon.dashboard.image-progress.create
   * @description
   * The dialog "Create Image", after the browser has sent everything.
   */
  angular
    .module('horizon.dashboard.image-progress.create', [
      'horizon.app.core.images'
    ])
    .config(config)
    .run(run);

  config.$inject = ['$httpProvider'];

  function config($httpProvider) {
    $httpProvider.interceptors.push(
      'horizon.dashboard.image-progress.create.sent');
  }

  run.$inject = [
    'horizon.app.core.images.actions.createWorkflow',
    'horizon.dashboard.image-progress.basePath'
  ];

  function run(workflow, basePath) {
    workflow.steps[0].templateUrl = basePath + 'create/create-image.html';
  }

})();
