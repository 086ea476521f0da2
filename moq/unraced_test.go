//go:build !race

package moq_test

// raced: the race detector is on.
const raced = false
