// Package lab compares systems that carry live media: it runs servers, publishers
// and viewers in processes of their own, on the same schedule of frames and the
// same emulated lines, by turns, and works out what each of them delivered and
// what it cost.
//
// A [Plan] says what is measured. [Compare] runs its rounds and returns a
// [Result], which is all that reports are made from. A round is one system with
// fresh processes: its server ([process.Usage] tells its CPU time and memory alone),
// for more hops a chain of servers, and the load, which has the publisher and all
// viewers, on one clock. A round in which the load was what gave way says so
// (Round.Invalid) and counts for nothing; one in which the system lost viewers says so
// (Round.Lost), and counts.
//
// The package knows no command line and prints nothing; [Progress] is told how far
// things are.
//
// # Roles
//
// The executable that uses the package starts itself again as
// "--role NAME": it has to hand that to [Role].
//
// # Where to start reading
//
// plan.go and result.go are the two ends, compare.go has the order of rounds,
// round.go one of them. server.go starts what is measured; load.go is the load's
// process and saturation.go how it judges itself.
package lab
