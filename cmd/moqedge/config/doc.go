// Package config is the configuration of a node: what `moqedge serve` reads
// from YAML, strictly, and what a node is built from.
//
// It must not know how a node works; it opens no port and no file but its own.
//
// Start reading at Config. docs/configuration.md explains it to people; the
// samples in testdata are parsed by the tests and shown there.
package config
