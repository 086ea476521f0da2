// Package flood is those who take more of a relay than they should: connections that
// begin, at a rate and from many addresses, and namespaces that are announced all at
// once. What viewers notice of it is measured by who starts it.
//
// There are four kinds. [Hellos] begin and hear no answer, as packets with addresses of
// others do. [Retries] show that they are at their address when they are asked to, and
// leave the rest of the handshake to the relay, which is what costs it most for what it
// costs them. [Handshakes] are those of real clients, completed and given up.
// [Namespaces] are announced by one session. The packets of the first two are made here,
// without a connection behind them: a machine makes thousands of them in a second.
//
// A flood runs in a process of its own ([Role], package process), which takes the time
// that others leave, as if it were on other machines.
//
// The package knows nothing of viewers, and of what a relay does about floods.
//
// # Where to start reading
//
// [Role] in role.go. crowd.go has the clients that are made by hand, of packets in
// initial.go; handshakes.go and namespaces.go the others.
package flood
