// Package capacity works out what it takes to serve a number of viewers: cores,
// memory, network, how many relays of a size, and their tree.
//
// What one viewer costs is measured ([Of] takes it from a result of package lab) at
// one bitrate or several: a [Point] each. [NewModel] parts it into what each viewer
// costs whatever it watches and what each bit costs, and [Model.Plan] does the sum.
// Every figure is a [Range]: the least and the largest come from the spread of the
// rounds and, where only one bitrate was measured, from not knowing the two parts.
//
// The package measures nothing and prints nothing.
//
// # Where to start reading
//
// model.go has the cost of a viewer, plan.go the sum, tree.go the tree.
package capacity
