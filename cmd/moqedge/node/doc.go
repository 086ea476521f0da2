// Package node runs one moqedge node: a relay on a UDP port, and as configured
// the pages, the bridge with its SRT and WHIP ingests, and the admin server.
//
// It wires packages together and holds no logic of theirs. It must not know
// flags, files or terminals.
//
// Start reading at Start, then Node.Close, which is its mirror image.
package node
