// Package notify tells the service manager that runs a process how it fares, in the
// protocol of sd_notify(3): datagrams of lines to the socket that NOTIFY_SOCKET names.
//
// It must not know what the process does: whoever uses it says when it serves, what there
// is to tell of it, and how to find out whether it lives. Start reading at Manager.
package notify
