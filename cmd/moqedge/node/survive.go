package node

import (
	"fmt"
	"net/http"
	"runtime/debug"
)

// survived counts a panic that ended one ingest or one HTTP request, beside those of
// sessions, and finds out whether the node can go on.
func (n *Node) survived(any) {
	n.relay.Survived(func() {
		if n.hub != nil {
			n.hub.Touch()
		}
	})
}

// surviving has a panic end the request that it is in, with its connection, and be told of.
func (n *Node) surviving(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value != http.ErrAbortHandler {
				n.log.Error("panic: the request ends", "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
				n.survived(value)
			}
			panic(http.ErrAbortHandler)
		}()
		h.ServeHTTP(w, r)
	})
}
