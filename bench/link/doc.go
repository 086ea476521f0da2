// Package link emulates access lines in user space: delay, jitter, loss, a limited
// rate with a drop-tail queue, changes of the rate over time and outages. It needs no
// rights and nothing of the kernel, so it works in containers and beside servers in
// other processes.
//
// A [Link] says what a line is like; [Parse] knows those of the benchmark by name.
// [Link.Emulate] makes an [Emulator], one per viewer, which is the viewer's end of the
// line: its UDP sockets are wrapped by [Emulator.Packets], whatever they carry (QUIC,
// or ICE, DTLS and SRTP: the two systems that are compared pass the same code with the same
// seed), TCP connections for signalling are made by [Emulator.Dial], and a browser, which
// opens its own sockets, is sent through [Emulator.Proxy] and [Emulator.Tunnel]. The
// server knows nothing of it: its packets enter the line when the viewer's kernel has
// received them, over loopback at once, and are read from there whatever the rate of the
// line is.
//
// The package knows neither what is carried nor how it is measured.
//
// # Exactness
//
// When a packet enters, the time of its arrival is computed at once, from the time when
// all before it will have left the line; so a wake-up that is late delays its packet, not
// the rate. The n-th packet of a direction meets the same fate for the same seed.
// Packets are handed over at most half a millisecond before their time, and after it
// when the process was woken up, on an idle machine within a millisecond: the median is
// 0.3 ms late (TestSocketDelay).
//
// # Using it
//
// quic-go takes the socket as quic.Transport.Conn. It then reads packets one by one and
// without ECN, which nothing on a line marks; a [Socket], which a clean link makes, it
// reads as it does any other. pion takes it as what ListenUDP of a
// transport.Net returns, or as ice.UDPMuxParams.UDPConn with the socket bound to an
// address; either way it finds ReadFromAddrPort and WriteToAddrPort, so that packets cost
// no allocation. One that wraps it once more must hand on those two as well.
//
// # What came as one
//
// On loopback the system does the receiver's work within the sender's call. So that a
// server which hands over many packets at once (UDP_SEGMENT) does not pay for taking them
// apart, which is its network card's work on a network, the viewer's sockets are handed
// them as one (UDP_GRO, where the system has it) and take them apart here, before each
// enters the line. Sockets without a line do so, too: [Coalesce]. Whoever sends packets
// one by one gets them one by one.
//
// # Why it is not pion's vnet
//
// The virtual network of pion/transport has filters for the same effects. They work on
// packets of a virtual router only; real sockets get there by a proxy which starts two
// goroutines per socket and forwards one packet per system call, over another virtual
// socket, a router's queue and one goroutine per filter. Losses are whole percents; its
// token bucket begins with a burst, sizes a queue in bytes of payload and knows no changes
// that come at a set time. quic-go's simnet, which the tests of the transport and the
// relay use, has neither loss nor rates nor real sockets. What is here is less than
// either: a function from packets to times of arrival (path.go), and a queue (queue.go).
//
// # Where to start reading
//
// link.go says what a line is, timetable.go what it carries when, path.go decides on
// each packet, queue.go waits, packets.go and stream.go are the sockets, inbox.go what
// they read from, socket.go the one without a line.
package link
