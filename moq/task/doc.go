// Package task counts the goroutines of something that ends, so that whoever
// ends it can wait for them.
//
// It must not know what they do. Unlike a sync.WaitGroup, a Group may be given
// goroutines while others wait for it, and several may wait: what has ended may
// still be asked for something, which then fails in a goroutine of its own. Whoever
// owns it may also take what they panic with.
//
// All of it is in group.go.
package task
