// Package collector has Go's garbage collector suit a process whose sessions come
// in crowds, as a relay's do when a broadcast begins or another relay has died.
//
// A handshake leaves more garbage than a session keeps. Left to itself the
// collector waits until the heap has doubled, and what a thousand sessions keep lies
// scattered over twice the memory from then on, for Go moves nothing. So while a
// crowd comes it collects more often, which takes a small part of the time that the
// handshakes take, and when the crowd is there it collects once more and gives what
// is free back to the system.
//
// At all other times there may be as much garbage as it is told that there is room for.
// What flows through a relay makes next to none, and then that is of no account. But a
// flood of handshakes makes a hundred megabytes in a second, and where little lives, a
// collector that is left to itself would stop all that flows several times in that second:
// one frame in a hundred came 10 ms later for it.
//
// It works on the whole process, so it is for programs and not for libraries: [Run]
// is called once by what runs the relay. The package knows of sessions only how
// many there are, and of memory what it is told.
//
// Start reading at crowd.look.
package collector
