//go:build !race

package relay_test

// raced: the race detector is on.
const raced = false
