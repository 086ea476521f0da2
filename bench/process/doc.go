// Package process runs the parts of a benchmark in processes of their own, so
// that what one of them uses can be told from what the others use.
//
// The benchmark starts its own executable again, with a [Role]: [Start] gives a
// [Child], which is asked by [Child.Call]. In the child [Serve] answers until the
// parent closes the pipe or dies. Each child answers a few questions by itself:
// what it has used so far ([Child.Usage]), profiles ([Child.Profile]), and
// what is left after a collection of garbage ([Child.Collect]).
//
// Requests and answers are lines of JSON on the child's standard input and
// output; what the child has to say to people goes to standard error.
//
// The package knows nothing of what is measured.
//
// # Where to start reading
//
// child.go is the parent's side, serve.go the child's, usage.go what is measured
// of a process.
package process
