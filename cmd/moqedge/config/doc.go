// Package config is the configuration of a node: what `moqedge serve` reads
// from YAML, the environment and flags, strictly, and what a node is built from.
//
// It must not know how a node works; it opens no port and no file but its own.
//
// Start reading at Config, then Sources.Read. One schema, the struct tags, is what
// files (decode.go), variables and flags (environment.go), what --print-config shows
// (print.go), reloads (change.go) and the table of docs/configuration.md are made of.
// The samples in testdata are parsed by the tests and shown there.
//
// A section is a struct in a file of its own, with a validate method whose error begins
// with the key, called by Config.Validate. Each of its fields has a comment that is
// one line of the table, and the tags
//
//   - yaml: the key, in camelCase; the variable is derived from it.
//   - default: what a value that is not given becomes (Config.Filled), or without: what
//     that means, in words. Not both.
//   - reload: live, sessions, restart (Class), or section for the class of the section
//     that the field is in; lists of sections are replaced as a whole. What is live or
//     for new sessions has a part of the node that takes it (node.OnApply).
//   - secret: true, or url for a password in it; none when it may be shown.
package config
