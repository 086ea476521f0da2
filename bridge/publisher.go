package bridge

// Publisher is where tracks go: an origin that answers subscriptions.
type Publisher interface{}
