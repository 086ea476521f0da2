// Package admin is what operators reach of a node: an API of JSON documents with its
// OpenAPI description, a status page that needs no JavaScript, and the profiles of the
// process.
//
// It must not know configuration files, certificates or the bridge: what it tells of
// them comes by the functions of its Config.
//
// Start reading at New, then routes.go: the table that requests, /openapi.json and the
// tests go by. guard.go says who may ask, pace.go makes rates out of counters.
package admin
