// Fails where a process that loads the package by `import` and by `require` gets two copies: `instanceof` and shared
// limits then break silently.
const assert = require('node:assert/strict')
const required = require('modelmount')
const requiredFetch = require('modelmount/fetch')

Promise.all([import('modelmount'), import('modelmount/fetch')]).then(([imported, importedFetch]) => {
  assert.equal(imported.RelayError, required.RelayError)
  assert.equal(importedFetch.fetchRelay, requiredFetch.fetchRelay)
})
