// Package hook asks an HTTP server of the operator who may do what.
//
// It fails closed: without an answer that says yes, whatever the reason, nothing is
// permitted. It bounds how many questions are under way and how many answers are kept,
// asks equal questions once, and knows nothing of tokens and sessions but what auth.Ask
// says.
//
// Start reading at Hook (hook.go), which is an auth.Judge. ask.go has the question and
// the answer as they are sent; the answers that are kept are an auth.Recent.
package hook
