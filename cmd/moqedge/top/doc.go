// Package top shows a node in a terminal: what its admin API says, again every second.
//
// It must not know how a node works, and asks for nothing but the API of relay/admin.
//
// Start reading at Model, whose messages are snapshots, failures, keys and sizes; view.go
// draws it, client.go asks.
package top
